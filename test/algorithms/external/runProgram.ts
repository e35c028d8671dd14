/** Runs methods that are programs in this process, as a worker process does. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS, type Experiment } from '../../../src/runner/plan/experiment.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { ordersOf } from '../../../src/runner/processes/orders.ts'
import { runWorkOrder } from '../../../src/runner/processes/runWorkOrder.ts'
import type { RunEvent } from '../../../src/runner/run/messages.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'

/**
 * Whether this machine has the Python that the client needs. Its folder is put first on the path, since the `python3`
 * of version managers is a slow script.
 */
export const hasPython = (() => {
  try {
    const code = 'import sys; print(sys.executable); sys.exit(sys.version_info < (3, 9))'
    const path = execFileSync('python3', ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    process.env.PATH = `${dirname(path)}${delimiter}${process.env.PATH}`
    return true
  } catch {
    return false
  }
})()

/** Writes a file, executable, with its folders. → its path */
export function written(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

/** Plans and runs the algorithms in a file, in this process. → the runs in the order of the seeds, and all events */
export async function runProgram(source: string, store: string, changes: Partial<Experiment> = {}) {
  const registered = await registerPlugins(builtins, [source])
  const names = (registered.plugins.get(source)?.algorithms ?? []).map(({ name }) => ({ name, options: {} }))
  const experiment = { ...DEFAULTS, algorithms: names, plugins: [source], seeds: [0], ...changes }
  const plan = await makePlan(experiment, registered)
  const opened = new Store(store)
  opened.prepare()
  const events: RunEvent[] = []
  for (const order of ordersOf(plan, plan.jobs, opened, { jobs: 1, seedsPerDevice: 1 })) {
    await runWorkOrder(order, builtins, (event) => events.push(event))
  }
  const runs = plan.jobs.map(({ id }) => opened.run(id))
  const failures = events.flatMap((event) => (event.kind === 'failed' ? [event.message] : []))
  return { plan, runs, events, failures }
}

/** Marks the programs of this test file, since other test files run at the same time. */
const MARK = `PROGRAM_OF_TEST=${randomUUID()}`
process.env.PROGRAM_OF_TEST = MARK.split('=')[1]

/** Process ids of all programs that searches of this test file started and that still run. */
export const runningPrograms = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => ['NAS_BENCH_PROGRAM=', MARK].every((text) => environment(pid).includes(text)))
    .map(Number)

function environment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}
