/** `bench status --watch` and `bench report --watch` beside real runs, without a terminal and on one. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runId } from '../../src/runner/plan/identity.ts'
import { writeArray } from '../../src/runner/slurm/arrays.ts'
import { Store } from '../../src/runner/store/store.ts'
import { writePictures } from '../retrain/tinyTraining.ts'
import { MAIN, until, Workplace } from '../support/command.ts'
import { someOf } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const place = new Workplace()
beforeAll(async () => void (await writePictures(join(place.folder, 'pictures'), { side: 16 })))
afterAll(() => place.remove())

const isRunning = (store: string) => place.runs(store).some((run) => existsSync(join(run, 'lock')))

describe('bench status --watch', () => {
  test('follows a search and its full training, and ends by itself', async () => {
    const evaluate = 'retrain:preset=nb201-paper,epochs=150,channels=4,layers=1'
    const search = place.bench(
      ...[
        'run',
        '--algo',
        'darts-v1',
        '--space',
        'nb201',
        '--dataset',
        'pictures',
        '--data',
        'pictures',
        '--seeds',
        '1',
      ],
      ...['--protocol', 'micro:epochs=20,batchSize=4', '--evaluate', evaluate, '--store', 'followed'],
    )
    await until(() => isRunning('followed'), 'a running job')
    const watched = ['status', '--watch', '--interval', '0.1', '--store', 'followed']
    const [json, plain] = await Promise.all([place.bench(...watched, '--json'), place.bench(...watched)])
    expect(await search).toMatchObject({ code: 0 })
    expect([json.code, json.stderr, plain.code, plain.stderr]).toEqual([0, '', 0, ''])

    const looks = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(looks.at(-1)).toMatchObject({ states: { finished: 1 }, running: [], failed: [] })
    const running = looks.flatMap((look) => look.running)
    const trained = running.filter(({ phase, epoch }) => phase === 'training' && epoch > 0)
    expect(trained.length).toBeGreaterThan(0)
    for (const { algorithm, dataset, seed, epoch, epochs, loss, accuracyPct, etaSeconds } of trained) {
      expect({ algorithm, dataset, seed, epochs }).toEqual({
        ...{ algorithm: 'darts-v1', dataset: 'pictures', seed: 0, epochs: 150 },
      })
      expect(epoch).toBeLessThanOrEqual(150)
      expect(loss).toBeGreaterThan(0)
      expect(accuracyPct).toBeGreaterThanOrEqual(0)
      expect(etaSeconds).toBeGreaterThanOrEqual(0)
    }
    expect(trained.map(({ epoch }) => epoch)).toEqual(trained.map(({ epoch }) => epoch).sort((a, b) => a - b))
    expect(plain.stdout).toMatch(/^darts-v1 +pictures +0 +training +\d+\/150 +\d\.\d{3} +\d+\.\d\d % /m)
    expect(plain.stdout).toMatch(/1 run, 1 finished\n/)
    expect(plain.stdout).not.toContain('\u001b')
  })

  test('is left by Ctrl-C without a message', async () => {
    const store = new Store(join(place.folder, 'followed'))
    const [id] = readdirSync(store.folder).filter((name) => name.startsWith('darts'))
    const copy = store.run(`${id}-held`)
    const held = await copy.lock(() => {})
    copy.begin({ ...store.run(id).manifest(), id: copy.id })
    const { child, ended } = place.start(['status', '--watch', '--store', 'followed'])
    let said = ''
    child.stdout?.on('data', (text) => (said += text))
    await until(() => said.includes('1 running'), 'the first look')
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    held.release()
  })

  test.skipIf(spawnSync('script', ['--version']).status !== 0)('fits a terminal (skipped without `script`)', () => {
    const line = `stty cols 60 rows 10; '${process.execPath}' '${MAIN}' status --watch --store followed`
    const { stdout } = spawnSync('script', ['-qefc', line, '/dev/null'], {
      cwd: place.folder,
      env: { ...process.env, NAS_BENCH_HOME: place.home, NO_COLOR: '', TERM: 'xterm' },
      encoding: 'utf8',
    })
    expect(stdout).toContain('2 runs, ')
    for (const drawn of stdout.split(/\r?\n/)) expect(drawn.length, drawn).toBeLessThanOrEqual(60)
  })

  const refused: [string[], string][] = [
    [['--interval', '2'], '--interval is for --watch'],
    [['--watch', '--interval', '0'], 'expected a number above 0'],
    [['--watch', '--out', 'x.txt'], 'leave out --out'],
    [['--watch', '--format', 'csv'], 'leave out --format'],
  ]
  test.each(someOf(refused, 4))('refuses %s', async (flags, message) => {
    const { code, stdout, stderr } = await place.bench('status', '--store', 'followed', ...flags)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})

describe('bench report --watch', () => {
  test('rewrites a page that refreshes itself while a run is under way, and leaves one that does not', async () => {
    const store = new Store(join(place.folder, 'followed'))
    const [id] = readdirSync(store.folder).filter((name) => name.startsWith('darts'))
    const copy = store.run(id.replace(/.{3}$/, 'fed'))
    const held = await copy.lock(() => {})
    copy.begin({ ...store.run(id).manifest(), id: copy.id })
    const page = () => {
      const path = join(place.folder, 'page.html')
      return existsSync(path) ? readFileSync(path, 'utf8') : ''
    }
    const refreshes = 'location.reload(), 200)'
    const words = ['report', '--watch', '--interval', '0.2', '--out', 'page.html', '--store', 'followed', '--json']
    const watching = place.bench(...words)
    await until(() => page().includes(refreshes), 'a page that refreshes itself')
    copy.appendEpochs([{ epoch: 0, genotype: '', metrics: [], trainLoss: 1.25 }])
    held.release()
    const { code, stdout } = await watching
    expect(code).toBe(0)
    const looks = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(looks.length).toBeGreaterThan(1)
    expect(looks[0]).toMatchObject({ path: 'page.html', running: 1 })
    expect(looks.at(-1)).toMatchObject({ running: 0 })
    expect(page()).not.toContain('location.reload()')
  })

  test('waits, as bench status does, for the first run of a plan and between two runs', async () => {
    const store = new Store(join(place.folder, 'begun'))
    store.prepare()
    const endWork = store.markAtWork()
    const watch = ['--watch', '--interval', '0.1', '--store', 'begun']
    const status = place.bench('status', ...watch, '--json')
    const { child, ended } = place.start(['report', ...watch, '--out', 'begun.html'])
    let said = ''
    child.stderr?.on('data', (text) => (said += text))
    await until(() => said !== '', 'a message')
    expect(said).toMatch(/^waiting: there are no runs in begun; .*\n$/)
    const page = join(place.folder, 'begun.html')
    expect(existsSync(page)).toBe(false)
    const [id] = readdirSync(join(place.folder, 'followed')).filter((name) => name.startsWith('darts'))
    cpSync(join(place.folder, 'followed', id), join(store.folder, id), { recursive: true })
    await until(() => existsSync(page), 'a page')
    expect(readFileSync(page, 'utf8')).toContain('location.reload()')
    endWork()
    expect(await ended).toMatchObject({ code: 0 })
    expect(readFileSync(page, 'utf8')).not.toContain('location.reload()')
    const looks = (await status).stdout.trim().split('\n')
    expect(JSON.parse(looks[0])).toMatchObject({ states: {}, running: [] })
    expect(JSON.parse(looks[looks.length - 1])).toMatchObject({ states: { finished: 1 }, running: [] })
    expect(store.isAtWork()).toBe(false)
  })

  test('outlasts, as bench status does, a Slurm that does not answer for a while', async () => {
    const store = new Store(join(place.folder, 'queued'))
    const [id] = readdirSync(join(place.folder, 'followed')).filter((name) => name.startsWith('darts'))
    cpSync(join(place.folder, 'followed', id), join(store.folder, id), { recursive: true })
    const job = { ...store.run(id).manifest().job, seed: 7 }
    const { name } = writeArray(store, [
      { store: store.folder, jobs: [{ id: runId(job), job }], plugins: [], executor: { backend: 'wasm' } },
    ])
    const bin = join(place.folder, 'bin')
    mkdirSync(bin)
    // Counts its calls: the first finds the task in the queue, the next two get no answer, then the task is gone.
    const script = (calls: string) => `#!/bin/sh
echo x >> ${calls}
case $(wc -l < ${calls}) in
  1) echo '${name} 0' ;;
  [23]) echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1 ;;
esac`
    for (const words of [
      ['status', '--json'],
      ['report', '--out', 'queued.html'],
    ]) {
      writeFileSync(join(bin, 'squeue'), script(join(bin, `${words[0]}-calls`)), { mode: 0o755 })
      vi.stubEnv('PATH', `${bin}:${process.env.PATH}`)
      const watched = await place.bench(...words, '--watch', '--interval', '0.1', '--store', 'queued')
      vi.unstubAllEnvs()
      expect(watched).toMatchObject({
        code: 0,
        stderr: 'waiting: squeue refused: Unable to contact slurm controller\n',
      })
      expect(readFileSync(join(bin, `${words[0]}-calls`), 'utf8').length).toBeGreaterThanOrEqual(2 * 4)
    }
    expect(readFileSync(join(place.folder, 'queued.html'), 'utf8')).not.toContain('location.reload()')
  })

  const refused: [string[], string][] = [
    [['--interval', '2'], '--interval is for --watch'],
    [['--watch', '--folder', 'x'], 'leave out --folder'],
    [['--watch', '--checklist', 'nas'], 'leave out --checklist'],
  ]
  test.each(someOf(refused, 3))('refuses %j', async (flags, message) => {
    const { code, stdout, stderr } = await place.bench('report', '--store', 'followed', ...flags)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
