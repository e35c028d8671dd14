/**
 * Checks committed reports and records: whether the files of a report are what its records give, whether each record is
 * of the job that its name stands for, and whether looked-up accuracies are those of the lookup table, where it is
 * installed.
 */
import { join } from 'node:path'
import { formatQualifier, type Metric } from '../../core/metric.ts'
import { runId } from '../../runner/plan/identity.ts'
import { tableIdentity } from '../../runner/plan/lookup.ts'
import { readIfThere } from '../../system/readable.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import type { Table } from '../../tables/table.ts'
import type { ReportedResult, RunRecord } from '../runRecord.ts'
import { COMPACT_RECORDS, isCompact, type ReportRecipe, readReport, type SpaceOf } from './records.ts'
import { checkedFiles, isChecked, PAGE } from './reportFiles.ts'

/** A file that is not what it should be. */
export interface Difference {
  /** Path of the file in the report's folder. */
  readonly file: string
  /** Lines as of a diff: `-` is committed, `+` is expected. */
  readonly lines: readonly string[]
}

/** What the check of one report, store or run found. */
export interface Finding {
  /** The report, store or run, as the user named it. */
  readonly report: string
  /** Number of runs. */
  readonly runs: number
  /** Number of files that were recomputed; absent for a store or a run, of which only the records are checked. */
  readonly files?: number
  /** Number of architectures that were looked up again; absent where their lookup table is not installed. */
  readonly lookedUpAgain?: number
  /** Empty where everything is as committed. */
  readonly differences: readonly Difference[]
}

export interface VerifyOptions {
  readonly spaceOf: SpaceOf
  /** Names of the algorithms that answer with a fixed architecture. */
  readonly references: ReadonlySet<string>
}

/** Recomputes a report from its records. @throws BenchError `missing` or `corrupt` where that is impossible */
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
 * Checks whether runs are what their names and jobs say, and their accuracies those of the lookup table.
 * @param place store or run, as the user named it
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

/** A committed file that is missing counts as an empty one. */
function changedFiles(report: string, recomputed: ReadonlyMap<string, string>): readonly Difference[] {
  return [...recomputed].flatMap(([file, expected]) => {
    const committed = readIfThere(join(report, file))?.toString('utf8') ?? ''
    const [a, b] = file === PAGE ? [committed, expected].map(pageNumbers) : [committed, expected]
    const lines = lineDiff(a, b)
    return lines.length === 0 ? [] : [{ file, lines }]
  })
}

/** Files that `report.json` lists and that the records do not give. */
const unfoundedFiles = ({ files = [] }: ReportRecipe, recomputed: ReadonlyMap<string, string>): readonly Difference[] =>
  files
    .filter((file) => isChecked(file) && !recomputed.has(file))
    .map((file) => ({ file, lines: ['- listed in report.json, but the records give no such file'] }))

/**
 * Returns the records that contradict themselves: a run is named by the hash of its job, so a run whose job was edited
 * no longer has its name; and a result repeats names and seed of its job.
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
  /** Number of different architectures. */
  readonly architectures: number
  readonly differences: readonly Difference[]
}

/** Looks the final architectures up again; undefined where no run's table is installed with the same content. */
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

/** The lookup tables of these runs that are installed, by name. */
async function installedTables(runs: readonly RunRecord[]): Promise<ReadonlyMap<string, Table>> {
  const wanted = new Set(runs.flatMap(({ manifest }) => manifest.job.table?.name ?? []))
  const names = (await listTables()).filter((name) => wanted.has(name))
  return new Map(await Promise.all(names.map(async (name) => [name, await openTable(name)] as const)))
}

function lookupDifferences(
  { id, metrics: recorded }: ReportedResult,
  metrics: readonly Metric[],
): readonly Difference[] {
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
 * Returns the lines in which two texts differ, as `-` committed and `+` recomputed; none where they are equal. Lines
 * that both texts begin or end with are left out.
 */
export function lineDiff(committed: string, recomputed: string, limit = 20): readonly string[] {
  if (committed === recomputed) return []
  const [a, b] = [committed.split('\n'), recomputed.split('\n')]
  const head = commonPrefix(a, b)
  const tail = commonPrefix(a.slice(head).reverse(), b.slice(head).reverse())
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)]
  const lines = [...left.map((line) => `- ${line}`), ...right.map((line) => `+ ${line}`)]
  if (left.length === right.length) lines.splice(0, lines.length, ...alternating(left, right))
  return lines.length <= limit ? lines : [...lines.slice(0, limit), `… and ${lines.length - limit} more lines`]
}

const alternating = (left: readonly string[], right: readonly string[]) =>
  left.flatMap((line, i) => (line === right[i] ? [] : [`- ${line}`, `+ ${right[i]}`]))

/** Number of lines that both texts begin with. */
function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((line, i) => line !== b[i])
  return differs === -1 ? Math.min(a.length, b.length) : differs
}

/** The data from which the page's script draws, as `page/figureHtml.ts` writes it. */
interface DrawnPanel {
  readonly labels: readonly string[]
  readonly datasets: readonly { readonly flat: readonly (number | null)[]; readonly notes: object }[]
}

/**
 * Returns what a report's page says without how it looks, since pages are restyled: words and numbers of every section,
 * then the points of every figure, each on a line. The scatter is left out, since it shows the whole lookup table.
 */
function pageNumbers(html: string): string {
  const sections = [...html.matchAll(/<section id="([^"]*)">(.*?)<\/section>/gs)]
  const words = sections
    .filter(([, id]) => id !== 'scatter')
    .flatMap(([, id, content]) => [`# ${id}`, ...linesOf(content)])
  return [...words, ...pointsOf(html), ''].join('\n')
}

/** The cells of a table also have their numbers with all digits, by which the page sorts them. */
function linesOf(content: string): readonly string[] {
  const text = content.replace(/ data-value="([^"]*)"[^>]*>/g, '>$1 ').replace(/<[^>]*>/g, '\n')
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
