/** Runs what is missing of a plan. */

import type { ResultRecord } from '../../core/result.ts'
import { usesGpu } from '../../engine/backendChoice.ts'
import { chooseExecutor } from '../../engine/executors.ts'
import { cores } from '../../system/cores.ts'
import type { Plan, PlannedJob } from '../plan/plan.ts'
import type { RunEvent, WorkOrder } from '../run/messages.ts'
import type { Store } from '../store/store.ts'
import { cudaDevices, ordersOf, type Processes, trainsNetwork } from './orders.ts'

export interface Outcome {
  readonly planned: PlannedJob
  /** Absent where the job failed. */
  readonly result?: ResultRecord
  readonly failure?: Pick<RunEvent & { readonly kind: 'failed' }, 'message' | 'code' | 'stack'>
}

/** The jobs whose result is not in the store. */
export function unfinished(plan: Plan, store: Store): readonly PlannedJob[] {
  return plan.jobs.filter(({ id }) => !store.run(id).isFinished())
}

/**
 * What has to be there before jobs are run on this machine.
 * @throws BenchError `unsupported` where it lacks the backend, `bad-input` where the store cannot be written to
 */
export async function prepareToRun(plan: Plan, store: Store): Promise<void> {
  const missing = unfinished(plan, store)
  if (missing.some(trainsNetwork)) await chooseExecutor(plan.experiment.executor)
  if (missing.length > 0) store.prepare()
}

/** Runs the unfinished jobs of a plan in worker processes, after `prepareToRun`. → one outcome a job, in the plan's order */
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
    const orders = ordersOf(plan, missing, store, { ...processes, jobs })
    const threads = processes.threads ?? threadsEach(orders, jobs)
    const equipped = orders.map((order) => ({ ...order, executor: { ...order.executor, threads } }))
    await runOrders(equipped, jobs, (event) => {
      if (event.kind === 'failed') failures.set(event.id, event)
      onEvent(event)
    })
  }
  return plan.jobs.map((planned) => {
    const result = store.run(planned.id).result()
    const failure = failures.get(planned.id)
    return { planned, ...(result && { result }), ...(failure && { failure }) }
  })
}

/** A store that cannot be written to, with all runs finished, is as good as a tidy one. */
function tidyFinished(plan: Plan, store: Store): void {
  try {
    for (const run of plan.jobs.map(({ id }) => store.run(id))) if (run.isFinished()) run.tidy()
  } catch {}
}

/** More on a GPU would each need their own memory there, and gain little. */
async function processesAtATime({ experiment }: Plan, missing: readonly PlannedJob[]): Promise<number> {
  if (!missing.some(trainsNetwork)) return cores()
  const { backend } = await chooseExecutor(experiment.executor)
  return (await usesGpu(backend)) ? Math.max(1, cudaDevices(process.env).length) : cores()
}

/** Threads for each of the processes that train at a time, at most `jobs`. */
export function threadsEach(orders: readonly WorkOrder[], jobs: number): number {
  const training = orders.filter((order) => order.jobs.some(({ job }) => job.executor !== undefined))
  const atATime = Math.max(1, Math.min(jobs, training.length))
  return Math.max(1, Math.floor(cores() / atATime))
}
