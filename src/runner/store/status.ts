/** How far the runs of a store are. */
import type { Job } from '../../core/result.ts'
import type { PlannedJob } from '../planning/plan.ts'
import { queuedJobs } from '../slurm/arrays.ts'
import type { RunFolder, RunState } from './runFolder.ts'
import type { Store } from './store.ts'

export interface RunStatus {
  readonly id: string
  readonly job: Job
  /** `queued`: waits in Slurm, or for another run of its task; `missing`: planned and never begun. */
  readonly state: RunState | 'queued' | 'missing'
  /** Finished epochs on record. */
  readonly epochs: number
  /** Why it stopped. */
  readonly failure?: string
}

/**
 * @param planned only these; absent: all that the store holds, and all that is queued
 * @throws BenchError `missing` where there is no store
 */
export function storeStatus(store: Store, planned?: readonly Pick<PlannedJob, 'id' | 'job'>[]): readonly RunStatus[] {
  const queued = queuedJobs(store)
  const jobs = planned ? planned.map(entry) : [...store.runs().map(begun), ...queued]
  return [...new Map(jobs)].map(([id, job]) => statusOf(store, id, job, queued.has(id)))
}

type Entry = readonly [id: string, job: Job]
const entry = ({ id, job }: Pick<PlannedJob, 'id' | 'job'>): Entry => [id, job]
const begun = (run: RunFolder): Entry => [run.id, run.manifest().job]

function statusOf(store: Store, id: string, job: Job, isQueued: boolean): RunStatus {
  const run = store.run(id)
  if (!run.exists()) return { id, job, state: isQueued ? 'queued' : 'missing', epochs: 0 }
  const found = run.state()
  const state = isQueued && (found === 'interrupted' || found === 'failed') ? 'queued' : found
  const failure = state === 'failed' ? run.failure()?.message : undefined
  return { id, job, state, epochs: run.result()?.epochs ?? run.epochCount(), ...(failure && { failure }) }
}
