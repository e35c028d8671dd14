/**
 * The blocks of the tests between searches. A test takes its blocks to be independent, so they are the seeds of one
 * column: the numbers that one architecture has on several datasets are one draw, not several.
 */
import { type Cell, type Row, valuesOf } from './comparison.ts'

/** With fewer blocks no test says anything: two give no two-sided p-value below 1/2. */
export const FEWEST_BLOCKS = 3

export interface Blocks {
  /** The searches that have a number in the column. */
  readonly rows: readonly Row[]
  /** Those that all of these searches finished, ascending. */
  readonly seeds: readonly number[]
  /** How many further seeds some of the searches finished and some did not. */
  readonly incomplete: number
  /** Accuracy in %, [seed][search]. */
  readonly scores: readonly (readonly number[])[]
}

/** The blocks of the searches in one column. @param column position among the comparison's columns */
export function blocksOf(searches: readonly Row[], column: number): Blocks {
  const rows = searches.filter(({ cells }) => valuesOf(cells[column]).length > 0)
  const cells = rows.map((row) => row.cells[column])
  const all = [...new Set(cells.flatMap(({ bySeed }) => [...bySeed.keys()]))].sort((a, b) => a - b)
  const seeds = all.filter((seed) => cells.every(({ bySeed }) => bySeed.has(seed)))
  return {
    rows,
    seeds,
    incomplete: all.length - seeds.length,
    scores: seeds.map((seed) => cells.map((cell: Cell) => cell.bySeed.get(seed) as number)),
  }
}
