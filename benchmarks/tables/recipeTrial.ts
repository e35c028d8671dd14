/**
 * What a recipe is worth, before a table is built by it: random cells trained by it, and how their ranking agrees with
 * NAS-Bench-201's own test accuracies and between seeds.
 *
 *     bench tables import …/nb201.csv.gz --as nb201
 *     npx jiti benchmarks/tables/recipeTrial.ts micro|RECIPE.yaml [CELLS] [SEEDS]
 */
import { kendall, spearman } from '../../src/analysis/statistics/rankCorrelation.ts'
import { random } from '../../src/core/random.ts'
import { openDataset } from '../../src/data/openDataset.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { readRecipe, recipeFor } from '../../src/tablebuild/recipeFile.ts'
import { openTrainer } from '../../src/tablebuild/trainers.ts'
import { openTable } from '../../src/tables/openTable.ts'

const ALL_SKIP = 1835
const REFERENCE = { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 'mean' } as const

const [name = 'micro', cells = '32', seeds = '1'] = process.argv.slice(2)
const file = readRecipe(name)
const data = await openDataset(file.dataset)
const recipe = recipeFor(file, data.contentHash)
const reference = await openTable('nb201')
const indices = random(5, 'explore').permutation(15_625).slice(0, Number(cells))
const trainer = await openTrainer({ space: nb201, recipe, data })
// Draws the images, so that the first training does not pay for it.
await trainer.train({ index: ALL_SKIP, seed: recipe.seeds[0] })

interface Trial {
  /** Mean of the two halves of the test set. */
  readonly pct: number
  /** Of processor time. */
  readonly seconds: number
}

/** One training for each seed, one after the other, so that each is timed alone. */
async function trial(index: number): Promise<Trial[]> {
  const trials: Trial[] = []
  for (const seed of recipe.seeds.slice(0, Number(seeds))) {
    const start = process.cpuUsage()
    const { accuraciesPct } = await trainer.train({ index, seed })
    const { user, system } = process.cpuUsage(start)
    trials.push({ pct: (accuraciesPct['x-valid'] + accuraciesPct['x-test']) / 2, seconds: (user + system) / 1e6 })
  }
  return trials
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const runs: Trial[][] = []
for (const index of indices) runs.push(await trial(index))
const meanPct = (trials: readonly Trial[]) => mean(trials.map(({ pct }) => pct))
const means = runs.map(meanPct)
const real = Array.from(indices, (index) => reference.value(index, REFERENCE) ?? Number.NaN)
const sorted = means.toSorted((a, b) => a - b)
const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1)
const skip = meanPct(await trial(ALL_SKIP))

console.log(`${name}: ${cells} random cells, ${runs[0].length} seeds`)
console.log(`processor seconds a training  ${mean(runs.flat().map(({ seconds }) => seconds)).toFixed(2)}`)
console.log(`accuracy %: lowest, quartiles, highest  ${[0, 0.25, 0.5, 0.75, 1].map(quantile).join('  ')}`)
console.log(`the cell of skip connections alone  ${skip.toFixed(1)}`)
console.log(`with CIFAR-10: Spearman ${spearman(means, real)?.toFixed(2)}, Kendall ${kendall(means, real)?.toFixed(2)}`)
if (runs[0].length > 1) {
  const [first, second] = [0, 1].map((seed) => runs.map((trials) => trials[seed].pct))
  console.log(`between two seeds: Spearman ${spearman(first, second)?.toFixed(2)}`)
}
trainer.close()
