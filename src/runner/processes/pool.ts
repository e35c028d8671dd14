/** Worker processes: as many at a time as asked for, and a lost one never takes another's jobs along. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { cores } from '../../system/cores.ts'
import { describeEnvironment } from '../../system/environment.ts'
import { GAVE_UP, type RunEvent, type WorkOrder } from '../run/messages.ts'
import { Store } from '../store/store.ts'
import { cudaDevices } from './orders.ts'

/** A worker is always the built module: Node 20 runs no TypeScript, which is what the tests run this one from. */
const WORKER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/worker.js' : '../../worker.js', import.meta.url),
)

/** A search that never yields would not hear that its command is gone. */
const workers = new Set<ChildProcess>()
process.on('exit', () => {
  for (const worker of workers) worker.kill()
})

/**
 * Runs all orders, `jobs` processes at a time, on all GPUs in turn. Every job ends in an event `finished` or `failed`; a
 * failed one has a record in the store, also where its process was lost before it wrote one.
 */
export async function runOrders(
  orders: readonly WorkOrder[],
  jobs: number,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  const limit = pLimit(jobs)
  const gpus = cudaDevices(process.env)
  const free: (string | undefined)[] = Array.from({ length: jobs }, (_, n) => gpus[n % gpus.length])
  const run = async (order: WorkOrder) => {
    const gpu = free.shift()
    await runOrder(order, workerEnvironment(order.executor, gpu), onEvent)
    free.push(gpu)
  }
  await Promise.all(orders.map((order) => limit(() => run(order))))
}

/** One process for the whole order; where it dies, another for the jobs after the one that it died with. */
async function runOrder(
  order: WorkOrder,
  environment: NodeJS.ProcessEnv,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  for (let jobs = order.jobs; jobs.length > 0; ) {
    const ended = new Set<string>()
    const failures = new Map<string, string>()
    const note = (event: RunEvent) => {
      if (event.kind === 'finished' || event.kind === 'failed') ended.add(event.id)
      if (event.kind === 'failed') failures.set(event.id, event.message)
      onEvent(event)
    }
    const death = await runProcess({ ...order, jobs }, environment, note)
    const left = jobs.filter(({ id }) => !ended.has(id))
    const [lost, ...rest] = left
    const hasSaid = death === exitCode(GAVE_UP) && ended.size > 0
    const message = `the worker process was lost (${death}); the same command goes on from its checkpoint`
    if (lost !== undefined && !hasSaid) note({ id: lost.id, kind: 'failed', code: 'failed', message })
    if (death !== exitCode(0)) recordLosses(order, failures, onEvent)
    jobs = hasSaid ? left : rest
  }
}

/** @param failures messages by the id of the run, after the end of the process that was to record them */
function recordLosses(
  { store, jobs }: WorkOrder,
  failures: ReadonlyMap<string, string>,
  onEvent: (event: RunEvent) => void,
): void {
  for (const { id, job, foundBy } of jobs) {
    const message = failures.get(id)
    if (message === undefined) continue
    try {
      const manifest = { schema: 1, id, job, ...(foundBy && { foundBy }), environment: describeEnvironment() } as const
      new Store(store).run(id).recordLoss(manifest, message)
    } catch (error) {
      onEvent({ id, kind: 'notice', message: `its failure is not on record: ${(error as Error).message}` })
    }
  }
}

/**
 * What the libraries of a process go by, where the user says nothing else. Photographs are decoded by the threads of the
 * runtime's own pool, four by itself: a core each. libtensorflow takes every core by itself, and of every GPU all memory, so
 * that a second process would find none.
 * @param gpu as CUDA names it
 */
export const workerEnvironment = ({ threads }: WorkOrder['executor'], gpu?: string): NodeJS.ProcessEnv => ({
  UV_THREADPOOL_SIZE: String(Math.max(4, cores())),
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  ...(threads !== undefined && { TF_NUM_INTRAOP_THREADS: String(threads) }),
  ...process.env,
  ...(gpu !== undefined && { CUDA_VISIBLE_DEVICES: gpu }),
})

const exitCode = (code: number | null): string => `exit code ${code}`

/** → how the process ended: `exit code 0`, `killed by SIGKILL`, or why there is none. */
function runProcess(order: WorkOrder, env: NodeJS.ProcessEnv, onEvent: (event: RunEvent) => void): Promise<string> {
  return new Promise((resolve) => {
    // In JSON a loss that is no number would arrive as none.
    const child = fork(WORKER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', env })
    workers.add(child)
    const end = (how: string) => {
      workers.delete(child)
      resolve(how)
    }
    child.on('error', ({ message }) => end(message))
    child.on('message', (message) => onEvent(message as RunEvent))
    child.on('close', (code, signal) => end(signal === null ? exitCode(code) : `killed by ${signal}`))
    // What cannot be sent because the process died first is told by its end.
    child.send(order, () => {})
  })
}
