/**
 * Builds, merges and checks lookup tables. Recipes, datasets and tables are given by the names that the user types on
 * the command line.
 */
import { BenchError } from '../core/errors.ts'
import type { Genotype } from '../core/space.ts'
import { openDataset } from '../data/openDataset.ts'
import { imagesHash } from '../data/testHalves.ts'
import { openSpaces } from '../spaces/index.ts'
import { checkTableName } from '../tables/importTable.ts'
import { joinTables } from '../tables/joinTables.ts'
import type { Manifest } from '../tables/manifest.ts'
import { openTable } from '../tables/openTable.ts'
import { imageSizeOf, type Recipe, recipeOf } from '../tables/recipe.ts'
import { spaceIndex } from '../tables/spaceIndex.ts'
import { userTables } from '../tables/tableFolders.ts'
import {
  type BuildOptions,
  type BuildResult,
  buildTable,
  checkRows,
  mergeTables,
  type Rebuilt,
  sampleRows,
} from './buildTable.ts'
import { readRecipe, recipeFor } from './recipeFile.ts'
import { forkTrainer, type Trainer, type WorkerSetting } from './trainers.ts'

/** The options of `bench tables build` as the command line gives them. */
export interface NamedBuild
  extends Pick<BuildOptions<Genotype>, 'seeds' | 'shard' | 'indices' | 'curves' | 'onProgress' | 'stopped'> {
  /** Name of the table that is built. */
  readonly name: string
  /** Name or path of the recipe file, which contains all settings of the trainings. */
  readonly recipe: string
  /** Name of the search space whose architectures are trained; absent: the one in the recipe. */
  readonly space?: string
  /** Plugins that define the search space: files or packages, as after `--plugin`. */
  readonly plugins?: readonly string[]
  /** Folder of the images to train on; absent: the user's data folder, or the built-in dataset. */
  readonly data?: string
  /**
   * Whether architectures that define the same network share one training, if the recipe allows it. False: each
   * architecture is trained separately, even if the recipe says `share: true`.
   */
  readonly share: boolean
  /** Names or paths of built tables whose rows are copied, so that those architectures are not trained again. */
  readonly from: readonly string[]
  /** Number of worker processes, each of which trains one architecture at a time. */
  readonly jobs: number
  /** Folder that the built table is written to; absent: the folder of the user's tables. */
  readonly folder?: string
  /** Called with messages to the user before the trainings begin, for example while images are decoded. */
  readonly report?: (line: string) => void
}

/**
 * Builds a lookup table by training its architectures in worker processes.
 * @throws BenchError for an error in the recipe, the dataset, the tables or the table's name, before the first training
 */
export async function buildFromFiles(build: NamedBuild): Promise<BuildResult> {
  const { name, folder, data: images, jobs, report, plugins = [] } = build
  if (folder === undefined) await checkTableName(name)
  const file = readRecipe(build.recipe)
  const spaces = await openSpaces(plugins)
  const space = spaces.space(build.space ?? file.space)
  const spacePlugin = spaces.originOf(space)
  const data = await openDataset(file.dataset, { folder: images, ...imageSizeOf(file), ...(report && { report }) })
  for (const note of data.notes ?? []) report?.(note)
  const recipe = recipeFor(
    { ...file, space: space.name, share: file.share && build.share, ...(spacePlugin && { spacePlugin }) },
    imagesHash(data),
  )
  checkSeeds(build.seeds, recipe)
  return buildTable({
    ...build,
    folder: folder ?? userTables(),
    space,
    recipe,
    data,
    from: await Promise.all(build.from.map((table) => openTable(table))),
    trainers: async () => forkTrainers(jobs, { recipe, plugins, data: images }),
  })
}

/**
 * Merges lookup tables that are all built (by `mergeTables`) or all imported (by `joinTables`).
 * @throws BenchError as these two functions; `bad-input` if some tables are built and others imported
 */
export async function mergeByName(
  names: readonly string[],
  { name, folder, data: images, plugins = [] }: Pick<NamedBuild, 'name' | 'folder' | 'data' | 'plugins'>,
): Promise<Manifest> {
  if (folder === undefined) await checkTableName(name)
  const tables = await Promise.all(names.map((table) => openTable(table)))
  const [{ manifest }] = tables
  const built = tables.find((table) => table.manifest.recipe !== undefined)
  const imported = tables.find((table) => table.manifest.recipe === undefined)
  const spaces = await openSpaces(plugins)
  if (built === undefined) {
    const space = spaceIndex(spaces.space(manifest.space))
    return joinTables(names, { name, folder: folder ?? userTables(), space })
  }
  if (imported !== undefined) {
    const found = `${built.manifest.name} was built by a recipe, ${imported.manifest.name} was imported`
    throw new BenchError('bad-input', `table ${found}; only tables of one kind can be merged`)
  }
  const { space, dataset, data } = recipeOf(manifest)
  const { shape } = await openDataset(dataset.name, { folder: images, ...imageSizeOf({ data }) })
  return mergeTables(tables, { name, folder: folder ?? userTables(), space: spaces.space(space), shape })
}

/**
 * Checks a built table: trains the architectures of `count` random rows again, and compares accuracies.
 * @throws BenchError as `checkRows`
 */
export async function checkByName(
  { name, data: images, jobs, plugins = [] }: Pick<NamedBuild, 'name' | 'data' | 'jobs' | 'plugins'>,
  count: number,
  onProgress: (done: number, total: number) => void,
): Promise<Rebuilt[]> {
  const table = await openTable(name)
  const recipe = recipeOf(table.manifest)
  const spaces = await openSpaces(plugins)
  const trainers = forkTrainers(jobs, { recipe, plugins, data: images })
  try {
    return await checkRows(table, spaces.space(recipe.space), sampleRows(table, count), trainers, onProgress)
  } finally {
    for (const trainer of trainers) trainer.close()
  }
}

const forkTrainers = (jobs: number, setting: WorkerSetting): Trainer[] =>
  Array.from({ length: jobs }, () => forkTrainer(setting))

function checkSeeds(wanted: readonly number[] | undefined, { seeds }: Recipe): void {
  const unknown = wanted?.find((seed) => !seeds.includes(seed))
  if (unknown === undefined) return
  throw new BenchError('bad-input', `the recipe has no seed ${unknown}; it has ${seeds.join(', ')}`)
}
