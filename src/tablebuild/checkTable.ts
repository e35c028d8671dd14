/** Checks a built table: trains some of its rows again by its recipe and compares every accuracy bit for bit. */
import { random } from '../core/random.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { recipeOf } from '../tables/recipe.ts'
import type { Table } from '../tables/table.ts'
import { sharing } from './sharing.ts'
import { trainingsOf } from './tableTrainings.ts'
import { type Trainer, trainAll } from './trainers.ts'
import { type TableTraining, TrainingSet } from './trainingSet.ts'

/** One training that was repeated. */
export interface Rebuilt {
  readonly index: number
  readonly seed: number
  /** The accuracies in the table (`stored`) and of the repeated training (`found`), in %. */
  readonly stored: TableTraining['accuraciesPct']
  readonly found: TableTraining['accuraciesPct']
  readonly equal: boolean
}

/** Draws the indices of `count` different random rows, or of all rows if there are fewer. */
export function sampleRows(table: Table, count: number, seed = 0): number[] {
  const indices = [...table.indices()]
  return Array.from(random(seed, 'table', 'check').permutation(indices.length).slice(0, count), (row) => indices[row])
}

/**
 * Repeats every training of these rows, one for each seed.
 * @throws BenchError `bad-input` if the table was not built by a recipe
 */
export async function checkRows<G extends Genotype>(
  table: Table,
  space: SearchSpace<G>,
  indices: readonly number[],
  trainers: readonly Trainer[],
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Rebuilt[]> {
  const recipe = recipeOf(table.manifest)
  const { servedBy } = sharing(space, recipe)
  const stored = indices.flatMap((index) => trainingsOf(table, recipe, index).map((training) => ({ index, training })))
  const tasks = stored.map(({ index, training: { seed } }) => ({ index: servedBy(index), seed }))
  const found = new TrainingSet()
  let done = 0
  await trainAll(
    tasks,
    trainers,
    () => false,
    (record) => {
      found.add(record)
      onProgress(++done, tasks.length)
    },
  )
  return stored.map(({ index, training: { seed, accuraciesPct } }) => {
    const [again] = found.of(servedBy(index)).filter((training) => training.seed === seed)
    const equal = JSON.stringify(again.accuraciesPct) === JSON.stringify(accuraciesPct)
    return { index, seed, stored: accuraciesPct, found: again.accuraciesPct, equal }
  })
}
