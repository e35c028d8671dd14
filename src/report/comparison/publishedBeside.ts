/** Which published table stands beside a comparison. */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { Column, Comparison } from './comparison.ts'
import { type PublishedTable, positionOf, publishedTables } from './published.ts'

/**
 * @param wanted an id, `none`, or `auto`: the table of the same space that has every test column of ours but transfers
 * @throws BenchError `unknown-name`, or `bad-input` where no column of the named table is one of ours
 */
export function publishedBeside(comparison: Comparison, wanted: string): PublishedTable | undefined {
  if (wanted === 'none') return undefined
  const tables = publishedTables()
  if (wanted === 'auto')
    return tables.find((table) => table.space === comparison.space && coversTests(table, comparison))
  const named = tables.find(({ id }) => id === wanted)
  if (named === undefined) throw unknownName('published table', wanted, [...tables.map(({ id }) => id), 'auto', 'none'])
  if (comparison.columns.some((column) => hasColumn(named, column))) return named
  throw new BenchError('bad-input', `the published table ${wanted} has none of the columns of this comparison`)
}

function coversTests(table: PublishedTable, { columns }: Comparison): boolean {
  const tests = columns.filter(({ split, dataset, searchedOn }) => split === 'test' && dataset === searchedOn)
  return tests.length > 0 && tests.every((column) => hasColumn(table, column))
}

const hasColumn = (table: PublishedTable, column: Column): boolean => positionOf(table, column) >= 0
