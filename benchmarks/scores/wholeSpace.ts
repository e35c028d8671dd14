/**
 * Writes `reports/nb201-scores.md` and `reports/nb201-scores/scores.csv.gz`: training-free scores of all 15,625 cells of
 * NAS-Bench-201, and how well they rank the benchmark's accuracies, of which none is committed.
 *
 *     bench tables import …/nb201.csv.gz --as nb201
 *     bench score --score l2-norm,synflow --architectures all --as whole-space --dataset cifar10 --table nb201
 *     npx jiti benchmarks/scores/wholeSpace.ts whole-space --minutes 12
 *
 * --minutes is the processor time that the scores took, which `bench score` prints. Columns that lack a cell are left out.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { grouped } from '../../src/core/plainText.ts'
import { renderTable } from '../../src/report/formats/renderTable.ts'
import { scoreColumns, scoreCorrelations, scoreCorrelationTable } from '../../src/report/listings/scoreCorrelations.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { makeFolder, writeAtomically } from '../../src/system/atomicFile.ts'
import { numberingOf } from '../../src/tablebuild/trainingSet.ts'
import { openTable } from '../../src/tables/openTable.ts'

const DATASETS = ['cifar10', 'cifar100', 'ImageNet16-120']
const ACCURACY = 'cifar10/ori-test/200/mean'
const DIGITS = 7
const numbering = numberingOf(nb201)

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' } },
})
const table = await openTable(positionals[0])
const indices = [...table.indices()]
const rows = indices.map((index) => table.row(index) as number)
const read = (name: string) => rows.map((row) => table.column(name).at(row) ?? Number.NaN)
const names = scoreColumns(table).filter((name) => !read(name).includes(Number.NaN))
const reports = fileURLToPath(new URL('../../reports', import.meta.url))
const folder = join(reports, 'nb201-scores')

function quantiles(values: readonly number[]): string[] {
  const sorted = values.toSorted((a, b) => a - b)
  return [0.05, 0.25, 0.5, 0.75, 0.95].map((part) => sorted[Math.floor(part * (sorted.length - 1))].toFixed(2))
}

const shortNumber = (value: number): string =>
  Math.abs(value) < 1000 ? value.toPrecision(5) : grouped(Math.round(value))

/** Accuracies of the cells in each tenth of the space by a score; cells with equal scores are in the order of the table. */
function tenths(name: string): string {
  const [score, accuracy] = [read(name), read(ACCURACY)]
  const order = [...score.keys()].sort((a, b) => score[a] - score[b] || a - b)
  const lines = Array.from({ length: 10 }, (_, tenth) => {
    const members = order.slice(Math.floor((tenth * order.length) / 10), Math.floor(((tenth + 1) * order.length) / 10))
    const [low, high] = [score[members[0]], score[members[members.length - 1]]].map(shortNumber)
    return `| ${tenth + 1} | ${low} … ${high} | ${quantiles(members.map((i) => accuracy[i])).join(' | ')} |`
  })
  return `\`${name}\`:

| tenth | score | 5 % | 25 % | median | 75 % | 95 % |
| --: | :-- | --: | --: | --: | --: | --: |
${lines.join('\n')}`
}

const found = scoreCorrelations(table, names).filter(({ accuracy }) => DATASETS.includes(accuracy.split('/')[0]))
const correlations = { ...scoreCorrelationTable(table, found), notes: [] }
const csv = [
  ['arch', ...names].join(','),
  ...rows.map((row, i) =>
    [
      nb201.format(numbering.at(indices[i])),
      ...names.map((name) => Number(table.column(name).at(row)?.toPrecision(DIGITS))),
    ].join(','),
  ),
]
makeFolder(folder)
writeAtomically(join(folder, 'scores.csv.gz'), gzipSync(`${csv.join('\n')}\n`, { level: 9 }))
writeAtomically(
  `${folder}.md`,
  `# Training-free scores of all cells of NAS-Bench-201

Scores of the ${grouped(rows.length)} untrained networks at full size, by \`bench score\`. They took about ${flags.minutes} minutes of one core (processor time);
cells that are the same network were scored once where a score depends on nothing else. Written by
\`npx jiti benchmarks/scores/wholeSpace.ts\`. The scores are in [nb201-scores/scores.csv.gz](nb201-scores/scores.csv.gz), to
${DIGITS} digits, and become a table by

    bench tables import reports/nb201-scores/scores.csv.gz --as nb201-scores

No accuracy of a single architecture is in this report: those of the benchmark come from \`bench tables fetch nb201\`.

## Rank correlation with the accuracies of the benchmark

After 200 epochs, mean over the benchmark's seeds; 95 % intervals by bootstrap over the cells; the top 10 % by accuracy.

${renderTable(correlations, 'md')}
## CIFAR-10 test accuracy in each tenth of the cells by score

From the lowest scores to the highest, in %, after 200 epochs.

${names.map(tenths).join('\n\n')}
`,
)
