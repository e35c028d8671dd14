/** Runs the unfinished jobs of a plan in worker processes on this machine. */
import type { ResultRecord } from '../../core/result.ts'
import { chooseExecutor, usesGpu } from '../../engine/index.ts'
import { cores } from '../../system/cores.ts'
import type { Plan, PlannedJob } from '../plan/plan.ts'
import type { RunEvent, WorkOrder } from '../run/messages.ts'
import type { Store } from '../store/store.ts'
import { cudaEnvironments, gpuEnvironments, ordersOf, type Processes, trainsNetwork } from './orders.ts'

/** How a planned job ended: with a result record, or with a failure. */
export interface Outcome {
  readonly planned: PlannedJob
  /** Result record of the job; absent if the job failed. */
  readonly result?: ResultRecord
  readonly failure?: Pick<RunEvent & { readonly kind: 'failed' }, 'message' | 'code' | 'stack'>
}

/** Returns the jobs of a plan that have no result in the store yet. */
export function unfinished(plan: Plan, store: Store): readonly PlannedJob[] {
  return plan.jobs.filter(({ id }) => !store.run(id).isFinished())
}

/**
 * Checks that this machine can run the unfinished jobs of a plan, and creates the folder of the store.
 * @throws BenchError `unsupported` if the backend is not available, `bad-input` if the store cannot be written to
 */
export async function prepareToRun(plan: Plan, store: Store): Promise<void> {
  const missing = unfinished(plan, store)
  if (missing.some(trainsNetwork)) await chooseExecutor(plan.experiment.executor)
  if (missing.length > 0) store.prepare()
}

/**
 * Runs the unfinished jobs of a plan in worker processes; `prepareToRun` must be called before. Returns how each job of
 * the plan ended, in the plan's order.
 */
export async function runPlan(
  plan: Plan,
  store: Store,
  processes: Processes,
  onEvent: (event: RunEvent) => void,
): Promise<readonly Outcome[]> {
  const missing = unfinished(plan, store)
  tidyFinished(plan, store)
  const failures = new Map<string, NonNullable<Outcome['failure']>>()
  if (missing.length > 0) {
    const { runOrders } = await import('./pool.ts')
    const jobs = processes.jobs ?? (await processesAtATime(plan, missing))
    const gpus = await gpusFor(plan, missing)
    const orders = ordersOf(plan, missing, store, { ...processes, jobs })
    const threads = processes.threads ?? threadsEach(orders, jobs)
    const ordersWithThreads = orders.map((order) => ({ ...order, executor: { ...order.executor, threads } }))
    const endWork = store.markAtWork()
    try {
      await runOrders(ordersWithThreads, { jobs, gpus }, (event) => {
        if (event.kind === 'failed') failures.set(event.id, event)
        onEvent(event)
      })
    } finally {
      endWork()
    }
  }
  return plan.jobs.map((planned) => {
    const result = store.run(planned.id).result()
    const failure = failures.get(planned.id)
    return { planned, ...(result && { result }), ...(failure && { failure }) }
  })
}

/**
 * For each GPU that worker processes are spread over, returns the environment variables that assign it to a process.
 */
async function gpusFor({ experiment }: Plan, missing: readonly PlannedJob[]): Promise<readonly NodeJS.ProcessEnv[]> {
  if (!missing.some(trainsNetwork)) return cudaEnvironments()
  return gpuEnvironments((await chooseExecutor(experiment.executor)).backend)
}

/**
 * Deletes files that killed worker processes left in the folders of finished runs. Does nothing if the store is not
 * writable.
 */
function tidyFinished(plan: Plan, store: Store): void {
  try {
    for (const run of plan.jobs.map(({ id }) => store.run(id))) if (run.isFinished()) run.tidy()
  } catch {}
}

/**
 * Returns the default number of worker processes: one for each GPU, since more would share its memory and gain little;
 * without a GPU, one for each core.
 */
async function processesAtATime({ experiment }: Plan, missing: readonly PlannedJob[]): Promise<number> {
  if (!missing.some(trainsNetwork)) return cores()
  const { backend } = await chooseExecutor(experiment.executor)
  return (await usesGpu(backend)) ? Math.max(1, (await gpuEnvironments(backend)).length) : cores()
}

/**
 * Returns the number of threads of each worker process: cores divided by the number of processes that train at the same
 * time.
 */
export function threadsEach(orders: readonly WorkOrder[], jobs: number): number {
  const training = orders.filter((order) => order.jobs.some(({ job }) => job.executor !== undefined))
  const atATime = Math.max(1, Math.min(jobs, training.length))
  return Math.max(1, Math.floor(cores() / atATime))
}
