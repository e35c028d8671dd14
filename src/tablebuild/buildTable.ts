/** Trains what a table lacks and writes it: from nothing, from where an earlier build stopped, or from another table. */
import { join } from 'node:path'
import type { ImageShape } from '../core/data.ts'
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
import { type Sharing, sharing } from './sharing.ts'
import { builtCurves, contentOf, trainingsIn } from './tableTrainings.ts'
import { type Trainer, trainAll } from './trainers.ts'
import { type Shard, shardName, type TrainingRecord, TrainingSet, type TrainingTask, workList } from './trainingSet.ts'

export interface BuildOptions<G extends Genotype> {
  /** Name of the table, and the folder that it is written to; its journals go into `NAME.build` there. */
  readonly name: string
  readonly folder: string
  readonly space: SearchSpace<G>
  readonly recipe: Recipe
  readonly data: Dataset
  /** Of the recipe's; absent: all of them. */
  readonly seeds?: readonly number[]
  readonly shard: Shard
  /** Absent: all architectures. */
  readonly indices?: readonly number[]
  /** Tables by the same recipe whose rows count as done. */
  readonly from: readonly Table[]
  /** As many as trainings shall run at a time; closed at the end. */
  trainers(): Promise<readonly Trainer[]>
  readonly onProgress: (progress: BuildProgress) => void
  /** Write the per-epoch curves of what the journals hold, in a second file. */
  readonly curves: boolean
  /** Asked before each training: true ends the work early. */
  readonly stopped: () => boolean
}

export interface BuildProgress {
  /** Trainings of this shard: all, those done before this build, and those done by it. */
  readonly total: number
  readonly before: number
  readonly done: number
}

export interface BuildResult extends BuildProgress {
  readonly manifest: Manifest
}

/**
 * Every training is kept as soon as it is done. The table holds what there is at the end, of all shards in the folder.
 * @throws BenchError `bad-input` where journals or tables are by another recipe, `failed` where the shard is being built
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

/** The table of the name in the folder, whose journals may be elsewhere: it is added to, never made smaller. */
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
  /** Of the recipe's images, scaled as it says. */
  readonly shape: ImageShape
}

/**
 * @param tables at least one
 * @throws BenchError `bad-input` where their recipes differ, or two of them disagree about a training
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

/** With the seeds of all of them. */
function commonRecipe(tables: readonly Table[]): Recipe {
  const recipes = tables.map(({ manifest }) => recipeOf(manifest))
  const seeds = new Set(recipes.flatMap((recipe) => recipe.seeds))
  return { ...recipes[0], seeds: [...seeds].sort((a, b) => a - b) }
}
