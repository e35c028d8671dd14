/**
 * Copies finished runs from committed reports and other stores into a store, so that planned jobs need not be run
 * again. The reports and the other stores are never changed.
 */
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { runId } from '../../runner/plan/identity.ts'
import type { PlannedJob } from '../../runner/plan/plan.ts'
import type { FinishedRun } from '../../runner/store/runFolder.ts'
import type { Store } from '../../runner/store/store.ts'
import { differingKeys } from '../differences.ts'
import type { RunRecord } from '../runRecord.ts'

/** The runs of one report or store that a command may reuse. */
export interface ReusedSource {
  /** The report or store as the user typed it, for messages. */
  readonly name: string
  readonly runs: readonly RunRecord[]
}

/**
 * Returns the finished runs of a report or store whose jobs are planned, by run id. The id contains a hash of the whole
 * job, so a reused run agrees with the planned job in every setting, version and content hash.
 * @throws BenchError `corrupt` if the record of a planned run is incomplete or belongs to another job
 */
export function reusable(planned: readonly Pick<PlannedJob, 'id'>[], { name, runs }: ReusedSource) {
  const wanted = new Set(planned.map(({ id }) => id))
  const found = runs.flatMap((run) => (isFinished(run) && wanted.has(run.manifest.id) ? [run] : []))
  for (const run of found) requireSound(run, name)
  return new Map(found.map((run) => [run.manifest.id, run]))
}

const isFinished = (run: RunRecord): run is RunRecord & FinishedRun => run.result !== undefined

function requireSound({ manifest: { id, job }, epochs, result }: FinishedRun, source: string): void {
  const problem =
    runId(job) !== id
      ? 'its job was changed, so that its name is wrong'
      : result.id !== id || result.algorithm !== job.algorithm.name || result.seed !== job.seed
        ? 'its result is of another run'
        : epochs.some(({ epoch }, i) => epoch !== i)
          ? 'an epoch is missing'
          : undefined
  if (problem === undefined) return
  const remedy = 'restore the records from a copy, or leave this --reuse out'
  throw new BenchError('corrupt', `${source} has a damaged record of ${id}: ${problem}; ${remedy}`)
}

/**
 * Copies planned runs that the store lacks from the sources, where they are finished, into the store. Returns a
 * sentence for each source: how many runs were taken over, or why none was.
 * @throws BenchError as `reusable`, before anything is written
 */
export function takeOver(
  planned: readonly PlannedJob[],
  store: Store,
  sources: readonly ReusedSource[],
): readonly string[] {
  const found = sources.map((source) => ({ source, runs: reusable(planned, source) }))
  if (found.some(({ runs }) => runs.size > 0)) store.prepare()
  return found.map(({ source, runs }) => {
    const taken = [...runs.values()].filter((run) => store.run(run.manifest.id).takeOver(run)).length
    if (taken > 0) return `${pluralize(taken, 'finished run')} taken over from ${source.name}`
    if (runs.size > 0) return `the store has the ${pluralize(runs.size, 'run')} of ${source.name} already`
    return `${source.name} has none of these runs finished${differenceWords(planned, source)}`
  })
}

/** Largest number of differing settings that a message lists. */
const MOST_NAMED = 4

/**
 * Returns a phrase for a message that names the settings in which the most similar run of the source differs from a
 * planned job; empty if the source has no finished run of a planned algorithm, dataset and seed.
 */
function differenceWords(planned: readonly PlannedJob[], { runs }: ReusedSource): string {
  const differences = planned.flatMap(({ job }) =>
    runs
      .filter(({ manifest, result }) => result !== undefined && isNamesake(manifest.job, job))
      .map(({ manifest }) => differingKeys([job, manifest.job])),
  )
  const [least] = differences.sort((a, b) => a.length - b.length)
  if (least === undefined) return ''
  const more = least.length > MOST_NAMED ? ` and ${least.length - MOST_NAMED} more` : ''
  return `; the most similar one differs in ${least.slice(0, MOST_NAMED).join(', ')}${more}`
}

const isNamesake = (a: PlannedJob['job'], b: PlannedJob['job']): boolean =>
  a.algorithm.name === b.algorithm.name && a.dataset.name === b.dataset.name && a.seed === b.seed
