/** Reported numbers over the epochs of a run. */
import { onceEach } from '../../core/onceEach.ts'
import { type Column, compare } from '../comparison/comparison.ts'
import type { RunRecord } from '../runRecord.ts'

/** The reported test numbers of these runs, as columns of their comparison. */
export const testColumns = onceEach((runs: readonly RunRecord[]): readonly Column[] =>
  compare(runs, { mix: true }).columns.filter(({ split }) => split === 'test'),
)

/** Whether a run was searched on the dataset of a column. */
export const isOfColumn =
  (column: Column) =>
  ({ manifest }: RunRecord): boolean =>
    manifest.job.dataset.name === column.searchedOn

/** The qualifier of a column's number, and of the validation number that stands beside it, in this run's protocol. */
export function qualifiersOf({ manifest: { job } }: RunRecord, { dataset }: Column) {
  return job.protocol.headline[job.dataset.name]?.find((headline) => headline.dataset === dataset)
}
