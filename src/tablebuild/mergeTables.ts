/** One table of several that were built by one recipe: shards of different machines, or more seeds. */
import type { ImageShape } from '../core/data.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { Manifest } from '../tables/manifest.ts'
import { checkSameTraining, type Recipe, recipeOf } from '../tables/recipe.ts'
import { spaceIndex } from '../tables/spaceIndex.ts'
import type { Table } from '../tables/table.ts'
import { writeTable } from '../tables/writeTable.ts'
import { sharing } from './sharing.ts'
import { contentOf, trainingsIn } from './tableTrainings.ts'
import { TrainingSet } from './trainingSet.ts'

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
