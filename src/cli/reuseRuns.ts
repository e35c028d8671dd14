/** Reads and copies finished runs of the reports and stores that `--reuse` names. */
import type { ReusedSource } from '../report/committed/reuse.ts'
import type { Plan } from '../runner/plan/plan.ts'
import type { Store } from '../runner/store/store.ts'
import { printAsideLine } from './output.ts'
import { placesOf } from './places.ts'
import { readWholeRuns, recordsAt, type SelectionFlags } from './runSelection.ts'

/**
 * Returns the runs of the reports and stores that `--reuse` names, each with the name that the user typed.
 * @throws BenchError as `placesOf`
 */
export const readReused = (
  names: readonly string[] = [],
  flags: Pick<SelectionFlags, 'plugin'>,
): Promise<readonly ReusedSource[]> =>
  Promise.all(
    names.map(async (name) => {
      const parts = await Promise.all(placesOf(name, undefined).map((place) => recordsAt(place, flags, readWholeRuns)))
      return { name, runs: parts.flat() }
    }),
  )

/**
 * Copies the finished runs of reports and stores that `--reuse` names into the store, as far as they are planned, and
 * prints for each how many.
 */
export async function reuseRuns(
  { jobs }: Pick<Plan, 'jobs'>,
  store: Store,
  flags: Pick<SelectionFlags, 'plugin'> & { readonly reuse?: readonly string[]; readonly quiet?: boolean },
): Promise<void> {
  if (flags.reuse === undefined) return
  const { takeOver } = await import('../report/committed/reuse.ts')
  const lines = takeOver(jobs, store, await readReused(flags.reuse, flags))
  if (!flags.quiet) for (const line of lines) printAsideLine(line)
}
