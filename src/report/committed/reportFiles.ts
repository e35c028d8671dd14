/**
 * Computes the files of a committed report from its run records: tables, the used rows of lookup tables, the plotted
 * numbers of figures, pictures and the HTML page. All of them except pictures have the same bytes on every machine, so
 * `bench verify` can recompute and compare them.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { formatQualifier, type Metric } from '../../core/metric.ts'
import { oneLine, printable } from '../../core/plainText.ts'
import type { Job } from '../../core/result.ts'
import { packageVersion } from '../../system/environment.ts'
import { isThere } from '../../system/readable.ts'
import { listTables } from '../../tables/openTable.ts'
import { embeddedTables } from '../../tables/tableFolders.ts'
import { type ContentOptions, figuresOf, type NamedFigure, type NamedTable, tablesOf } from '../content.ts'
import { type FigureKind, isFigureKind } from '../figures/index.ts'
import { csvField, renderTable, type TableFormat } from '../formats/renderTable.ts'
import { type ChecklistName, checklists, checklistText } from '../kit/checklist/index.ts'
import { reproduceScript } from '../kit/reproduce.ts'
import { renderPage } from '../page/page.ts'
import { type PictureFormat, renderFigure } from '../pictures/picture.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  COMPACT_RECORDS,
  compacted,
  formatCompact,
  isCompact,
  isWhole,
  RECIPE,
  type ReportRecipe,
  reportedOnly,
  runFolderFiles,
} from './records.ts'

const TABLE_FORMATS: Readonly<Record<string, TableFormat>> = { md: 'md', csv: 'csv', tex: 'latex' }
const PICTURE_FORMATS: readonly PictureFormat[] = ['svg', 'png']
export const PAGE = 'index.html'
const LOOKUPS = 'lookups.csv'

/**
 * Inputs of a report's files besides its run records and `report.json`: the search space, and the names of the
 * reference algorithms, which answer with a fixed architecture.
 */
export type ReportContext = Pick<ContentOptions, 'space' | 'references'>

/** The files of a report: each file's content by its name in the report's folder. */
export type ReportFiles = ReadonlyMap<string, string | Uint8Array>

/** The user's choice of the files that a new report consists of. */
export interface ReportForm {
  /**
   * Whether the report is compact: all run records in one file, the tables, and only the figures listed in `figures`.
   */
  readonly compact: boolean
  /**
   * Kinds of figures that the report shows; absent: every kind that the runs have numbers for, or none in a compact
   * report.
   */
  readonly figures?: readonly FigureKind[]
}

/** Returns whether a new report with this choice of files has the named file. */
export function isInForm(name: string, { compact, figures }: ReportForm): boolean {
  const [stem, ending] = name.split('.')
  if (isFigureKind(stem)) {
    return compact ? figures?.includes(stem) === true && ending !== 'png' : figures?.includes(stem) !== false
  }
  return !compact || (name !== PAGE && name !== LOOKUPS)
}

/**
 * Returns all files of a new report, its run records included. Tables and figures are computed from the run records
 * exactly as the report stores them, so that `bench verify` can recompute them. Runs that were read from a compact
 * report are stored as compact records again.
 */
export async function reportFiles(
  runs: readonly RunRecord[],
  recipe: ReportRecipe,
  context: ReportContext,
  { compact, figures }: ReportForm = { compact: false },
): Promise<ReportFiles> {
  const isOfForm = (name: string) => isInForm(name, { compact, figures })
  const reported = runs.map(reportedOnly)
  const whole = reported.filter(isWhole)
  if (compact || whole.length < reported.length) {
    const kept = reported.map(compacted)
    return new Map([[COMPACT_RECORDS, formatCompact(kept)], ...(await computedFiles(kept, recipe, context, isOfForm))])
  }
  const order = whole.map(({ manifest }) => manifest.id)
  return new Map([
    ...runFolderFiles(whole),
    ...(await computedFiles(whole, { ...recipe, runs: order }, context, isOfForm)),
  ])
}

/**
 * Returns the files of a report that are computed from its run records, and `report.json`.
 * @param isWanted tells whether the file with the given name is to be computed
 */
export async function computedFiles(
  runs: readonly RunRecord[],
  recipe: ReportRecipe,
  context: ReportContext,
  isWanted: (name: string) => boolean,
): Promise<ReportFiles> {
  const computed = await contents(runs, recipe, context, isWanted)
  const { files: _, ...settings } = recipe
  const files = [...(isCompact(recipe) ? [COMPACT_RECORDS] : []), ...computed.keys()]
  return new Map([[RECIPE, `${JSON.stringify({ ...settings, files }, null, 2)}\n`], ...computed])
}

/**
 * Recomputes the files that `bench verify` compares with the committed ones: all that `report.json` lists except run
 * records and pictures. A kind of figure that was added to the program after the report was written is thus not counted
 * as a difference.
 */
export async function checkedFiles(
  runs: readonly RunRecord[],
  recipe: ReportRecipe,
  context: ReportContext,
): Promise<ReadonlyMap<string, string>> {
  const { files } = recipe
  const isWanted = (name: string) => isChecked(name) && files?.includes(name) !== false
  const isBeside = (name: string) => files?.includes(name) !== false
  return (await contents(runs, recipe, context, isWanted, isBeside)) as ReadonlyMap<string, string>
}

/** Returns whether `bench verify` recomputes and compares the file with this name. */
export const isChecked = (name: string): boolean =>
  /\.(md|csv|tex|json|html)$/.test(name) && name !== RECIPE && name !== LOCKFILE

/**
 * Computes the wanted files of a report.
 * @param isBeside tells which files lie in the report's folder, for answers that cite them
 */
async function contents(
  runs: readonly RunRecord[],
  recipe: ReportRecipe,
  context: ReportContext,
  isWanted: (name: string) => boolean,
  isBeside = isWanted,
): Promise<ReportFiles> {
  const { title, published, mix, claims, kit, preliminary, experiments, tableMeans, planned } = recipe
  const options = {
    ...context,
    published,
    mix,
    ...(claims && { claims }),
    ...(kit && { kit }),
    ...(preliminary && { preliminary }),
    ...(experiments && { experiments }),
    ...(tableMeans && { tableMeans }),
    ...(planned && { planned }),
  }
  const tables = tablesOf(runs, options)
  const isShown = (kind: FigureKind) => ['json', ...PICTURE_FORMATS].some((ending) => isWanted(`${kind}.${ending}`))
  const all = await figuresOf(runs, { ...options, recordsOnly: true }, isShown)
  const figures = (await mayCopyTable(runs)) ? all : all.filter(({ figure }) => isComputedFromRuns(figure.name))
  // The page offers no pictures to download: those of the report lie beside it.
  const page = () => renderPage({ title, runs, tables, figures, references: context.references, planned })
  const files: readonly (readonly [string, () => string | Uint8Array])[] = [
    ...tables.flatMap(tableFiles),
    ...figures.flatMap(figureFiles),
    [LOOKUPS, () => lookupsCsv(runs)],
    [PAGE, page],
    ...(kit ? kitFiles(runs, { ...options, title }, () => present) : []),
  ]
  const records = isCompact(recipe) ? COMPACT_RECORDS : 'runs'
  const present: ReadonlySet<string> = new Set([RECIPE, records, ...files.map(([name]) => name).filter(isBeside)])
  return new Map(files.filter(([name]) => isWanted(name)).map(([name, content]) => [name, content()]))
}

/**
 * Returns the files of a paper kit, without the kit's tables.
 * @param files returns the names of all files of the report
 */
const kitFiles = (
  runs: readonly RunRecord[],
  options: ContentOptions & Pick<ReportRecipe, 'title'>,
  files: () => ReadonlySet<string>,
) => [
  ...(Object.keys(checklists) as ChecklistName[]).map(
    (name) => [`checklist-${name}.md`, () => checklistText(name, { ...options, runs, files: files() })] as const,
  ),
  [REPRODUCE, () => reproduceScript(runs, options)] as const,
  [CITATION, citation] as const,
  ...(isThere(LOCKFILE_PATH) ? [[LOCKFILE, lockfile] as const] : []),
]

const REPRODUCE = 'reproduce.sh'
const CITATION = 'CITATION.cff'
const LOCKFILE = 'package-lock.json'

/** Returns whether a file is written only into reports with a paper kit. */
export const isKitFile = (name: string): boolean =>
  /^(checklist-\w+|compute|improvement|hyperparameters)\./.test(name) || [REPRODUCE, CITATION, LOCKFILE].includes(name)

const LOCKFILE_PATH = fileURLToPath(new URL('../../../package-lock.json', import.meta.url))

/** Returns the content of the program's `package-lock.json` without the packages that only its development needs. */
function lockfile(): string {
  const { packages, ...rest } = JSON.parse(readFileSync(LOCKFILE_PATH, 'utf8'))
  const needed = Object.entries<Record<string, unknown>>(packages).filter(
    ([, { dev, devOptional }]) => !dev && !devOptional,
  )
  const shortened = needed.map(([path, { devDependencies: _, ...entry }]) => [path, entry])
  return `${JSON.stringify({ ...rest, packages: Object.fromEntries(shortened) }, null, 1)}\n`
}

/** Returns the content of `CITATION.cff`: how to cite the program, in the Citation File Format. */
const citation = (): string =>
  [
    'cff-version: 1.2.0',
    'message: If you use these results, please cite the program and the papers of the compared methods.',
    'title: nas-bench-harness',
    `version: ${packageVersion}`,
    'license: MIT',
    'type: software',
    'authors:',
    '  - name: The nas-bench-harness contributors',
    '',
  ].join('\n')

const tableFiles = ({ name, table }: NamedTable) =>
  Object.entries(TABLE_FORMATS).map(
    ([ending, format]) => [`${name}.${ending}`, () => renderTable(table, format)] as const,
  )

const figureFiles = ({ figure }: NamedFigure) => [
  ...(isComputedFromRuns(figure.name)
    ? [[`${figure.name}.json`, () => printable(`${JSON.stringify(figure, null, 1)}\n`)] as const]
    : []),
  ...PICTURE_FORMATS.map((format) => [`${figure.name}.${format}`, () => renderFigure(figure, format)] as const),
]

/**
 * Returns whether a kind of figure is computed from run records alone. Only `scatter` is not: it shows the whole lookup
 * table, which is not part of a report.
 */
const isComputedFromRuns = (figure: string): boolean => figure !== 'scatter'

/**
 * Returns whether a report may show all rows of the lookup table, as the figure `scatter` does: only if all runs used
 * tables that come with the program, which may be copied.
 */
async function mayCopyTable(runs: readonly RunRecord[]): Promise<boolean> {
  const embedded = await listTables({ folders: [embeddedTables] })
  return runs.every(({ manifest: { job } }) => embedded.includes(job.table?.name ?? ''))
}

/**
 * Returns the content of `lookups.csv`: the accuracies in % that the runs looked up, with all digits, as sorted lines,
 * one for each lookup table, architecture and accuracy name (dataset/split/epochs/seed).
 */
export function lookupsCsv(runs: readonly RunRecord[]): string {
  const lines = runs.flatMap(({ manifest: { job }, epochs, result }) => {
    const line = (genotype: string, metric: Metric) =>
      `${tableName(job.table)},${csvField(oneLine(genotype))},${formatQualifier(metric)},${metric.accuracyPct}`
    return [...epochs, ...(result ? [result] : [])].flatMap(({ genotype, metrics }) =>
      metrics.map((metric) => line(genotype, metric)),
    )
  })
  return ['table,sha256,architecture,qualifier,accuracyPct', ...[...new Set(lines)].sort(), ''].join('\n')
}

const tableName = (table: Job['table']): string => (table === undefined ? 'none,none' : `${table.name},${table.sha256}`)
