/** Building, merging and checking tables by the names of recipes, datasets and tables, in worker processes. */
import { BenchError } from '../core/errors.ts'
import type { Genotype } from '../core/space.ts'
import { openDataset } from '../data/openDataset.ts'
import { imagesHash } from '../data/testHalves.ts'
import { builtinSpace } from '../spaces/index.ts'
import { checkTableName } from '../tables/importTable.ts'
import { joinTables } from '../tables/joinTables.ts'
import type { Manifest } from '../tables/manifest.ts'
import { openTable } from '../tables/openTable.ts'
import { imageSizeOf, type Recipe, recipeOf } from '../tables/recipe.ts'
import { spaceIndex } from '../tables/spaceIndex.ts'
import { userTables } from '../tables/tableFolders.ts'
import { type BuildOptions, type BuildResult, buildTable, mergeTables } from './buildTable.ts'
import { checkRows, type Rebuilt, sampleRows } from './checkTable.ts'
import { readRecipe, recipeFor } from './recipeFile.ts'
import { forkTrainer, type Trainer } from './trainers.ts'

export interface NamedBuild
  extends Pick<BuildOptions<Genotype>, 'seeds' | 'shard' | 'indices' | 'curves' | 'onProgress' | 'stopped'> {
  /** Of the table. */
  readonly name: string
  /** As given to `readRecipe`. */
  readonly recipe: string
  /** Another space than the recipe's. */
  readonly space?: string
  /** Folder of the images; absent: the user's data folder, or the built-in set. */
  readonly data?: string
  /** False: whatever the recipe says, each architecture is trained for itself. */
  readonly share: boolean
  /** Names or paths of tables whose rows count as done. */
  readonly from: readonly string[]
  /** Worker processes. */
  readonly jobs: number
  /** Where the table is written; absent: the user's tables. */
  readonly folder?: string
  /** Told of what takes time before the trainings: images that are decoded for the first time. */
  readonly report?: (line: string) => void
}

/** @throws BenchError for what is wrong in recipe, dataset, tables or name, before anything is trained */
export async function buildFromFiles(build: NamedBuild): Promise<BuildResult> {
  const { name, folder, data: images, jobs, report } = build
  if (folder === undefined) await checkTableName(name)
  const file = readRecipe(build.recipe)
  const space = builtinSpace(build.space ?? file.space)
  const data = await openDataset(file.dataset, { folder: images, ...imageSizeOf(file), ...(report && { report }) })
  for (const note of data.notes ?? []) report?.(note)
  const recipe = recipeFor({ ...file, space: space.name, share: file.share && build.share }, imagesHash(data))
  checkSeeds(build.seeds, recipe)
  return buildTable({
    ...build,
    folder: folder ?? userTables(),
    space,
    recipe,
    data,
    from: await Promise.all(build.from.map((table) => openTable(table))),
    trainers: async () => forkTrainers(jobs, recipe, images),
  })
}

/**
 * Tables that were built are merged by their recipe, imported ones by their numbers.
 * @throws BenchError as `mergeTables` and `joinTables`
 */
export async function mergeByName(
  names: readonly string[],
  { name, folder, data: images }: Pick<NamedBuild, 'name' | 'folder' | 'data'>,
): Promise<Manifest> {
  if (folder === undefined) await checkTableName(name)
  const tables = await Promise.all(names.map((table) => openTable(table)))
  const [{ manifest }] = tables
  const built = tables.find((table) => table.manifest.recipe !== undefined)
  const imported = tables.find((table) => table.manifest.recipe === undefined)
  if (built === undefined) {
    const space = spaceIndex(builtinSpace(manifest.space))
    return joinTables(names, { name, folder: folder ?? userTables(), space })
  }
  if (imported !== undefined) {
    const found = `${built.manifest.name} was built by a recipe, ${imported.manifest.name} was imported`
    throw new BenchError('bad-input', `table ${found}; only tables of one kind can be merged`)
  }
  const { space, dataset, data } = recipeOf(manifest)
  const { shape } = await openDataset(dataset.name, { folder: images, ...imageSizeOf({ data }) })
  return mergeTables(tables, { name, folder: folder ?? userTables(), space: builtinSpace(space), shape })
}

/** Trains `count` random rows of a table again. @throws BenchError as `checkRows` */
export async function checkByName(
  { name, data: images, jobs }: Pick<NamedBuild, 'name' | 'data' | 'jobs'>,
  count: number,
  onProgress: (done: number, total: number) => void,
): Promise<Rebuilt[]> {
  const table = await openTable(name)
  const recipe = recipeOf(table.manifest)
  const trainers = forkTrainers(jobs, recipe, images)
  try {
    return await checkRows(table, builtinSpace(recipe.space), sampleRows(table, count), trainers, onProgress)
  } finally {
    for (const trainer of trainers) trainer.close()
  }
}

const forkTrainers = (jobs: number, recipe: Recipe, data: string | undefined): Trainer[] =>
  Array.from({ length: jobs }, () => forkTrainer({ recipe, data }))

function checkSeeds(asked: readonly number[] | undefined, { seeds }: Recipe): void {
  const strange = asked?.find((seed) => !seeds.includes(seed))
  if (strange === undefined) return
  throw new BenchError('bad-input', `seed ${strange} is none of the recipe's; it has ${seeds.join(', ')}`)
}
