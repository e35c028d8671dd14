import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { tryLock } from '../../src/system/lock.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { PLUGIN, until, Workplace, withLastValues } from '../support/command.ts'
import { full, someOf } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000 })

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

const countdown = (...options: string[]) => [
  ...['run', '--algo', 'countdown', '--plugin', PLUGIN, '--dataset', 'cifar10', '--jobs', '2'],
  ...options.flatMap((option) => ['--option', option]),
]

describe('bench run', () => {
  test('prints what it uses and mean ± std, and prints the same from the store', async () => {
    const search = [
      'run',
      '--algo',
      'random,rea',
      '--dataset',
      'cifar10',
      '--seeds',
      '3',
      '--budget',
      '500',
      '--jobs',
      '1',
    ]
    const first = await place.bench(...search)
    expect(first).toMatchObject({ code: 0 })
    expect(first.stdout).toContain('space nb201; dataset cifar10; table nb201; no network is trained; protocol micro')
    expect(first.stdout).toMatch(/random +3 +\d\d\.\d\d ± \d+\.\d\d/)
    const again = await place.bench(...search)
    const table = (text: string) => text.slice(text.indexOf('\n\n'))
    expect(table(again.stdout)).toBe(table(first.stdout))
    expect(again.stderr).toBe('')
  })

  test('reuses the finished runs of a report, runs only the others, and leaves the report as it is', async () => {
    const search = ['--algo', 'random', '--dataset', 'cifar10', '--budget', '500']
    await place.bench('run', ...search, '--seeds', '2', '--store', 'old', '--jobs', '1', '--quiet')
    await place.bench('report', 'old', '--folder', 'report', '--compact')
    const bytes = () => readFileSync(join(place.folder, 'report', 'runs.jsonl.gz'))
    const before = bytes()
    const planned = await place.bench('status', ...search, '--seeds', '3', '--reuse', 'report', '--json')
    expect(JSON.parse(planned.stdout).rows.map(({ state }: { state: string }) => state)).toEqual([
      'finished',
      'finished',
      'missing',
    ])
    const ran = await place.bench('run', ...search, '--seeds', '3', '--reuse', 'report')
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stderr).toContain('2 finished runs taken over from report')
    expect(ran.stdout).toContain('3 runs, 2 finished')
    expect(ran.stdout).toMatch(/random +3 /)
    expect(bytes().equals(before)).toBe(true)
    if (!full) return
    expect(await place.bench('report', '--folder', 'report', '--compact')).toMatchObject({ code: 0 })
    expect(await place.bench('verify', 'report', 'runs')).toMatchObject({ code: 0 })
    const unknown = await place.bench('run', ...search, '--reuse', 'reports/nothing')
    expect(unknown).toMatchObject({ code: 2 })
    expect(unknown.stderr).toContain('reports/nothing')
  })

  test('takes store and processes from its flags rather than from the file', async () => {
    const said = 'algorithms: random\ndatasets: cifar10\nseeds: 1\nbudget: 500\nstore: theirs\njobs: 2\n'
    writeFileSync(join(place.folder, 'x.yaml'), said)
    const typed = await place.bench('run', 'x.yaml', '--store', 'mine', '--jobs', '1', '--quiet')
    expect(typed).toMatchObject({ code: 0 })
    expect([place.runs('mine').length, existsSync(join(place.folder, 'theirs'))]).toEqual([1, false])
    if (!full) return
    await place.bench('run', 'x.yaml', '--quiet')
    expect(place.runs('theirs')).toHaveLength(1)
  })

  test('refuses a table without training times for a search that pays them, and starts no run', async () => {
    const rows = [5, 6].map((index) => `${spaceIndex(nb201).at(index)},9${index},8${index}`).join('\n')
    const header = 'arch,cifar10-valid/x-valid/200/mean,cifar10/ori-test/200/mean'
    writeFileSync(join(place.folder, 'untimed.csv'), `${header}\n${rows}\n`)
    expect(await place.bench('tables', 'import', 'untimed.csv', '--as', 'untimed', '--partial')).toMatchObject({
      code: 0,
    })
    for (const algorithm of someOf(['random', 'rea', 'bohb', 'local-search', 'reinforce'], 5)) {
      const { code, stderr } = await place.bench(
        'run',
        '--algo',
        algorithm,
        '--dataset',
        'cifar10',
        '--table',
        'untimed',
      )
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr:
          'bench: table untimed has no training times of cifar10, which a black-box search pays; import it with a ' +
          'column train-seconds:cifar10-valid/200, name another table with --table, or use an algorithm that trains a network\n',
      })
    }
    expect(place.runs('runs')).toEqual([])
  })

  test.runIf(full)('spends no more than the budget, and records every query', async () => {
    await place.bench('run', '--algo', 'random', '--dataset', 'cifar10', '--runs', '2', '--budget', '1050', '--quiet')
    for (const result of Object.values(place.results('runs'))) {
      expect(result).toMatchObject({ oracle: { budgetSeconds: 1050, usedSeconds: 1000 } })
      expect((result as { oracle: { queries: unknown[] } }).oracle.queries).toHaveLength(10)
    }
  })

  test.runIf(full)('a single seed has no standard deviation', async () => {
    const { stdout } = await place.bench('run', '--algo', 'random', '--dataset', 'cifar10', '--seeds', '1', '--json')
    expect(JSON.parse(stdout).rows[0]['cifar10 test']).toMatchObject({ n: 1, std: null })
  })

  test('with --json, --quiet and a pipe, standard output has the result only', async () => {
    const search = ['run', '--algo', 'random', '--dataset', 'cifar10', '--budget', '500', '--jobs', '1']
    const csv = await place.bench(...search, '--format', 'csv')
    expect(csv.stdout.split('\n')[0]).toBe(
      'method,seeds,cifar10 validation mean,cifar10 validation std,cifar10 validation n,cifar10 test mean,cifar10 test std,cifar10 test n',
    )
    const json = await place.bench(...search, '--json')
    expect(json.stderr).toBe('')
    expect(JSON.parse(json.stdout).runs).toHaveLength(4)
  })

  test('a failed seed does not affect others, is counted, and is tried again', async () => {
    const failing = await place.bench(...countdown('failAt=2'), '--json')
    expect(failing.code).toBe(1)
    expect(JSON.parse(failing.stdout).rows[0]).toMatchObject({ seeds: 2, failed: 2, unfinished: 0 })
    expect(failing.stderr).toContain('bench: countdown on cifar10, seed 1 failed: Error: the walk fell down')
    expect(failing.stderr).toContain('bench: 2 of 4 runs failed; the same command tries them again')
    const status = await place.bench('status', '--json')
    const states = JSON.parse(status.stdout).rows.map((row: { state: string }) => row.state)
    expect(states).toEqual(['finished', 'failed', 'finished', 'failed'])
  })

  const strays = [
    ['waitAt=2', 'it waits for a promise that nothing will resolve'],
    ['strayAt=2', 'a promise that nobody awaits was rejected: Error: it strayed'],
  ]
  test.runIf(full).each(strays)('neither does one with %s, in the process of others', async (option, message) => {
    const { code, stdout, stderr } = await place.bench(
      ...withLastValues([...countdown(option), '--seeds', '2', '--jobs', '1', '--json']),
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout).rows[0]).toMatchObject({ seeds: 1, failed: 1, unfinished: 0 })
    expect(stderr).toContain(`bench: countdown on cifar10, seed 1 failed: ${message}\n`)
    const status = await place.bench('status', '--json')
    const failed = { state: 'failed', note: message }
    expect(JSON.parse(status.stdout).rows).toMatchObject([{}, failed])
  })

  const deaths = [
    ['by a signal', '', "process.kill(process.pid, 'SIGKILL')"],
    ['before its job begins', 'if (process.send) process.exit(7)', ''],
    ['in an epoch', '', 'process.exit(7)'],
  ]
  test.each(someOf(deaths, 3))(
    'a worker process that dies %s leaves a record of its job',
    async (_, atStart, inEpoch) => {
      const seeds = full ? 2 : 1
      const plugin = join(place.folder, 'dying.mjs')
      writeFileSync(
        plugin,
        `import { defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
       import { z } from 'zod'
       ${atStart}
       const search = async ({ space, random }) => ({
         epochs: 1,
         epoch: async () => { ${inEpoch}; return {} },
         genotype: () => sample(space, random('answer')),
         save: async () => ({}), restore() {}, dispose() {},
       })
       const about = { name: 'dying', version: 1, description: '', source: '', kind: 'black-box' }
       export default definePlugin({
         name: 'dying', algorithms: [defineAlgorithm({ ...about, options: z.strictObject({}), search })],
       })`,
      )
      const args = ['--algo', 'dying', '--plugin', plugin, '--dataset', 'cifar10', '--seeds', `${seeds}`, '--jobs', '1']
      expect((await place.bench('run', ...args)).code).toBe(1)
      for (const given of someOf([args.slice(0, -2), []], 2)) {
        const status = await place.bench('status', '--json', ...given)
        const failed = { state: 'failed', note: expect.stringContaining('the worker process was lost (') }
        expect(JSON.parse(status.stdout).rows).toMatchObject(Array.from({ length: seeds }, () => failed))
      }
    },
  )

  test.runIf(full)('a search that diverges fails, with epoch and number in the message', async () => {
    const { code, stderr } = await place.bench(...countdown('divergeAt=1', 'milliseconds=1200'), '--seeds', '1')
    expect(code).toBe(1)
    expect(stderr).toContain('failed: epoch 2 of 4: trainLoss is NaN, not a finite number')
    const status = await place.bench('status', '--json')
    expect(JSON.parse(status.stdout).rows).toMatchObject([{ state: 'failed', epochs: 1 }])
  })

  test.runIf(full)('status lists the missing runs of an experiment', async () => {
    await place.bench(...countdown(), '--seeds', '1')
    const [, ...args] = countdown()
    const { stdout } = await place.bench('status', ...args.slice(0, -2), '--seeds', '2', '--format', 'csv')
    expect(stdout).toMatch(/countdown,cifar10,0,micro,finished,4,.*\ncountdown,cifar10,1,micro,missing,0,/)
  })
})

test.runIf(full)('processes are distributed over the GPUs', async () => {
  const plugin = join(place.folder, 'gpu.mjs')
  writeFileSync(
    plugin,
    `import { defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
     import { z } from 'zod'
     const search = async ({ space, random }) => ({
       epochs: 1,
       epoch: async () => ({ extra: { gpu: Number(process.env.CUDA_VISIBLE_DEVICES) } }),
       genotype: () => sample(space, random('answer')),
       save: async () => ({}),
       restore() {},
       dispose() {},
     })
     const algorithm = { name: 'gpu', version: 1, description: '', source: '', kind: 'black-box', options: z.strictObject({}) }
     export default definePlugin({ name: 'gpu', algorithms: [defineAlgorithm({ ...algorithm, search })] })`,
  )
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '3,5')
  await place.bench('run', '--plugin', plugin, '--algo', 'gpu', '--dataset', 'cifar10', '--seeds', '2', '--jobs', '2')
  vi.unstubAllEnvs()
  const gpus = Object.values(place.epochs('runs')).map(
    (epochs) => (epochs as { extra: { gpu: number } }[])[0].extra.gpu,
  )
  expect(gpus.sort()).toEqual([3, 5])
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('kill -9', () => {
  const slow = countdown('epochs=9', 'milliseconds=250')
  const checkpoints = () => place.runs('killed').filter((run) => existsSync(join(run, 'checkpoint')))
  const holder = (run: string) => JSON.parse(readFileSync(join(run, 'lock'), 'utf8')).pid as number

  test.runIf(full)('of the whole command: the same command continues and ends with the same results', async () => {
    const seeds = 2
    const whole = place.bench(...slow, '--seeds', `${seeds}`, '--store', 'whole', '--quiet')
    const killed = place.start([...slow, '--seeds', `${seeds}`, '--store', 'killed', '--quiet'])
    await until(() => checkpoints().length === seeds, 'a checkpoint of each run')
    const workers = checkpoints().map(holder)
    killed.child.kill('SIGKILL')
    for (const worker of workers) process.kill(worker, 'SIGKILL')
    await killed.ended
    expect(place.runs('killed').some((run) => existsSync(join(run, 'result.json')))).toBe(false)
    const resumed = await place.bench(...slow, '--seeds', `${seeds}`, '--store', 'killed', '--quiet')
    expect(resumed).toMatchObject({ code: 0, stdout: (await whole).stdout })
    expect(place.results('killed')).toEqual(place.results('whole'))
    for (const run of place.runs('killed')) {
      const epochs = readFileSync(join(run, 'epochs.jsonl'), 'utf8').trim().split('\n')
      expect(epochs.map((line) => JSON.parse(line).epoch)).toEqual(Array.from({ length: 9 }, (_, i) => i))
    }
  })

  test.runIf(full)(
    'of one worker: the other seed finishes, and the command reports the loss with status 1',
    async () => {
      const { ended } = place.start([...slow, '--seeds', '2', '--store', 'killed'])
      await until(() => checkpoints().length === 2, 'two checkpoints')
      const victim = checkpoints().find((run) => run.includes('seed0')) as string
      process.kill(holder(victim), 'SIGKILL')
      const { code, stderr } = await ended
      expect(code).toBe(1)
      expect(stderr).toContain(
        'seed 0 failed: the worker process was lost (killed by SIGKILL); the same command goes on from its checkpoint',
      )
      expect(place.runs('killed').filter((run) => existsSync(join(run, 'result.json')))).toHaveLength(1)
      expect(await place.bench(...slow, '--seeds', '2', '--store', 'killed')).toMatchObject({ code: 0 })
      await place.bench(...slow, '--seeds', '2', '--store', 'whole', '--quiet')
      expect(place.results('killed')).toEqual(place.results('whole'))
    },
  )

  test.runIf(full)('of the command alone: its workers stop, and no run is repeated', async () => {
    const first = place.start([...slow, '--seeds', '1', '--store', 'killed'])
    await until(() => checkpoints().length === 1, 'a checkpoint')
    const worker = holder(checkpoints()[0])
    first.child.kill('SIGKILL')
    await until(() => !isAlive(worker), 'the end of the worker')
    expect(await place.bench(...slow, '--seeds', '1', '--store', 'killed')).toMatchObject({ code: 0 })
  })
})

test('an interrupted command also ends a search that never yields', async () => {
  const { child, ended } = place.start([...countdown('endlessAt=0'), '--seeds', '1'])
  const [run] = await until(() => place.runs('runs').filter((path) => existsSync(join(path, 'run.json'))), 'a run')
  const worker = JSON.parse(readFileSync(join(run, 'lock'), 'utf8')).pid
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 130 })
  await until(() => !isAlive(worker), 'the end of the worker')
})

test('a run of another process is waited for, and not repeated', async () => {
  const args = [...countdown().slice(1), '--seeds', '1']
  const planned = await place.bench(
    'status',
    ...args.filter((arg, i) => arg !== '--jobs' && args[i - 1] !== '--jobs'),
    '--json',
  )
  const folder = join(place.folder, 'runs', JSON.parse(planned.stdout).rows[0].run)
  mkdirSync(folder, { recursive: true })
  const held = await tryLock(join(folder, 'lock'))
  const waiting = place.start(['run', ...args])
  await until(() => waiting.errors().includes(`waiting for process ${process.pid}`), 'the wait')
  expect(existsSync(join(folder, 'run.json'))).toBe(false)
  if ('requireHeld' in held) held.release()
  expect(await waiting.ended).toMatchObject({ code: 0 })
})

describe('a supernet search', () => {
  const short = 'micro:epochs=10,data.limit=128,batchSize=32'
  const args = [
    'run',
    '--algo',
    'drnas',
    '--table',
    'nb201',
    '--protocol',
    short,
    '--seeds',
    '1',
    '--jobs',
    '1',
    '--quiet',
  ]

  test('that is killed resumes to the same bits', async () => {
    await place.killAtCheckpoint([...args, '--store', 'killed'], 'killed')
    const resumed = await place.bench(...args, '--store', 'killed')
    const whole = await place.bench(...args, '--store', 'whole')
    expect(resumed).toMatchObject({ code: 0, stdout: whole.stdout })
    expect(place.results('killed')).toEqual(place.results('whole'))
    expect(place.epochs('killed')).toEqual(place.epochs('whole'))
  })
})
