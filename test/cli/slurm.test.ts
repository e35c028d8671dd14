import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { writePictures } from '../retrain/tinyTraining.ts'
import { PLUGIN, until, Workplace, withLastValues } from '../support/command.ts'
import { full } from '../support/full.ts'
import { hasSlurm, SlurmCluster } from '../support/slurmCluster.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000 })

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

const countdown = (...more: string[]) =>
  withLastValues(['run', '--algo', 'countdown', '--plugin', PLUGIN, '--dataset', 'cifar10', '--seeds', '2', ...more])
const states = async (...args: string[]) => {
  const { stdout } = await place.bench('status', '--json', ...args)
  return JSON.parse(stdout).rows.map((row: { state: string }) => row.state)
}
const logs = () => {
  const root = join(place.folder, 'runs', 'slurm')
  const folders = readdirSync(root).map((array) => join(root, array))
  const files = folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
  return files.filter((file) => file.endsWith('.log')).map((file) => readFileSync(file, 'utf8'))
}

describe.skipIf(process.platform === 'win32')('the report of a submission, by a stand-in for sbatch', () => {
  const { PATH } = process.env
  beforeEach(() => {
    const folder = join(place.folder, 'slurm-commands')
    mkdirSync(folder)
    writeFileSync(join(folder, 'sbatch'), '#!/bin/sh\ncat > /dev/null\necho 4711\n', { mode: 0o755 })
    process.env.PATH = `${folder}:${PATH}`
  })
  afterEach(() => {
    process.env.PATH = PATH
  })
  const written = (name: string) => readFileSync(join(place.folder, name), 'utf8')
  const record = { array: { id: '4711', tasks: 1 }, queued: [] }

  test('is a record in JSON, on standard output or in a file', async () => {
    const printed = await place.bench(...countdown('--slurm', 'time=5', '--format', 'json'))
    expect(JSON.parse(printed.stdout)).toMatchObject(record)
    const kept = await place.bench(...countdown('--store', 'other', '--slurm', 'time=5', '--out', 'x.json'))
    expect(kept).toMatchObject({ code: 0, stdout: '' })
    expect(JSON.parse(written('x.json'))).toMatchObject(record)
  })

  test('is never the content of a table', async () => {
    const named = await place.bench(...countdown('--slurm', 'time=5', '--out', 'table.tex'))
    expect(named.stdout).toMatch(/submitted: 2 runs, as array 4711;.*\nwhen .* the same command writes table\.tex;/)
    expect(existsSync(join(place.folder, 'table.tex'))).toBe(false)
    const piped = await place.bench(...countdown('--store', 'other', '--slurm', 'time=5', '--format', 'csv'))
    expect(piped).toMatchObject({ code: 0, stdout: '' })
    expect(piped.stderr).toContain('submitted: 2 runs, as array 4711')
  })
})

describe.skipIf(!hasSlurm)('a plan submitted to Slurm (skipped without slurmctld, slurmd or root)', () => {
  let cluster: SlurmCluster
  beforeAll(async () => {
    cluster = await SlurmCluster.start()
  })
  afterAll(() => cluster.stop())
  afterEach(() => cluster.ask('scancel', '--user=root'))

  test('gives the same results as on this machine, and the same command prints the table', async () => {
    const here = await place.bench(...countdown('--store', 'here', '--json'))
    const submitted = await place.bench(...countdown('--slurm', 'time=5', '--json'))
    expect(submitted).toMatchObject({ code: 0, stderr: '' })
    const { array, submitted: runs, queued } = JSON.parse(submitted.stdout)
    expect(array).toMatchObject({ tasks: 1 })
    expect([runs.length, queued.length]).toEqual([2, 0])
    await until(() => logs().join().includes('2 of 2 runs finished'), 'the end', 60_000)
    expect(place.results('runs')).toEqual(place.results('here'))
    const again = await place.bench(...countdown('--slurm', 'time=5', '--json'))
    expect(again).toMatchObject({ code: 0, stdout: here.stdout })
  })

  test.runIf(full)('with --jobs runs that many tasks at a time, and queued runs are not submitted again', async () => {
    const first = await place.bench(...countdown('--jobs', '2', '--slurm', 'begin=now+1hour'))
    const id = /submitted: 2 runs, as array (\d+)/.exec(first.stdout)?.[1]
    expect(cluster.ask('squeue', '--noheader', '--format=%i')).toBe(`${id}_[0-1%2]`)
    expect(await states()).toEqual(['queued', 'queued'])
    const more = await place.bench(...countdown('--seeds', '3', '--slurm', 'begin=now+1hour', '--json'))
    const { submitted, queued } = JSON.parse(more.stdout)
    expect([submitted.length, queued.length]).toEqual([1, 2])
    const nothing = await place.bench(...countdown('--slurm', 'begin=now+1hour'))
    expect(nothing.stdout).toContain('already in the queue: 2 runs')
    expect(nothing.stdout).not.toContain('submitted')
  })

  test.runIf(full)('continues from its checkpoint after its time limit', async () => {
    const slow = ['--option', 'epochs=40', '--option', 'milliseconds=100', '--seeds', '1']
    const whole = place.bench(...countdown(...slow, '--store', 'whole'))
    const { stdout } = await place.bench(...countdown(...slow, '--slurm', 'time=5', '--json'))
    const task = `${JSON.parse(stdout).array.id}_0`
    const [run] = await until(
      () => place.runs('runs').filter((each) => existsSync(join(each, 'checkpoint'))),
      'an epoch',
    )
    // As Slurm itself does a minute before the limit.
    cluster.ask('scancel', '--signal=USR2', '--batch', task)
    await until(
      () => cluster.ask('squeue', '--noheader', '--format=%t') === 'PD',
      'the task in the queue again',
      30_000,
    )
    expect(await states()).toEqual(['queued'])
    cluster.startSoon(task)
    await until(() => existsSync(join(run, 'result.json')), 'the result', 60_000)
    await whole
    expect(place.epochs('runs')).toEqual(place.epochs('whole'))
    expect(logs().join()).toContain('the time limit is near: requeued, to continue from the last checkpoints')
  })

  test.runIf(full)('that saves no epoch within its time limit is not requeued', async () => {
    const { stdout } = await place.bench(...countdown('--option', 'endlessAt=0', '--slurm', 'time=5', '--json'))
    const task = `${JSON.parse(stdout).array.id}_0`
    await until(() => place.runs('runs').some((run) => existsSync(join(run, 'run.json'))), 'a run')
    cluster.ask('scancel', '--signal=USR2', '--batch', task)
    await until(() => logs().join().includes('no epoch is saved: ask for more time'), 'the line', 30_000)
    expect(cluster.ask('squeue', '--noheader', '--format=%t')).toBe('R')
  })

  test.runIf(full)('may be a full training, which continues from its last epoch', async () => {
    await writePictures(join(place.folder, 'pictures'), { side: 16 })
    const training = [
      ...['retrain', '--genotype', 'DARTS_V2', '--dataset', 'pictures', '--data', 'pictures', '--preset', 'trial'],
      ...[
        '--channels',
        '4',
        '--layers',
        '3',
        '--batch-size',
        '8',
        '--limit',
        '8',
        '--epochs',
        '30',
        '--backend',
        'wasm',
      ],
    ]
    const submitted = await place.bench(...training, '--slurm', 'time=5', '--json')
    const task = `${JSON.parse(submitted.stdout).array.id}_0`
    await until(() => place.runs('runs').some((run) => existsSync(join(run, 'checkpoint'))), 'an epoch')
    cluster.ask('scancel', '--signal=USR2', '--batch', task)
    await until(
      () => cluster.ask('squeue', '--noheader', '--format=%t') === 'PD',
      'the task in the queue again',
      30_000,
    )
    cluster.startSoon(task)
    await until(() => logs().join().includes('1 of 1 run finished'), 'the end', 120_000)
    const { stdout } = await place.bench(...training, '--slurm', 'time=5', '--format', 'md')
    expect(stdout).toMatch(/\| DARTS_V2 \| 1 \| \**\d+\.\d\d ± —\** \|/)
  })

  test.runIf(full)('is followed by bench report --watch from the queue to the last run', async () => {
    const slow = ['--option', 'epochs=8', '--option', 'milliseconds=100']
    await place.bench(...countdown(...slow, '--slurm', 'time=5,begin=now+2'))
    const watch = ['report', '--watch', '--interval', '0.3', '--json', '--plugin', PLUGIN, '--out', 'page.html']
    const watched = await place.bench(...watch)
    expect(watched.code, watched.stderr).toBe(0)
    const looks = watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    // Before the first run begins there is nothing to show.
    expect(watched.stderr).toMatch(/^waiting: .*no runs/m)
    expect(looks.some(({ running }) => running > 0)).toBe(true)
    expect(looks.at(-1)).toMatchObject({ runs: 2, running: 0 })
    expect(await states()).toEqual(['finished', 'finished'])
    expect(readFileSync(join(place.folder, 'page.html'), 'utf8')).not.toContain('location.reload()')
  })

  test('makes bench doctor print the version of Slurm', async () => {
    const { stdout } = await place.bench('doctor', '--json')
    const finding = JSON.parse(stdout).rows.find(({ subject }: { subject: string }) => subject === '--slurm')
    expect(finding).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^slurm.* \d+\.\d+/) })
  })

  test('leaves no files if Slurm refuses it', async () => {
    const refused = await place.bench(...countdown('--slurm', 'partition=gpu', '--quiet'))
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toBe('bench: sbatch refused: invalid partition specified: gpu\n')
    expect(readdirSync(join(place.folder, 'runs'))).toEqual([])
  })
})

describe('--slurm', () => {
  test('needs a backend', async () => {
    const refused = await place.bench('run', '--algo', 'drnas', '--slurm', 'time=5')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toBe(
      'bench: --slurm computes on other machines, so the backend must be named: --backend wasm, webgpu or tensorflow\n',
    )
    expect(existsSync(join(place.folder, 'runs'))).toBe(false)
  })

  test('is refused on a machine without sbatch', async () => {
    vi.stubEnv('PATH', join(place.folder, 'nowhere'))
    const refused = await place.bench(...countdown('--slurm', 'time=5'))
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('there is no sbatch on this machine')
    vi.unstubAllEnvs()
  })
})
