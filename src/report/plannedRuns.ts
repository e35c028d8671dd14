/**
 * Counts the runs of an experiment file that were never begun, so that a report names what is missing. A report keeps
 * these counts in its `report.json`, since its records hold only runs that were begun.
 */
import { z } from 'zod'
import { pluralize } from '../core/plainText.ts'
import type { Job, RunManifest } from '../core/result.ts'
import { groupBy } from '../system/groupBy.ts'
import { groupByMethod, labelOf } from './methods.ts'

const count = z.int().min(1)

/** Schema of the counts in a report's `report.json`. */
export const plannedSchema = z.strictObject({
  /** Number of runs that the experiment consists of. */
  runs: count,
  /** The methods of which runs were never begun, with the number of these runs. */
  missing: z.array(z.strictObject({ method: z.string(), runs: count })).readonly(),
})

export type PlannedRuns = z.infer<typeof plannedSchema>

/**
 * Returns how many runs of an experiment there are, and of which methods some were never begun.
 * @param jobs all jobs of the experiment, each id once; at least one
 * @param begun the ids of all runs that have a record
 */
export function plannedRuns(
  jobs: readonly { readonly id: string; readonly job: Job }[],
  begun: ReadonlySet<string>,
): PlannedRuns {
  // Only the job and the id of a run decide to which method it belongs.
  const runs = jobs.map(({ id, job }) => ({ manifest: { id, job } as RunManifest, epochs: [] }))
  const missing = groupByMethod(runs).flatMap((method) => {
    const absent = method.runs.filter(({ manifest }) => !begun.has(manifest.id)).length
    return absent === 0 ? [] : [{ method: labelOf(method), runs: absent }]
  })
  return { runs: jobs.length, missing }
}

/**
 * Returns a sentence with the runs that were never begun, such as `44 of 80 planned runs are missing: 4 each of gdas,
 * snas; 1 of pc-darts.`; undefined if none is missing.
 */
export function missingRunsText(planned: PlannedRuns | undefined): string | undefined {
  if (planned === undefined || planned.missing.length === 0) return undefined
  const absent = planned.missing.reduce((sum, { runs }) => sum + runs, 0)
  const alike = groupBy(planned.missing, ({ runs }) => runs)
  const parts = [...alike].map(
    ([runs, methods]) =>
      `${runs}${methods.length > 1 ? ' each' : ''} of ${methods.map(({ method }) => method).join(', ')}`,
  )
  return `${absent} of ${pluralize(planned.runs, 'planned run')} ${absent === 1 ? 'is' : 'are'} missing: ${parts.join('; ')}.`
}
