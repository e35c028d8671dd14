/**
 * Makes the table that shows how well training-free scores rank architectures: rank correlations, with intervals, of
 * every score column of a lookup table with the accuracies on each dataset, over all architectures and over the best
 * tenth.
 */
import { type RankCorrelationIntervals, rankCorrelationIntervals } from '../../analysis/statistics/rankCorrelation.ts'
import type { Interval } from '../../analysis/statistics/summary.ts'
import { BenchError } from '../../core/errors.ts'
import { formatQualifier, type Qualifier } from '../../core/metric.ts'
import { pluralize } from '../../core/plainText.ts'
import { random } from '../../core/random.ts'
import { DEGENERATE } from '../../core/score.ts'
import type { ScoreTableResult } from '../../tablebuild/scoreTable.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { pairs } from '../../tables/query.ts'
import type { Table } from '../../tables/table.ts'
import { type Cell, column, count, digitsFor, number, type Tabular, word } from '../formats/tabular.ts'

/** Fraction of the architectures, ordered by accuracy, that count as the best. */
const BEST = 0.1

/**
 * Smallest number of best architectures for which a rank correlation is computed; the correlation of fewer would be
 * meaningless.
 */
const FEWEST_BEST = 10
const UNKNOWN = {
  spearman: undefined,
  kendall: undefined,
  spearmanInterval: undefined,
  kendallInterval: undefined,
}

/**
 * Numbers of bootstrap resamples: the usual one, and a smaller one for tables with more than `MANY` architectures,
 * whose intervals are narrow anyway.
 */
const DRAWS = 1000
const DRAWS_OF_MANY = 200
const MANY = 4000

export interface ScoreCorrelation {
  /** Name of the lookup table's column with the scores. */
  readonly score: string
  /** Name of the lookup table's column with the accuracies. */
  readonly accuracy: string
  readonly all: RankCorrelationIntervals
  /** Rank correlations among the best tenth of the architectures by accuracy. */
  readonly best: RankCorrelationIntervals
}

/**
 * Computes the rank correlations of scores with accuracies; negative where lower scores go with higher accuracies.
 * @param scores names of the score columns; absent: all that the table has
 * @throws BenchError `missing` if the table has no column of scores or no accuracies
 */
export function scoreCorrelations(table: Table, scores = scoreColumns(table)): ScoreCorrelation[] {
  const { name } = table.manifest
  if (scores.length === 0) {
    throw new BenchError('missing', `table ${name} has no scores; \`bench score --help\` says how to compute some`)
  }
  const accuracies = headlineAccuracies(table)
  if (accuracies.length === 0) {
    throw new BenchError('missing', `table ${name} has no accuracies to compare with; score with --table NAME`)
  }
  return accuracies.flatMap((accuracy) => scores.map((score) => correlationOf(table, score, accuracy)))
}

function correlationOf(table: Table, score: string, accuracy: string): ScoreCorrelation {
  const { x, y } = pairs(table, table.column(score), table.column(accuracy))
  const stream = random(0, 'scores', 'bootstrap', score, accuracy)
  const draws = x.length > MANY ? DRAWS_OF_MANY : DRAWS
  const order = [...y.keys()].sort((a, b) => y[b] - y[a] || a - b).slice(0, Math.ceil(BEST * y.length))
  const of = (values: readonly number[]) => order.map((i) => values[i])
  return {
    score,
    accuracy,
    all: rankCorrelationIntervals(x, y, stream, { draws }),
    best:
      order.length < FEWEST_BEST
        ? { n: order.length, ...UNKNOWN }
        : rankCorrelationIntervals(of(x), of(y), stream, { draws }),
  }
}

/** Returns the names of the columns that `bench score` wrote into a table: names with a colon and a network size. */
export const scoreColumns = ({ manifest }: Table): string[] =>
  manifest.columns.map(({ name }) => name).filter((name) => /^[\w-]+:.*\/C\d+-N\d+-\d+px(\/|$)/.test(name))

/**
 * Returns, for each dataset of a lookup table, the name of the accuracy that papers report: on test images, else on
 * validation images; after the longest training; the mean over training seeds if the table has it.
 */
function headlineAccuracies({ qualifiers }: Table): string[] {
  const splits = ['x-test', 'ori-test', 'x-valid']
  const datasets = [...new Set(qualifiers.map(({ dataset }) => dataset))]
  return datasets.flatMap((dataset) => {
    const rank = ({ split, epochs, seed }: Qualifier) => [splits.indexOf(split), -epochs, seed === 'mean' ? 0 : 1]
    const own = qualifiers.filter((qualifier) => qualifier.dataset === dataset && splits.includes(qualifier.split))
    const [best] = own.toSorted((a, b) => {
      const [first, second] = [rank(a), rank(b)]
      return first.map((value, i) => value - second[i]).find((difference) => difference !== 0) ?? 0
    })
    return best === undefined ? [] : [formatQualifier(best)]
  })
}

/** A lookup table into which scores have just been written, opened for reading, with the result of the writing. */
type ScoredTable = ScoreTableResult & { readonly table: Table }

/** Returns the printed table of rank correlations of scores with accuracies. */
export function scoreCorrelationTable(table: Table, found: readonly ScoreCorrelation[]): Tabular {
  const lost = (name: string) => {
    const values = table.column(name)
    return Array.from({ length: table.rows }, (_, row) => values.at(row)).filter(
      (value) => value !== undefined && Math.abs(value) === DEGENERATE,
    ).length
  }
  const degenerates = [...new Set(found.map(({ score }) => score))].map((name) => [name, lost(name)] as const)
  const some = degenerates.filter(([, n]) => n > 0)
  return {
    columns: [
      column('score', 'Score'),
      column('accuracy', 'Accuracy'),
      column('n', 'n'),
      column('spearman', 'Spearman'),
      column('spearmanInterval', '95 %'),
      column('kendall', 'Kendall τ-b'),
      column('kendallInterval', '95 %'),
      column('bestSpearman', 'Spearman, top 10 %'),
      column('bestSpearmanInterval', '95 %'),
    ],
    rows: found.map(({ score, accuracy, all, best }): Cell[] => [
      word(score),
      word(accuracy),
      count(all.n),
      number(all.spearman, 3),
      interval(all.spearmanInterval),
      number(all.kendall, 3),
      interval(all.kendallInterval),
      number(best.spearman, 3),
      interval(best.spearmanInterval),
    ]),
    notes: [
      `table ${table.manifest.name}: ${pluralize(table.rows, 'architecture')}; intervals by bootstrap over the architectures`,
      ...some.map(([name, n]) => `${name}: ${pluralize(n, 'degenerate network')}, ranked last`),
    ],
  }
}

const interval = (of: Interval | undefined): Cell =>
  word(of === undefined ? undefined : `${of.low.toFixed(3)} … ${of.high.toFixed(3)}`)

/**
 * Returns what `bench score` prints: rank correlations of the requested scores, or the ranges of the scores if the
 * table has no accuracies.
 */
export function scoreAnswer({ table, manifest, columns, total, before, done, seconds }: ScoredTable): {
  readonly tabular: Tabular
  readonly content: unknown
} {
  const shown = shownColumns(columns, manifest)
  const hasAccuracies = headlineAccuracies(table).length > 0
  const correlations = hasAccuracies ? scoreCorrelations(table, shown) : []
  const { notes, ...tabular } = hasAccuracies ? scoreCorrelationTable(table, correlations) : rangeTable(table, shown)
  const left = total - before - done
  const rest = left === 0 ? 'none left' : `${left} left, for the same command to continue`
  const each = done === 0 ? '' : `, ${(seconds / done).toPrecision(2)} processor seconds each`
  return {
    content: { name: manifest.name, rows: manifest.rows, total, before, done, seconds, columns, correlations },
    tabular: {
      ...tabular,
      notes: [...notes, `${pluralize(done, 'network')} scored now${each}; ${before} earlier; ${rest}`],
      commands: {
        purpose: 'Ask for the best architectures by a score',
        lines: [`bench query --table ${manifest.name} --top 5 --by ${shown[0]}`],
      },
    },
  }
}

/** Returns the score columns to print. A score with several seeds is shown by its mean only. */
function shownColumns(columns: readonly string[], { columns: held }: Manifest): string[] {
  const names = new Set(held.map(({ name }) => name))
  return [
    ...new Set(
      columns.map((name) => {
        const mean = name.replace(/\/\d+$/, '/mean')
        return names.has(mean) ? mean : name
      }),
    ),
  ]
}

/** Returns the printed table with the smallest, median and largest value of each score column. */
function rangeTable(table: Table, names: readonly string[]): Tabular {
  return {
    columns: [
      column('score', 'Score'),
      column('n', 'n'),
      column('lowest', 'Lowest'),
      column('median', 'Median'),
      column('highest', 'Highest'),
    ],
    rows: names.map((name): Cell[] => {
      const values = table.column(name)
      const known = Array.from({ length: table.rows }, (_, row) => values.at(row))
        .filter((value) => value !== undefined)
        .sort((a, b) => a - b)
      const cell = (value: number | undefined) => number(value, digitsFor(value ?? 0, 4))
      return [word(name), count(known.length), ...[known[0], known[known.length >> 1], known.at(-1)].map(cell)]
    }),
    notes: [
      `table ${table.manifest.name}: ${pluralize(table.rows, 'architecture')}; no accuracies to compare with (--table NAME copies some)`,
    ],
  }
}
