/** Records that contradict themselves: a job that was edited, or a result of another job. */
import { runId } from '../../runner/plan/identity.ts'
import type { RunRecord } from '../runRecord.ts'
import type { Difference } from './difference.ts'

/** A run is named by the hash of its job, so an edited job no longer has its name; and its result repeats the job. */
export function contradictions(runs: readonly RunRecord[]): readonly Difference[] {
  return runs.flatMap(({ manifest: { id, job }, result }) => {
    const told = result && [result.id, result.algorithm, result.space, result.dataset, result.protocol, result.seed]
    const planned = [id, job.algorithm.name, job.space, job.dataset.name, job.protocol.name, job.seed]
    return [
      ...contradiction(`runs/${id}/run.json`, id, runId(job)),
      ...(told ? contradiction(`runs/${id}/result.json`, told.join(' '), planned.join(' ')) : []),
    ]
  })
}

const contradiction = (file: string, committed: string, expected: string): readonly Difference[] =>
  committed === expected ? [] : [{ file, lines: [`- ${committed}`, `+ ${expected}`] }]
