/**
 * Runs work orders (lists of jobs) in a pool of worker processes. If a process dies, a new one runs its remaining jobs.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { cores } from '../../system/cores.ts'
import { describeEnvironment } from '../../system/environment.ts'
import { FAILURES_REPORTED, type RunEvent, type WorkOrder } from '../run/messages.ts'
import { Store } from '../store/store.ts'

/**
 * Path of the compiled worker module. When tests run this module from TypeScript, it is still the compiled one, since a
 * forked Node 20 process could not load TypeScript.
 */
const WORKER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/worker.js' : '../../worker.js', import.meta.url),
)

/**
 * The worker processes that are running. They are killed when this process exits, since a worker that computes without
 * a pause would not notice the exit.
 */
const workers = new Set<ChildProcess>()
process.on('exit', () => {
  for (const worker of workers) worker.kill()
})

/**
 * Runs all work orders, `jobs` worker processes at a time, spread over the GPUs. Each element of `gpus` is the
 * environment variables that assign one GPU to a process. Every job ends with an event `finished` or `failed`. Every
 * failed job has a failure record in the store, even if its process died before it could write one.
 */
export async function runOrders(
  orders: readonly WorkOrder[],
  { jobs, gpus }: { readonly jobs: number; readonly gpus: readonly NodeJS.ProcessEnv[] },
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  const limit = pLimit(jobs)
  const free: (NodeJS.ProcessEnv | undefined)[] = Array.from({ length: jobs }, (_, n) => gpus[n % gpus.length])
  const run = async (order: WorkOrder) => {
    const gpu = free.shift()
    await runOrder(order, workerEnvironment(order.executor, gpu), onEvent)
    free.push(gpu)
  }
  await Promise.all(orders.map((order) => limit(() => run(order))))
}

/**
 * Runs the jobs of a work order in one worker process. If the process dies during a job, a new process runs the jobs
 * after it.
 */
async function runOrder(
  order: WorkOrder,
  environment: NodeJS.ProcessEnv,
  onEvent: (event: RunEvent) => void,
): Promise<void> {
  for (let jobs = order.jobs; jobs.length > 0; ) {
    const ended = new Set<string>()
    const failures = new Map<string, string>()
    const onWorkerEvent = (event: RunEvent) => {
      if (event.kind === 'finished' || event.kind === 'failed') ended.add(event.id)
      if (event.kind === 'failed') failures.set(event.id, event.message)
      onEvent(event)
    }
    const death = await runProcess({ ...order, jobs }, environment, onWorkerEvent)
    const left = jobs.filter(({ id }) => !ended.has(id))
    const [lost, ...rest] = left
    const hasReported = death === exitCode(FAILURES_REPORTED) && ended.size > 0
    const message = `the worker process was lost (${death}); the same command goes on from its checkpoint`
    if (lost !== undefined && !hasReported) onWorkerEvent({ id: lost.id, kind: 'failed', code: 'failed', message })
    // A plugin may also end the process with exit code 0 in the middle of a job.
    if (lost !== undefined || death !== exitCode(0)) recordLosses(order, failures, onEvent)
    jobs = hasReported ? left : rest
  }
}

/**
 * Writes failure records for failed jobs whose worker process died before it could write them.
 * @param failures error messages by run id
 */
function recordLosses(
  { store, jobs }: WorkOrder,
  failures: ReadonlyMap<string, string>,
  onEvent: (event: RunEvent) => void,
): void {
  for (const { id, job, foundBy, interpreter } of jobs) {
    const message = failures.get(id)
    if (message === undefined) continue
    try {
      const environment = { ...describeEnvironment(), ...(interpreter !== undefined && { interpreter }) }
      const manifest = { schema: 1, id, job, ...(foundBy && { foundBy }), environment } as const
      new Store(store).run(id).recordLoss(manifest, message)
    } catch (error) {
      onEvent({ id, kind: 'notice', message: `its failure could not be recorded: ${(error as Error).message}` })
    }
  }
}

/**
 * Returns the environment variables of a worker process; variables that the user has set take precedence. Node's thread
 * pool, which decodes photographs, gets one thread per core instead of four. TensorFlow gets a number of threads, and
 * allocates GPU memory only as it needs it, so that several processes can share a GPU.
 * @param gpu variables that assign a GPU to the process (`gpuEnvironments`)
 */
export const workerEnvironment = ({ threads }: WorkOrder['executor'], gpu?: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  UV_THREADPOOL_SIZE: String(Math.max(4, cores())),
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  ...(threads !== undefined && { TF_NUM_INTRAOP_THREADS: String(threads) }),
  ...process.env,
  ...gpu,
})

const exitCode = (code: number | null): string => `exit code ${code}`

/**
 * Runs a work order in a worker process. Returns how the process ended: `exit code 0`, `killed by SIGKILL`, or why it
 * could not start.
 */
function runProcess(order: WorkOrder, env: NodeJS.ProcessEnv, onEvent: (event: RunEvent) => void): Promise<string> {
  return new Promise((resolve) => {
    // JSON has no NaN: a loss that is not finite would arrive as null.
    const child = fork(WORKER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', env })
    workers.add(child)
    const end = (how: string) => {
      workers.delete(child)
      resolve(how)
    }
    child.on('error', ({ message }) => end(message))
    child.on('message', (message) => onEvent(message as RunEvent))
    child.on('close', (code, signal) => end(signal === null ? exitCode(code) : `killed by ${signal}`))
    // Send failures are reported by the `close` event.
    child.send(order, () => {})
  })
}
