/**
 * How well our training-free scores agree with published ones (a CSV file with the columns `net_str`, `params`, `nwot`, …, as the
 * 9,445 networks of NASLib's zero-cost benchmarks), and both with the accuracies of NAS-Bench-201.
 *
 *     bench tables import …/nb201.csv.gz --as nb201
 *     npx jiti benchmarks/scores/published.ts FILE.csv.gz --draw 1000 > networks.txt
 *     bench score --architectures networks.txt --as published --table nb201 --dataset cifar10 \
 *       --score l2-norm,synflow --seeds 3
 *     bench score --architectures networks.txt --as published --table nb201 --dataset cifar10 \
 *       --score naswot,snip,grad-norm --batch 16
 *     bench score --architectures networks-100.txt --as published-rest --table nb201 --dataset cifar10 \
 *       --score zen,jacov,fisher,grasp,plain --batch 16
 *     npx jiti benchmarks/scores/published.ts FILE.csv.gz --table published
 *
 * A larger draw contains the smaller ones. Networks that are not scored yet are left out, so that each score has its own n.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { rankCorrelationIntervals, spearman } from '../../src/analysis/statistics/rankCorrelation.ts'
import { random } from '../../src/core/random.ts'
import { openTable } from '../../src/tables/openTable.ts'
import type { Table } from '../../src/tables/table.ts'

/** Our names of the published columns that are not called alike. */
const NAMES: Readonly<Record<string, string>> = { 'grad-norm': 'grad_norm', 'l2-norm': 'l2_norm', naswot: 'nwot' }
/** Accuracies that scores are compared with: networks trained on all of CIFAR-10, and on half of it. */
const FULL = 'cifar10/ori-test/200/mean'
const HALF = 'cifar10-valid/ori-test/200/888'

type Row = Readonly<Record<string, string>>

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { draw: { type: 'string' }, table: { type: 'string' }, accuracies: { type: 'string', default: 'nb201' } },
})
const [path] = positionals
const bytes = readFileSync(path)
const published: Row[] = parse(path.endsWith('.gz') ? gunzipSync(bytes) : bytes, { columns: true })

if (flags.draw !== undefined) {
  const order = random(0, 'benchmark', 'published-scores').permutation(published.length)
  for (const at of order.slice(0, Number(flags.draw))) console.log(published[at].net_str)
}
if (flags.table !== undefined) compare(await openTable(flags.table), await openTable(flags.accuracies))

function compare(table: Table, accuracies: Table): void {
  const names = table.manifest.columns.map(({ name }) => name).filter((name) => /^[\w-]+:.*\/C\d+-N\d+-/.test(name))
  const titleOf = (name: string) => name.replace(/\/(\d+|mean)$/, '')
  const row = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)
  row([
    'score',
    'n',
    'a seed with the published score',
    'mean of the seeds',
    '95 %',
    'between seeds',
    'with accuracy',
    '95 %',
    'published score with accuracy',
    '95 %',
  ])
  row(['--', ...Array.from({ length: 9 }, () => '--:')])
  for (const title of new Set(names.map(titleOf))) {
    const columns = names.filter((name) => titleOf(name) === title)
    const [score] = title.split(':')
    const theirs = NAMES[score] ?? score
    if (!(theirs in published[0])) continue
    const mean = columns.find((name) => name.endsWith('/mean'))
    const seeds = columns.filter((name) => name !== mean)
    const rows = published.filter(({ net_str }) => seeds.every((name) => !Number.isNaN(at(table, name, net_str))))
    const of = (name: string, from = table) => rows.map(({ net_str }) => at(from, name, net_str))
    const other = rows.map((each) => Number(each[theirs]))
    const pairs = seeds.flatMap((a, i) => seeds.slice(i + 1).map((b) => spearman(of(a), of(b)) ?? Number.NaN))
    const ours = of(mean ?? seeds[0])
    const accuracy = of(FULL, accuracies)
    const interval = (x: readonly number[], y: readonly number[]) => {
      const { spearmanInterval } = rankCorrelationIntervals(x, y, random(0, 'benchmark', 'bootstrap', title))
      return spearmanInterval === undefined ? '' : `${three(spearmanInterval.low)}–${three(spearmanInterval.high)}`
    }
    row([
      `\`${title}\``,
      String(rows.length),
      range(seeds.map((name) => spearman(of(name), other) ?? Number.NaN)),
      mean === undefined ? '' : three(spearman(ours, other)),
      interval(ours, other),
      range(pairs),
      three(spearman(ours, accuracy)),
      interval(ours, accuracy),
      three(spearman(other, accuracy)),
      interval(other, accuracy),
    ])
  }
  console.log(
    `\nThe published scores of all ${published.length} networks with the accuracies of ${FULL} and of ${HALF}:\n`,
  )
  row(['score', FULL, HALF])
  row(['--', '--:', '--:'])
  for (const name of Object.keys(published[0]).filter((column) => !column.startsWith('net'))) {
    const values = published.map((each) => Number(each[name]))
    const with_ = (accuracy: string) =>
      three(
        spearman(
          values,
          published.map((p) => at(accuracies, accuracy, p.net_str)),
        ),
      )
    row([name, with_(FULL), with_(HALF)])
  }
}

/** Returns an architecture's number in a column of a table; NaN if it has none. */
function at(table: Table, column: string, architecture: string): number {
  const index = table.find(architecture)
  const row = index === undefined ? undefined : table.row(index)
  return (row === undefined ? undefined : table.column(column).at(row)) ?? Number.NaN
}

function range(values: readonly number[]): string {
  const texts = [Math.min(...values), Math.max(...values)].map(three)
  return values.length === 0 ? '' : [...new Set(texts)].join('–')
}

function three(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(3)
}
