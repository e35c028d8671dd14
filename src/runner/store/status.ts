/** How far the runs of a store are. */
import type { Job } from '../../core/result.ts'
import type { PlannedJob } from '../planning/plan.ts'
import type { RunState } from './runFolder.ts'
import type { Store } from './store.ts'

export interface RunStatus {
  readonly id: string
  readonly job: Job
  /** `missing`: planned and never begun. */
  readonly state: RunState | 'missing'
  /** Finished epochs on record. */
  readonly epochs: number
  /** Why it stopped. */
  readonly failure?: string
}

/** @param planned only these; absent: all that the store holds. @throws BenchError `missing` where there is no store */
export function storeStatus(store: Store, planned?: readonly PlannedJob[]): readonly RunStatus[] {
  if (planned === undefined) return store.runs().map((run) => statusOf(store, run.id, run.manifest().job))
  return planned.map(({ id, job }) => statusOf(store, id, job))
}

function statusOf(store: Store, id: string, job: Job): RunStatus {
  const run = store.run(id)
  if (!run.exists()) return { id, job, state: 'missing', epochs: 0 }
  const state = run.state()
  const failure = state === 'failed' ? run.failure()?.message : undefined
  return { id, job, state, epochs: run.result()?.epochs ?? run.epochCount(), ...(failure && { failure }) }
}
