/** Tables of words, as lists of what there is. */
import { type Tabular, titled, word } from './tabular.ts'

/** @param keys of the columns, whose titles they are as well, with a capital; @param rows one word a column */
export const wordTable = (
  keys: readonly string[],
  rows: readonly (readonly string[])[],
  notes: readonly string[] = [],
): Tabular => ({
  columns: titled(keys),
  rows: rows.map((row) => row.map(word)),
  notes,
})
