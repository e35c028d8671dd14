/** Published rows beside full trainings of ours. */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { type PublishedTable, type PublishedValue, publishedTables } from '../comparison/published.ts'
import { type PublishedRows, publishedRows } from '../comparison/publishedBeside.ts'
import { absent, type Cell, word } from '../formats/tabular.ts'
import type { RetrainedColumn } from './columns.ts'

/** DrNAS' tables of the state of the art. */
const OF_DATASET: Readonly<Record<string, string>> = { cifar10: 'drnas-table-2', imagenet: 'drnas-table-3' }

/**
 * @param wanted an id, `none`, or `auto`: the table of the dataset, where the rows have one dataset and are not reduced
 * @param reductions as `reductionsOf`
 * @throws BenchError `unknown-name`, or `bad-input` where the table is of another dataset
 */
export function publishedTrainings(
  datasets: readonly string[],
  wanted: string,
  reductions: readonly string[],
): PublishedRows {
  if (wanted === 'none' || datasets.length !== 1) return {}
  const tables = publishedTables()
  if (wanted === 'auto') {
    return publishedRows(
      tables.find(({ id }) => id === OF_DATASET[datasets[0]]),
      reductions,
      true,
    )
  }
  const named = tables.find(({ id }) => id === wanted)
  if (named === undefined) throw unknownName('published table', wanted, [...tables.map(({ id }) => id), 'auto', 'none'])
  if (named.columns.some(({ title, dataset }) => title.startsWith('Test error') && dataset === datasets[0])) {
    return publishedRows(named, reductions, false)
  }
  throw new BenchError('bad-input', `the published table ${wanted} has no test error on ${datasets[0]}`)
}

/** One row a method, with what the paper says of each column. */
export function publishedTrainingRows(table: PublishedTable, columns: readonly RetrainedColumn[]): Cell[][] {
  return table.rows.map(({ method, values }) =>
    columns.map(({ key, published }) => {
      if (key === 'method') return word(`${method} †`)
      // `Test error top-1` is ImageNet's name of the first column.
      const at = table.columns.findIndex(({ title }) => title === published || title === `${published} top-1`)
      return publishedCell(values[at], table.columns[at]?.unit)
    }),
  )
}

/** As printed in the paper; a cost with its unit, since ours may have another. */
function publishedCell(value: PublishedValue | undefined, unit: string | undefined): Cell {
  if (value === undefined || value.text === '-') return absent
  return word(unit?.startsWith('GPU') ? `${value.text} ${unit}` : value.text)
}
