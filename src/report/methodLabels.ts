/** Labels of runs by their method, for lists in which each run stands alone. */
import { groupByMethod, labelOf } from './methods.ts'
import type { RunRecord } from './runRecord.ts'

/**
 * Returns the label of each run's method among the given runs, so that variants of one algorithm have different names:
 * `drnas (k=4)`.
 */
export const methodLabels = (runs: readonly RunRecord[]): ReadonlyMap<RunRecord, string> =>
  new Map(groupByMethod(runs).flatMap((method) => method.runs.map((run) => [run, labelOf(method)] as const)))
