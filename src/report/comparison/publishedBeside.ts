/** Which published table stands beside a comparison, and what is to be said of that. */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { Column, Comparison } from './comparison.ts'
import { type PublishedTable, positionOf, publishedTables } from './published.ts'
import { reductionsOf } from './reduced.ts'

/** Published rows below ours, or why there are none. */
export interface PublishedRows {
  readonly table?: PublishedTable
  /** In what ours are reduced, or which rows were left out for that; stands below the table. */
  readonly caveat?: string
}

/**
 * @param wanted an id, `none`, or `auto`: the table of the same space that has every test column of ours but transfers,
 * unless ours are reduced searches
 * @throws BenchError `unknown-name`, or `bad-input` where no column of the named table is one of ours
 */
export function publishedBeside(comparison: Comparison, wanted: string): PublishedRows {
  if (wanted === 'none') return {}
  const runs = comparison.rows.flatMap(({ method }) => method.runs)
  const tables = publishedTables()
  if (wanted === 'auto') {
    const fitting = tables.find((table) => table.space === comparison.space && coversTests(table, comparison))
    return publishedRows(fitting, reductionsOf(runs), true)
  }
  const named = tables.find(({ id }) => id === wanted)
  if (named === undefined) throw unknownName('published table', wanted, [...tables.map(({ id }) => id), 'auto', 'none'])
  if (comparison.columns.some((column) => hasColumn(named, column))) {
    return publishedRows(named, reductionsOf(runs), false)
  }
  throw new BenchError('bad-input', `the published table ${wanted} has none of the columns of this comparison`)
}

/** @param isUsual whether the table was not asked for: beside reduced runs it is left out then */
export function publishedRows(
  table: PublishedTable | undefined,
  reductions: readonly string[],
  isUsual: boolean,
): PublishedRows {
  if (table === undefined || reductions.length === 0) return { ...(table && { table }) }
  const how = reductions.join('; ')
  if (isUsual) {
    return {
      caveat: `Published rows (${table.id}) are left out, since ours are reduced: ${how}. --published ${table.id} shows them.`,
    }
  }
  return {
    table,
    caveat: `Not comparable: our rows are reduced (${how}), those marked † are not.`,
  }
}

function coversTests(table: PublishedTable, { columns }: Comparison): boolean {
  const tests = columns.filter(({ split, dataset, searchedOn }) => split === 'test' && dataset === searchedOn)
  return tests.length > 0 && tests.every((column) => hasColumn(table, column))
}

const hasColumn = (table: PublishedTable, column: Column): boolean => positionOf(table, column) >= 0
