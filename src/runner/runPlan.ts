/** Runs what is missing of a plan. */
import { cores } from '../core/cores.ts'
import type { ResultRecord } from '../core/result.ts'
import type { Plan, PlannedJob } from './planning/plan.ts'
import type { Store } from './store/store.ts'
import type { RunEvent } from './workers/events.ts'
import type { WorkOrder } from './workers/workOrder.ts'

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

export interface Processes {
  /** At a time. */
  readonly jobs: number
  /** Searches of one algorithm that share a process, and so its GPU. */
  readonly seedsPerDevice: number
  /** That may work on one step; absent: as many as leave each process its share of the cores. */
  readonly threads?: number
}

/** Runs the unfinished jobs of a plan in worker processes. → one outcome a job, in the plan's order */
export async function runPlan(
  plan: Plan,
  store: Store,
  processes: Processes,
  onEvent: (event: RunEvent) => void,
): Promise<readonly Outcome[]> {
  const missing = unfinished(plan, store)
  const failures = new Map<string, NonNullable<Outcome['failure']>>()
  if (missing.length > 0) {
    store.prepare()
    const { runOrders } = await import('./workers/pool.ts')
    const orders = ordersOf(plan, missing, store, processes)
    const threads = processes.threads ?? threadsEach(orders, processes.jobs)
    const equipped = orders.map((order) => ({ ...order, executor: { ...order.executor, threads } }))
    await runOrders(equipped, processes.jobs, (event) => {
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

/**
 * What trains a network has a process of its own, or shares it with so many other seeds; black-box searches take
 * milliseconds and share one.
 */
function ordersOf(
  plan: Plan,
  missing: readonly PlannedJob[],
  store: Store,
  { jobs, seedsPerDevice }: Processes,
): WorkOrder[] {
  const { experiment, lookups } = plan
  return experiment.datasets.flatMap((dataset) => {
    const here = missing.filter(({ job }) => job.dataset.name === dataset)
    const trainings = seedsTogether(here.filter(trainsNetwork), seedsPerDevice)
    const quick = here.filter((job) => !trainsNetwork(job))
    return [...deal(quick, jobs).map(oneByOne), ...trainings.map(sideBySide)].map(({ batch, atATime }) => ({
      store: store.folder,
      jobs: batch.map(({ id, job }) => ({ id, job })),
      atATime,
      plugins: experiment.plugins,
      data: experiment.data[dataset],
      table: lookups.get(dataset)?.table,
      executor: experiment.executor,
    }))
  })
}

/** Threads for each of the processes that train at a time, at most `jobs`. */
export function threadsEach(orders: readonly WorkOrder[], jobs: number): number {
  const training = orders.filter((order) => order.jobs.some(({ job }) => job.executor !== undefined))
  const atATime = Math.max(1, Math.min(jobs, training.length))
  return Math.max(1, Math.floor(cores() / atATime))
}

const trainsNetwork = ({ algorithm, job }: PlannedJob): boolean =>
  algorithm.kind === 'supernet' || job.retraining !== undefined

const oneByOne = (batch: readonly PlannedJob[]) => ({ batch, atATime: 1 })
const sideBySide = (batch: readonly PlannedJob[]) => ({ batch, atATime: batch.length })

/** Neighbours of one algorithm, at most so many in a run. */
function seedsTogether(trainings: readonly PlannedJob[], most: number): PlannedJob[][] {
  const runs: PlannedJob[][] = []
  for (const training of trainings) {
    const run = runs.at(-1)
    if (run !== undefined && run.length < most && run[0].algorithm === training.algorithm) run.push(training)
    else runs.push([training])
  }
  return runs
}

/** Into at most `hands` runs of neighbours, as equal as can be. */
function deal<T>(items: readonly T[], hands: number): T[][] {
  const size = Math.ceil(items.length / hands)
  const starts = Array.from({ length: Math.ceil(items.length / Math.max(1, size)) }, (_, hand) => hand * size)
  return starts.map((start) => items.slice(start, start + size))
}
