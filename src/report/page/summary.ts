/**
 * The main results at the top of a report's page: what was compared, which method is best and by how much, and which
 * runs are missing.
 */
import { accuracyInterval, type Interval, summarise, tInterval } from '../../analysis/statistics/summary.ts'
import { pluralize } from '../../core/plainText.ts'
import { distinct } from '../../system/groupBy.ts'
import {
  blocksOf,
  type Column,
  type Comparison,
  compare,
  datasetTitle,
  datasetWords,
  type Row,
  rankable,
  searchesOf,
  valuesOf,
} from '../comparison/comparison.ts'
import { reductionsOf } from '../comparison/published.ts'
import { areRetrained, errorsOf, type RetrainedRow, rowsOf, settingsText } from '../comparison/retrainedRuns.ts'
import type { Tabular } from '../formats/tabular.ts'
import { groupByMethod, labelOf, methodLabels } from '../methods.ts'
import { missingRunsText, type PlannedRuns } from '../plannedRuns.ts'
import { isRandomSampling, isRandomSearch } from '../randomMethods.ts'
import { hasFailed, isImported, isUnfinished, type RunRecord } from '../runRecord.ts'
import { seedList } from './reproducibility.ts'

/** One of the main results at the top of the page: a term, and sentences about it. */
export type Answer = readonly [term: string, sentences: readonly string[]]

/**
 * Returns the main results of a report.
 * @param references names of the algorithms that answer with a fixed architecture
 * @param more.claims the table of claims; absent: the report has none
 * @param more.planned the planned runs of the experiment; absent: not known
 */
export function summaryOf(
  runs: readonly RunRecord[],
  references: ReadonlySet<string>,
  { claims, planned }: { readonly claims?: Tabular | undefined; readonly planned?: PlannedRuns | undefined } = {},
): readonly Answer[] {
  const answers: Answer[] = [
    ['Compared', [comparedText(runs, references)]],
    ['On', onTexts(runs)],
    ['Seeds', seedTexts(runs)],
    ['Best', areRetrained(runs) ? bestTrained(runs) : bestSearches(runs, references)],
    ['Claims', claims ? claims.notes.slice(0, 1) : []],
    ['Failed', [failedText(runs)]],
    ['Missing or reduced', missingTexts(runs, planned)],
  ]
  return answers.filter(([, sentences]) => sentences.length > 0)
}

function comparedText(runs: readonly RunRecord[], references: ReadonlySet<string>): string {
  const methods = groupByMethod(runs)
  const searches = methods.filter(({ algorithm }) => !references.has(algorithm))
  const fixed = methods.filter((method) => !searches.includes(method)).map(labelOf)
  const what = areRetrained(runs)
    ? pluralize(methods.length, 'method')
    : pluralize(searches.length, 'search', 'searches')
  return fixed.length === 0 ? `${what}.` : `${what}, beside the fixed architectures ${[...new Set(fixed)].join(', ')}.`
}

function onTexts(runs: readonly RunRecord[]): string[] {
  const jobs = runs.map(({ manifest }) => manifest.job)
  const datasets = distinct(jobs.map(({ dataset }) => datasetWords(dataset.name, runs)))
  const tables = distinct(jobs.flatMap(({ table }) => table?.name ?? []))
  const trainings = distinct(
    jobs.flatMap(({ retraining, space }) => (retraining ? settingsText(retraining.settings, space) : [])),
  )
  const where = `${datasets.join(', ')}, in the space ${distinct(jobs.map(({ space }) => space)).join(', ')}`
  const looked = tables.length > 0 ? `, looked up in ${tables.join(', ')}` : ''
  const protocols = distinct(
    jobs.flatMap(({ executor, protocol: { name, epochs, batchSize, network } }) =>
      executor === undefined
        ? []
        : `protocol ${name}: ${pluralize(epochs, 'epoch')}, batch ${batchSize}, search network C=${network.channels}, depth ${network.depth}`,
    ),
  )
  return [`${where}${looked}.`, ...[...protocols, ...trainings.map((how) => `trained in full: ${how}`)].map(sentence)]
}

const sentence = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`

function seedTexts(runs: readonly RunRecord[]): string[] {
  const finished = groupByMethod(runs).map((method) => ({
    label: labelOf(method),
    seeds: distinct(method.runs.flatMap(({ manifest, result }) => (result ? [manifest.job.seed] : []))),
  }))
  const most = Math.max(...finished.map(({ seeds }) => seeds.length))
  const fewer = finished.filter(({ seeds }) => seeds.length < most)
  const largest = finished.find(({ seeds }) => seeds.length === most)
  return [
    `${pluralize(most, 'seed')} a method (${seedList(largest?.seeds ?? [])})${fewer.length === 0 ? '.' : '; fewer of '}${fewer
      .map(({ label, seeds }) => `${label} (${seeds.length})`)
      .join(', ')}${fewer.length === 0 ? '' : '.'}`,
  ]
}

/** Returns a sentence for each dataset searched on: the best search, and its lead over the next one. */
function bestSearches(runs: readonly RunRecord[], references: ReadonlySet<string>): string[] {
  const comparison = compare(runs, { mix: true })
  if (comparison.mixed.length > 0) return ['The runs follow different protocols, so no method is the best.']
  const headline = comparison.columns.flatMap((column, i) =>
    column.split === 'test' && column.dataset === column.searchedOn ? [{ column, i }] : [],
  )
  return headline.flatMap(({ column, i }) => bestOf(comparison, references, column, i))
}

interface Ranked {
  readonly row: Row
  readonly mean: number
  readonly interval: Interval | undefined
  /** Position of the ranked column. */
  readonly at: number
}

/**
 * Returns sentences about the best search in a column, and about the best of the searches that ask no table for
 * accuracies if it is another one: asking a table costs nothing here, while the others train shared weights.
 */
function bestOf(comparison: Comparison, references: ReadonlySet<string>, column: Column, at: number): string[] {
  const searches = searchesOf(comparison, references)
  const { best, next, ranked, single } = ranking(searches, at)
  if (best === undefined)
    return notRanked(single.map((own) => ({ label: own.row.method.label, values: valuesOf(own.row.cells[at]) })))
  const others = ranked.filter(({ row }) => row !== best.row && row !== next?.row)
  const random = others.find(({ row }) => isRandomSearch(row.method))
  const sampled = others.find(({ row }) => isRandomSampling(row.method))
  const optimum = comparison.rows
    .filter((row) => references.has(row.method.algorithm))
    .flatMap((row) => valuesOf(row.cells[at]).map((value) => ({ label: row.method.label, value })))
    .sort((a, b) => b.value - a.value)[0]
  const against = [
    ...(next ? [aheadOf(best, next, 'the next search')] : []),
    ...(random ? [`${leadText(best.row, random.row, at)} ahead of random search`] : []),
    ...(sampled ? [`${leadText(best.row, sampled.row, at)} ahead of random sampling`] : []),
    ...(optimum ? [`${(optimum.value - best.mean).toFixed(2)} points below ${optimum.label}`] : []),
  ]
  const found = (own: Ranked) =>
    `${ownLabel(own)}: ${own.mean.toFixed(2)} % ${datasetTitle(column.dataset)} test accuracy${intervalText(own.interval)}`
  const luckier = single.filter(({ mean }) => mean >= best.mean)
  const trained = ranking(searches.filter(isTrained), at)
  const isOther = trained.best !== undefined && trained.best.row !== best.row
  return [
    `${[found(best), ...against].join('; ')}.`,
    ...(luckier.length > 0
      ? [
          `Not ranked, of one seed: ${luckier.map(({ row, mean }) => `${row.method.label}, ${mean.toFixed(2)} %`).join('; ')}.`,
        ]
      : []),
    ...(isOther && trained.best !== undefined
      ? [
          `Best of the searches that ask no table for accuracies: ${[
            found(trained.best),
            ...(trained.next ? [aheadOf(trained.best, trained.next, 'the next of them')] : []),
          ].join('; ')}.`,
        ]
      : []),
  ]
}

/** Returns a sentence that no method is called the best, since only one has several seeds; none without methods. */
function notRanked(methods: readonly { readonly label: string; readonly values: readonly number[] }[]): string[] {
  const repeated = methods.find(({ values }) => values.length > 1)
  if (repeated === undefined) return []
  const means = methods.map(({ label, values }) => `${label}, ${summarise(values).mean.toFixed(2)} %`)
  return [`No method is called the best, since only ${repeated.label} has several seeds: ${means.join('; ')}.`]
}

/** Returns whether a search computes with networks itself: it trains shared weights, or scores untrained networks. */
const isTrained = ({ method }: Row): boolean => method.runs.every(({ manifest }) => manifest.job.executor !== undefined)

/** Returns the searches that can be called the best, the best first, and those left out since they have one seed. */
function ranking(searches: readonly Row[], at: number) {
  const valuesAt = ({ cells }: Row) => valuesOf(cells[at])
  const ranks = (rows: readonly Row[]) =>
    rows
      .map(
        (row): Ranked => ({ row, mean: summarise(valuesAt(row)).mean, interval: accuracyInterval(valuesAt(row)), at }),
      )
      .sort((a, b) => b.mean - a.mean)
  const able = rankable(searches, valuesAt)
  const ranked = ranks(able)
  const [best, next] = ranked
  return {
    best,
    next,
    ranked,
    single: ranks(searches.filter((row) => valuesAt(row).length > 0 && !able.includes(row))),
  }
}

/** Returns the label of a search, with a mark if it has one seed only. */
const ownLabel = ({ row, at }: Ranked): string =>
  `${row.method.label}${valuesOf(row.cells[at]).length === 1 ? ' (1 seed)' : ''}`

const aheadOf = (best: Ranked, next: Ranked, what: string): string =>
  `${leadText(best.row, next.row, best.at)} ahead of ${ownLabel(next)}, ${what}`

/**
 * Returns a text that says by how many percentage points one search leads another: the mean difference over their
 * common seeds with its 95 % t interval. If they have fewer than two common seeds, or the other search is better on
 * these, it is the difference of the two means, without an interval.
 */
function leadText(best: Row, other: Row, column: number): string {
  const { scores } = blocksOf([best, other], column)
  const differences = scores.map(([a, b]) => a - b)
  const onCommonSeeds = differences.length > 1 ? summarise(differences).mean : Number.NaN
  const isLead = onCommonSeeds >= 0
  const lead = isLead ? onCommonSeeds : meanOf(best, column) - meanOf(other, column)
  return `${lead.toFixed(2)} points${intervalText(isLead ? tInterval(differences) : undefined)}`
}

const meanOf = (row: Row, column: number): number => summarise(valuesOf(row.cells[column])).mean

const intervalText = (interval: Interval | undefined): string =>
  interval === undefined ? '' : ` [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`

/** Returns a sentence for each dataset of full trainings: the method with the smallest test error. */
function bestTrained(runs: readonly RunRecord[]): string[] {
  const rows = rowsOf(runs).filter((row) => errorsOf(row).length > 0)
  return distinct(rows.map(({ dataset }) => dataset)).flatMap((dataset) => {
    const own = rows.filter((row) => row.dataset === dataset)
    if (new Set(own.map(({ group }) => group)).size > 1) {
      return [`The trainings on ${datasetTitle(dataset)} differ in their settings, so no method is the best.`]
    }
    const mean = (row: RetrainedRow) => summarise(errorsOf(row)).mean
    const [best, next] = rankable(own, errorsOf).toSorted((a, b) => mean(a) - mean(b))
    if (best === undefined) return notRanked(own.map((row) => ({ label: labelOf(row.method), values: errorsOf(row) })))
    const label = (row: RetrainedRow) => `${labelOf(row.method)}${errorsOf(row).length === 1 ? ' (1 seed)' : ''}`
    const ahead = next ? `; ${(mean(next) - mean(best)).toFixed(2)} points ahead of ${label(next)}, the next one` : ''
    return [
      `${label(best)}: ${mean(best).toFixed(2)} % ${datasetTitle(dataset)} test error${intervalText(accuracyInterval(errorsOf(best)))}${ahead}.`,
    ]
  })
}

/** Largest number of failed runs that are named one by one. */
const MOST_NAMED = 3

function failedText(runs: readonly RunRecord[]): string {
  const failed = runs.filter(hasFailed)
  if (failed.length === 0) return `None of ${pluralize(runs.length, 'run')}.`
  const labels = methodLabels(runs)
  const named = failed
    .slice(0, MOST_NAMED)
    .map((run) => `${labels.get(run)}, seed ${run.manifest.job.seed} (${run.failure?.message})`)
  const more = failed.length > MOST_NAMED ? ` and ${failed.length - MOST_NAMED} more` : ''
  return `${failed.length} of ${pluralize(runs.length, 'run')}: ${named.join('; ')}${more}.`
}

/**
 * Returns sentences about runs that are missing, failed, unfinished, smaller than in papers or imported; or one that says
 * there are none. Imported runs are named, since the sizes of other programs' searches are unknown.
 */
function missingTexts(runs: readonly RunRecord[], planned: PlannedRuns | undefined): string[] {
  const absent = missingRunsText(planned)
  const [failed, unfinished] = [hasFailed, isUnfinished].map((is) => runs.filter(is).length)
  const imported = runs.filter(isImported).length
  const reductions = reductionsOf(runs)
  const found = [
    ...(absent === undefined ? [] : [absent]),
    ...(failed > 0 ? [`${pluralize(failed, 'run')} failed.`] : []),
    ...(unfinished > 0 ? [`${pluralize(unfinished, 'run')} not finished.`] : []),
    ...(reductions.length > 0 ? [`Smaller than in the papers: ${reductions.join('; ')}.`] : []),
    ...(imported > 0 ? [`Of unknown size: ${pluralize(imported, 'run')} imported from other programs.`] : []),
  ]
  return found.length > 0 ? found : ['Nothing: every run is finished, and no protocol or budget is below the papers’.']
}
