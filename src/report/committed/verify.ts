/**
 * Checks committed reports and run records for `bench verify`: whether a report's files equal those recomputed from its
 * records, whether each run's name contains the hash of its job, and whether looked-up accuracies equal those of the
 * lookup table, if that table is installed.
 */
import { join } from 'node:path'
import { formatQualifier, type Metric } from '../../core/metric.ts'
import { pluralize } from '../../core/plainText.ts'
import type { ResultRecord } from '../../core/result.ts'
import { runId } from '../../runner/plan/identity.ts'
import { tableIdentity } from '../../runner/plan/lookup.ts'
import { readIfThere } from '../../system/readable.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import type { Table } from '../../tables/table.ts'
import type { RunRecord } from '../runRecord.ts'
import { COMPACT_RECORDS, isCompact, type ReportRecipe, readReport, type SpaceOf } from './records.ts'
import { checkedFiles, isChecked, PAGE } from './reportFiles.ts'

/** A committed file that differs from its recomputed content. */
export interface Difference {
  /** Path of the differing file, relative to the report's folder. */
  readonly file: string
  /** The lines in which the file differs, as in a diff: `-` before a committed line, `+` before a recomputed one. */
  readonly lines: readonly string[]
}

/** Result of the check of one report, store or run. */
export interface Finding {
  /** Path or name of the checked report, store or run, as the user typed it. */
  readonly report: string
  /** Number of runs whose records were checked. */
  readonly runs: number
  /**
   * Number of the report's files that were recomputed and compared; absent for a store or a run, which consist of
   * records only.
   */
  readonly files?: number
  /** Number of architectures whose accuracies were looked up again; absent if their lookup table is not installed. */
  readonly lookedUpAgain?: number
  /** Differences that the check found; empty if every committed file is correct. */
  readonly differences: readonly Difference[]
}

export interface VerifyOptions {
  readonly spaceOf: SpaceOf
  /** Names of the reference algorithms, which answer with a fixed architecture and do not search. */
  readonly references: ReadonlySet<string>
}

/**
 * Checks a report: recomputes its files from its run records and compares them with the committed files.
 * @throws BenchError `missing` or `corrupt` if the report cannot be recomputed
 */
export async function verifyReport(report: string, { spaceOf, references }: VerifyOptions): Promise<Finding> {
  const { recipe, runs, space } = await readReport(report, spaceOf)
  const files = await checkedFiles(runs, recipe, { space, references })
  const again = await lookUpAgain(runs)
  const inRecords = [...contradictions(runs), ...(again?.differences ?? [])]
  return {
    report,
    runs: runs.length,
    files: files.size,
    ...(again && { lookedUpAgain: again.architectures }),
    differences: [
      ...(isCompact(recipe) ? inRecords.map(inCompactFile) : inRecords),
      ...changedFiles(report, files),
      ...unfoundedFiles(recipe, files),
    ],
  }
}

const inCompactFile = ({ file, lines }: Difference): Difference => ({
  file: file.replace(/^runs\/(.*)\/\w+\.json$/, `${COMPACT_RECORDS}, $1`),
  lines,
})

/**
 * Checks whether each run's name contains the hash of its job, and whether its accuracies equal those of the lookup
 * table.
 * @param place path or name of the store or run, as the user typed it
 */
export async function verifyRecords(place: string, runs: readonly RunRecord[]): Promise<Finding> {
  const again = await lookUpAgain(runs)
  const found = [...contradictions(runs), ...(again?.differences ?? [])]
  return {
    report: place,
    runs: runs.length,
    ...(again && { lookedUpAgain: again.architectures }),
    // Only a report has its run folders inside a folder `runs`.
    differences: found.map(({ file, lines }) => ({ file: file.replace(/^runs\//, ''), lines })),
  }
}

/** Returns the differences between a report's files and their recomputed content. A missing file counts as empty. */
function changedFiles(report: string, recomputed: ReadonlyMap<string, string>): readonly Difference[] {
  return [...recomputed].flatMap(([file, expected]) => {
    const committed = readIfThere(join(report, file))?.toString('utf8') ?? ''
    const [a, b] = file === PAGE ? [committed, expected].map(pageNumbers) : [committed, expected]
    const lines = lineDiff(a, b)
    return lines.length === 0 ? [] : [{ file, lines }]
  })
}

/**
 * Returns as differences the files that `report.json` lists but that cannot be computed from the report's run records.
 */
const unfoundedFiles = ({ files = [] }: ReportRecipe, recomputed: ReadonlyMap<string, string>): readonly Difference[] =>
  files
    .filter((file) => isChecked(file) && !recomputed.has(file))
    .map((file) => ({ file, lines: ['- listed in report.json, but the records give no such file'] }))

/**
 * Returns the contradictions within run records. A run's name contains the hash of its job, so the name is wrong if the
 * job was edited. A run's result repeats the names and the seed of its job, so they must be equal.
 */
function contradictions(runs: readonly RunRecord[]): readonly Difference[] {
  return runs.flatMap(({ manifest: { id, job }, result }) => {
    const found = result && [result.id, result.algorithm, result.space, result.dataset, result.protocol, result.seed]
    const planned = [id, job.algorithm.name, job.space, job.dataset.name, job.protocol.name, job.seed]
    return [
      ...contradiction(`runs/${id}/run.json`, id, runId(job)),
      ...(found ? contradiction(`runs/${id}/result.json`, found.join(' '), planned.join(' ')) : []),
    ]
  })
}

const contradiction = (file: string, committed: string, expected: string): readonly Difference[] =>
  committed === expected ? [] : [{ file, lines: [`- ${committed}`, `+ ${expected}`] }]

interface LookedUpAgain {
  /** Number of different architectures whose accuracies were looked up again. */
  readonly architectures: number
  readonly differences: readonly Difference[]
}

/**
 * Looks up the final architecture of every run again and compares the accuracies with the recorded ones. Returns
 * undefined if no run's lookup table is installed in the version that the run used.
 */
async function lookUpAgain(runs: readonly RunRecord[]): Promise<LookedUpAgain | undefined> {
  const tables = await installedTables(runs)
  const known = runs.flatMap(({ manifest: { job }, result }) => {
    const table = tables.get(job.table?.name ?? '')
    const same = table !== undefined && tableIdentity(table.manifest).sha256 === job.table?.sha256
    const index = same && result ? table.find(result.genotype) : undefined
    return same && result && index !== undefined ? [{ result, metrics: table.metrics(index) }] : []
  })
  if (known.length === 0) return undefined
  return {
    architectures: new Set(known.map(({ result }) => result.genotype)).size,
    differences: known.flatMap(({ result, metrics }) => lookupDifferences(result, metrics)),
  }
}

/** Opens those lookup tables of these runs that are installed, by table name. */
async function installedTables(runs: readonly RunRecord[]): Promise<ReadonlyMap<string, Table>> {
  const wanted = new Set(runs.flatMap(({ manifest }) => manifest.job.table?.name ?? []))
  const names = (await listTables()).filter((name) => wanted.has(name))
  return new Map(await Promise.all(names.map(async (name) => [name, await openTable(name)] as const)))
}

function lookupDifferences({ id, metrics: recorded }: ResultRecord, metrics: readonly Metric[]): readonly Difference[] {
  const now = new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct]))
  const lines = recorded.flatMap((metric) => {
    const qualifier = formatQualifier(metric)
    return now.get(qualifier) === metric.accuracyPct
      ? []
      : [`- ${qualifier} ${metric.accuracyPct}`, `+ ${qualifier} ${now.get(qualifier) ?? 'missing'}`]
  })
  return lines.length === 0 ? [] : [{ file: `runs/${id}/result.json`, lines }]
}

/**
 * Returns the lines in which two texts differ, with `-` before committed and `+` before recomputed lines; none if the
 * texts are equal. Equal lines at their beginning and end are left out. @param limit largest number of lines returned
 */
export function lineDiff(committed: string, recomputed: string, limit = 20): readonly string[] {
  if (committed === recomputed) return []
  const [a, b] = [committed.split('\n'), recomputed.split('\n')]
  const head = commonPrefix(a, b)
  const tail = commonPrefix(a.slice(head).reverse(), b.slice(head).reverse())
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)]
  const lines = [...left.map((line) => `- ${line}`), ...right.map((line) => `+ ${line}`)]
  if (left.length === right.length) lines.splice(0, lines.length, ...alternating(left, right))
  return lines.length <= limit
    ? lines
    : [...lines.slice(0, limit), `… and ${pluralize(lines.length - limit, 'more line')}`]
}

const alternating = (left: readonly string[], right: readonly string[]) =>
  left.flatMap((line, i) => (line === right[i] ? [] : [`- ${line}`, `+ ${right[i]}`]))

/** Returns the number of equal lines at the beginning of two texts. */
function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((line, i) => line !== b[i])
  return differs === -1 ? Math.min(a.length, b.length) : differs
}

/** Data of one plot in a report's HTML page, as `page/figureHtml.ts` writes it for the script that draws the plot. */
interface DrawnPanel {
  readonly labels: readonly string[]
  readonly datasets: readonly { readonly flat: readonly (number | null)[]; readonly notes: object }[]
}

/**
 * Returns the words and numbers of a report's HTML page without its layout, which may change between program versions:
 * the text of every section, then one line for each plotted point. The figure `scatter` is left out, since it shows the
 * whole lookup table.
 */
function pageNumbers(html: string): string {
  const sections = [...html.matchAll(/<section id="([^"]*)">(.*?)<\/section>/gs)]
  const words = sections
    .filter(([, id]) => id !== 'scatter')
    .flatMap(([, id, content]) => [`# ${id}`, ...linesOf(content)])
  return [...words, ...pointsOf(html), ''].join('\n')
}

/**
 * Returns the words of a part of the page as lines, except its copy and download buttons. For a table cell the number
 * with all digits is included, by which the page sorts the table.
 */
function linesOf(content: string): readonly string[] {
  const shown = content.replace(/<div class="tools" data-quiet>.*?<\/div>/gs, '')
  const text = shown.replace(/ data-value="([^"]*)"[^>]*>/g, '>$1 ').replace(/<[^>]*>/g, '\n')
  return text.split('\n').filter((line) => line.trim() !== '')
}

function pointsOf(html: string): readonly string[] {
  const [, json = '[]'] = /<script type="application\/json" id="figures">(.*?)<\/script>/s.exec(html) ?? []
  const names = [...html.matchAll(/<figure id="figure-([^"]*)"/g)].map(([, name]) => name)
  try {
    const figures: readonly { readonly panels: readonly (DrawnPanel | null)[] }[] = JSON.parse(json)
    return figures.flatMap(({ panels }, i) =>
      names[i] === 'scatter' ? [] : panels.flatMap((panel) => panelLines(names[i], panel)),
    )
  } catch (error) {
    return [`the data of the figures cannot be read: ${(error as Error).message}`]
  }
}

const panelLines = (figure: string, panel: DrawnPanel | null): readonly string[] =>
  panel?.datasets.map(({ flat, notes }, i) =>
    [figure, panel.labels[i], ...flat.map(String), ...Object.values(notes)].join(' '),
  ) ?? []
