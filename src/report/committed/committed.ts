/**
 * A report that is kept in a repository: `report.json` says how it is computed, `runs/` holds the records that it is
 * computed from, and the rest is recomputed and compared by `bench verify`, without a GPU and without the full table.
 */
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { printable } from '../../core/plainText.ts'
import { fileName, parseRecord } from '../../core/recordSchemas.ts'
import { listTables } from '../../tables/openTable.ts'
import { embeddedTables } from '../../tables/tableFolders.ts'
import { type ContentOptions, figuresOf, type NamedFigure, type NamedTable, tablesOf } from '../content.ts'
import { renderTable, type TableFormat } from '../formats/renderTable.ts'
import { renderPage } from '../page/page.ts'
import { type PictureFormat, renderFigure } from '../pictures/picture.ts'
import type { RunRecord, WholeRun } from '../runRecord.ts'
import { CONDENSED_FILES, condense, expand } from './condensed.ts'
import { lineDiff } from './lineDiff.ts'
import { lookupsCsv } from './lookups.ts'
import { pageNumbers } from './pageNumbers.ts'
import { reportedOnly } from './reportedNumbers.ts'

const recipeSchema = z.strictObject({
  schema: z.literal(1),
  title: z.string(),
  published: z.string(),
  mix: z.boolean(),
  /** Names of the runs in the order of the report, where they lie in folders of their own. */
  runs: z.array(fileName).optional(),
  /** All other files of the report but this one; absent in reports from before they were listed. */
  files: z.array(fileName).optional(),
})

/** How a report is computed from its records. */
export type ReportRecipe = z.infer<typeof recipeSchema>

const TABLE_FILES: Readonly<Record<string, TableFormat>> = { md: 'md', csv: 'csv', tex: 'latex' }
const PAGE = 'index.html'
const PICTURES: readonly PictureFormat[] = ['svg', 'png']

/** The runs in the order of the report. @throws BenchError `corrupt` where one is missing or was added */
export function inOrder(runs: readonly WholeRun[], { runs: order }: ReportRecipe): readonly WholeRun[] {
  if (order === undefined) return runs
  const byId = new Map(runs.map((run) => [run.manifest.id, run]))
  const unlisted = runs.find(({ manifest }) => !order.includes(manifest.id))
  if (unlisted !== undefined) {
    throw new BenchError(
      'corrupt',
      `runs/${unlisted.manifest.id} is not in the list of report.json; remove one of them`,
    )
  }
  return order.map((id) => {
    const run = byId.get(id)
    if (run === undefined) throw new BenchError('corrupt', `report.json names the run ${id}, which is not in runs/`)
    return run
  })
}

/** Name ↦ content of every file that is checked: tables, figures' numbers, looked-up rows, the page. */
export async function checkedFiles(
  runs: readonly RunRecord[],
  { title, published, mix }: ReportRecipe,
  rest: Pick<ContentOptions, 'space' | 'references'>,
): Promise<ReadonlyMap<string, string>> {
  const options = { ...rest, published, mix }
  const tables = tablesOf(runs, options)
  const figures = (await figuresOf(runs, options)).filter(({ figure }) => isComputedFromRuns(figure.name))
  return new Map([...checkedText(runs, tables, figures), [PAGE, renderPage({ title, runs, tables, figures })]])
}

/** The lines in which a committed file differs from the recomputed one; of the page only what it says counts. */
export function differences(file: string, committed: string, recomputed: string): readonly string[] {
  const [a, b] = file === PAGE ? [committed, recomputed].map(pageNumbers) : [committed, recomputed]
  return lineDiff(a, b)
}

function checkedText(runs: readonly RunRecord[], named: readonly NamedTable[], figures: readonly NamedFigure[]) {
  const tables = named.flatMap(({ name, table }) =>
    Object.entries(TABLE_FILES).map(([ending, format]) => [`${name}.${ending}`, renderTable(table, format)] as const),
  )
  const numbers = figures
    .filter(({ figure }) => isComputedFromRuns(figure.name))
    .map(({ figure }) => [`${figure.name}.json`, printable(`${JSON.stringify(figure, null, 1)}\n`)] as const)
  return new Map([...tables, ...numbers, ['lookups.csv', lookupsCsv(runs)]])
}

/** The scatter shows the whole table, which is not part of a committed report. */
const isComputedFromRuns = (figure: string): boolean => figure !== 'scatter'

/** A figure of a whole table is that table again: only of one that comes with the program is it put into a repository. */
async function mayBePublished(runs: readonly RunRecord[]): Promise<boolean> {
  const embedded = await listTables({ folders: [embeddedTables] })
  return runs.every(({ manifest: { job } }) => embedded.includes(job.table?.name ?? ''))
}

/**
 * Every file of a report: what is checked, what it is computed from, and pictures and page for the reader.
 * @param compact keep the records as `condensed.ts` does; all that is shown is then computed from what is kept
 */
export async function reportFiles(
  runs: readonly WholeRun[],
  recipe: ReportRecipe,
  rest: Pick<ContentOptions, 'space' | 'references'>,
  compact = false,
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  if (compact) {
    const condensed = condense(runs, rest.space)
    return new Map([
      ...Object.entries(condensed),
      ...(await computedFiles(expand(condensed, rest.space), recipe, rest)),
    ])
  }
  const reported = runs.map(reportedOnly)
  const order = reported.map(({ manifest }) => manifest.id)
  const computed = await computedFiles(reported, { ...recipe, runs: order }, rest)
  return new Map([...reported.flatMap(recordFiles), ...computed])
}

/** All but the records. @param runs as they are kept */
export async function computedFiles(
  runs: readonly RunRecord[],
  recipe: ReportRecipe,
  rest: Pick<ContentOptions, 'space' | 'references'>,
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const options = { ...rest, ...recipe }
  const shown = await figuresOf(runs, options)
  const figures = (await mayBePublished(runs)) ? shown : shown.filter(({ figure }) => isComputedFromRuns(figure.name))
  const pictures = figures.flatMap(({ figure }) =>
    PICTURES.map((format) => [`${figure.name}.${format}`, renderFigure(figure, format)] as const),
  )
  const tables = tablesOf(runs, options)
  const page = renderPage({ title: recipe.title, runs, tables, figures })
  const computed = new Map<string, string | Uint8Array>([
    ...checkedText(runs, tables, shown),
    ...pictures,
    [PAGE, page],
  ])
  const { runs: order, files: _, ...settings } = recipe
  const files = [...new Set([...(order === undefined ? CONDENSED_FILES : []), ...computed.keys()])]
  const list = { ...settings, ...(order && { runs: order }), files }
  return new Map([['report.json', `${JSON.stringify(list, null, 2)}\n`], ...computed])
}

/** @throws BenchError `corrupt` */
export function parseRecipe(text: string, path: string): ReportRecipe {
  const remedy = 'restore it from a copy, or write the report again'
  return parseRecord(text, path, { schema: recipeSchema, what: 'the recipe of a report', remedy })
}

/** A run's folder, as the store has it. */
function recordFiles({ manifest, epochs, result, failure }: WholeRun): [string, string][] {
  const folder = `runs/${manifest.id}`
  const pretty = (value: unknown) => printable(`${JSON.stringify(value, null, 2)}\n`)
  return [
    [`${folder}/run.json`, pretty(manifest)],
    [`${folder}/epochs.jsonl`, epochs.map((epoch) => printable(`${JSON.stringify(epoch)}\n`)).join('')],
    ...(result ? [[`${folder}/result.json`, pretty(result)] as [string, string]] : []),
    ...(failure ? [[`${folder}/failure.json`, pretty(failure)] as [string, string]] : []),
  ]
}
