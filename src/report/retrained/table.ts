/** Architectures that were trained in full: test error, size and cost, with the papers' rows below ours. */
import { pluralize } from '../../core/plainText.ts'
import { datasetWords } from '../comparison/comparison.ts'
import type { PublishedTable } from '../comparison/published.ts'
import { reductionsOf } from '../comparison/reduced.ts'
import type { Tabular } from '../formats/tabular.ts'
import type { RunRecord } from '../runRecord.ts'
import { columnsOf } from './columns.ts'
import { publishedTrainingRows, publishedTrainings } from './published.ts'
import { isRetrained, type RetrainedRow, rowsOf } from './rows.ts'
import { settingsText } from './trainingNotes.ts'

/**
 * @param wanted rows of a paper: an id, `none`, or `auto`: those of the dataset, in DrNAS, unless ours are reduced
 * @throws BenchError `unknown-name`
 */
export function retrainedTable(runs: readonly RunRecord[], wanted: string): Tabular {
  const rows = rowsOf(runs)
  const columns = columnsOf(rows)
  const datasets = [...new Set(rows.map(({ dataset }) => dataset))]
  const { table: published, caveat } = publishedTrainings(datasets, wanted, reductionsOf(runs))
  return {
    columns: columns.map(({ title, key }) => ({ title, key })),
    rows: [
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
      ...(published === undefined ? [] : publishedTrainingRows(published, columns)),
    ],
    ...(published && { apart: published.rows.length }),
    notes: [...notesOf(runs, rows, published), ...(caveat === undefined ? [] : [caveat])],
  }
}

function notesOf(runs: readonly RunRecord[], rows: readonly RetrainedRow[], published?: PublishedTable): string[] {
  const ways = new Set(
    rows.map(({ dataset, settings }) => `${settingsText(settings)}, on ${datasetWords(dataset, runs)}`),
  )
  const trained = runs.filter(isRetrained)
  const lost = trained.filter(({ result }) => result === undefined).length
  const searches = runs.length - trained.length
  return [
    'Mean ± sample standard deviation (ddof 1) over the seeds. Test error is that of the final epoch; “best epoch” was chosen by the test images themselves and is no result.',
    ...searchNotes(runs),
    ...[...ways].map((how) => `Trained in full: ${how}.`),
    ...(lost > 0 ? [`Runs without a result: ${lost} of ${trained.length}.`] : []),
    ...(searches > 0
      ? [`Left out: ${pluralize(searches, 'search', 'searches')} without a full training of its own.`]
      : []),
    ...(published
      ? [
          `† Published, not run here: ${published.document}, ${published.place}; trained there in full on all images, so comparable with ours under the same settings alone.`,
        ]
      : []),
  ]
}

/** Under which protocols architectures were searched, where any were. */
function searchNotes(runs: readonly RunRecord[]): string[] {
  const searched = runs.filter(({ result }) => result?.timing.search !== undefined)
  const protocols = [...new Set(searched.map(({ manifest }) => manifest.job.protocol.name))]
  return protocols.length === 0 ? [] : [`Searched under protocol ${protocols.join(', ')}.`]
}
