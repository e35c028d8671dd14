/**
 * Builds a lookup table: trains the architectures that it lacks, resuming an interrupted build, and writes the table.
 * Also merges built tables, and checks a table by repeating some of its trainings.
 */
import { join } from 'node:path'
import type { ImageShape } from '../core/data.ts'
import { random } from '../core/random.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { Dataset } from '../data/dataset.ts'
import { isThere } from '../system/readable.ts'
import type { Manifest } from '../tables/manifest.ts'
import { openTable } from '../tables/openTable.ts'
import { checkSameTraining, type Recipe, recipeOf, shapeFor } from '../tables/recipe.ts'
import { spaceIndex } from '../tables/spaceIndex.ts'
import type { Table } from '../tables/table.ts'
import { writeCurves } from '../tables/writeCurves.ts'
import { writeTable } from '../tables/writeTable.ts'
import { Journal, readJournals } from './journal.ts'
import { builtCurves, contentOf, trainingsIn, trainingsOf } from './tableTrainings.ts'
import { type Trainer, trainAll } from './trainers.ts'
import {
  type Shard,
  type Sharing,
  shardName,
  sharing,
  type TableTraining,
  type TrainingRecord,
  TrainingSet,
  type TrainingTask,
  workList,
} from './trainingSet.ts'

export interface BuildOptions<G extends Genotype> {
  /** Name of the built table. It is written to `folder`, and the journals of its trainings to `NAME.build` in it. */
  readonly name: string
  readonly folder: string
  readonly space: SearchSpace<G>
  readonly recipe: Recipe
  readonly data: Dataset
  /** Training seeds of this build, among those of the recipe; absent: all. */
  readonly seeds?: readonly number[]
  /** The part of all trainings, such as part 2 of 4, that this build does. */
  readonly shard: Shard
  /** Indices of the architectures that this build trains; absent: all. */
  readonly indices?: readonly number[]
  /** Tables that were built by the same recipe. Their architectures are not trained again. */
  readonly from: readonly Table[]
  /** Opens the trainers, each of which runs one training at a time. They are closed at the end of the build. */
  trainers(): Promise<readonly Trainer[]>
  readonly onProgress: (progress: BuildProgress) => void
  /** Whether the training curves (values per epoch) are written to a second file. */
  readonly curves: boolean
  /** Called before each training; if it returns true, the build ends early. */
  readonly stopped: () => boolean
}

export interface BuildProgress {
  /**
   * Number of trainings in the build's shard. `before`: those finished before this build; `done`: those finished by it.
   */
  readonly total: number
  readonly before: number
  readonly done: number
}

export interface BuildResult extends BuildProgress {
  readonly manifest: Manifest
}

/**
 * Builds a lookup table. Every training is written to the journal as soon as it is finished. The table contains the
 * trainings of all shards that have a journal in the folder.
 * @throws BenchError `bad-input` if journals or tables are from another recipe, `failed` if another process is building
 * the same shard
 */
export async function buildTable<G extends Genotype>(options: BuildOptions<G>): Promise<BuildResult> {
  const { name, folder, space, recipe, data, shard } = options
  const shared = sharing(space, recipe)
  const tasks = workList({ ...options, sharing: shared, seeds: options.seeds ?? recipe.seeds })
  const tables = [...(await tableThere(folder, name)), ...options.from]
  for (const table of tables) checkSameTraining(table.manifest, recipe)
  const journals = join(folder, `${name}.build`)
  const journal = await Journal.open(journals, shardName(shard), recipe)
  const trainings = () => trainingsOfAll(readJournals(journals, recipe), tables, recipe, shared)
  try {
    const progress = await trainMissing(tasks, trainings(), journal, options)
    const content = contentOf({ space, sharing: shared, recipe, shape: shapeFor(recipe, data.shape) }, trainings())
    const curves = options.curves ? builtCurves(readJournals(journals, recipe), recipe, shared) : []
    const written = await writeCurves(folder, name, curves)
    return { ...progress, manifest: writeTable(folder, name, spaceIndex(space), content, written) }
  } finally {
    journal.close()
  }
}

/**
 * Opens the table of the same name that an earlier build wrote; returns an empty list if there is none. Its rows are
 * kept even if the journals of their trainings are not in this folder.
 */
async function tableThere(folder: string, name: string): Promise<Table[]> {
  const manifest = join(folder, `${name}.manifest.json`)
  return isThere(manifest) ? [await openTable(manifest)] : []
}

function trainingsOfAll(
  records: readonly TrainingRecord[],
  tables: readonly Table[],
  recipe: Recipe,
  shared: Sharing,
): TrainingSet {
  const trainings = new TrainingSet()
  for (const record of records) trainings.add(record)
  for (const table of tables) for (const record of trainingsIn(table, recipe, shared)) trainings.add(record)
  return trainings
}

async function trainMissing<G extends Genotype>(
  tasks: readonly TrainingTask[],
  known: TrainingSet,
  journal: Journal,
  { trainers, onProgress, stopped }: BuildOptions<G>,
): Promise<BuildProgress> {
  const missing = tasks.filter((task) => !known.has(task))
  const before = tasks.length - missing.length
  let done = 0
  const report = () => onProgress({ total: tasks.length, before, done })
  report()
  const open = missing.length === 0 || stopped() ? [] : await trainers()
  try {
    await trainAll(missing, open, stopped, (record) => {
      journal.append(record)
      done++
      report()
    })
  } finally {
    for (const trainer of open) trainer.close()
  }
  return { total: tasks.length, before, done }
}

export interface MergeOptions<G extends Genotype> {
  readonly name: string
  readonly folder: string
  readonly space: SearchSpace<G>
  /** Shape of the training images, after scaling by the recipe. */
  readonly shape: ImageShape
}

/**
 * Merges lookup tables that were built by one recipe, such as shards from several machines or tables with different
 * training seeds.
 * @param tables at least one
 * @throws BenchError `bad-input` if their recipes differ, or two tables have different accuracies for the same training
 */
export function mergeTables<G extends Genotype>(tables: readonly Table[], options: MergeOptions<G>): Manifest {
  const { name, folder, space, shape } = options
  const recipe = commonRecipe(tables)
  const shared = sharing(space, recipe)
  const trainings = new TrainingSet()
  for (const table of tables) {
    checkSameTraining(table.manifest, recipe)
    for (const record of trainingsIn(table, recipe, shared)) trainings.add(record)
  }
  return writeTable(folder, name, spaceIndex(space), contentOf({ space, sharing: shared, recipe, shape }, trainings))
}

/** Returns the common recipe of the tables, with the training seeds of all of them. */
function commonRecipe(tables: readonly Table[]): Recipe {
  const recipes = tables.map(({ manifest }) => recipeOf(manifest))
  const seeds = new Set(recipes.flatMap((recipe) => recipe.seeds))
  return { ...recipes[0], seeds: [...seeds].sort((a, b) => a - b) }
}

/** One training of a built table that was repeated to check it. */
export interface Rebuilt {
  readonly index: number
  readonly seed: number
  /** Accuracies in %: those in the table (`stored`) and those of the repeated training (`found`). */
  readonly stored: TableTraining['accuraciesPct']
  readonly found: TableTraining['accuraciesPct']
  readonly equal: boolean
}

/** Returns the architecture indices of `count` different random rows of a table, or of all rows if there are fewer. */
export function sampleRows(table: Table, count: number, seed = 0): number[] {
  const indices = [...table.indices()]
  return Array.from(random(seed, 'table', 'check').permutation(indices.length).slice(0, count), (row) => indices[row])
}

/**
 * Repeats the trainings of these architectures, one for each training seed, and returns stored and new accuracies.
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
