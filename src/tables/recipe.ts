/**
 * The recipe of a built table: all settings with which its architectures are trained. Recipe and images together
 * determine every accuracy in the table bit for bit.
 */
import { createHash } from 'node:crypto'
import type { ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import type { Protocol } from '../core/protocol.ts'
import type { ImageSize } from '../data/files/fileDatasets.ts'
import type { DeterministicBackend, ExecutorOptions } from '../engine/index.ts'
import type { TrainingPlan } from '../training/training.ts'

export interface Recipe {
  /** Version of the program's training code; raised whenever the same settings give other results. */
  readonly version: 1
  readonly space: string
  /** Name and content hash of the plugin that defines the search space; absent for a built-in space. */
  readonly spacePlugin?: string
  /**
   * Name and content hash of the image dataset. Networks are trained on its training set; the two halves of its test
   * set become the splits `x-valid` and `x-test`.
   */
  readonly dataset: { readonly name: string; readonly contentHash: string }
  /**
   * Backend and executor that train the networks, in deterministic mode. Their arithmetic affects the last bits of the
   * results.
   */
  readonly executor: { readonly backend: DeterministicBackend; readonly executor: 'tfjs' | 'static' }
  /**
   * Size of the trained networks: `channels` is the number of initial channels (C), `depth` the number of cells per
   * stage (N).
   */
  readonly network: { readonly channels: number; readonly depth: number }
  readonly batchSize: number
  readonly training: TrainingPlan
  readonly data: Omit<Protocol['data'], 'trainPortion'>
  /** Whether architectures that define the same network are trained once; if false, each is trained separately. */
  readonly share: boolean
  /** Training seeds. Every architecture is trained once with each of them. */
  readonly seeds: readonly number[]
}

/** Returns the SHA-256 of a recipe in hexadecimal, which identifies the trainings that follow the recipe. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex')
}

/**
 * Returns the options of the executor that trains one network of a built table. It uses one thread, since several
 * trainings run concurrently.
 */
export const executorOf = (recipe: Recipe): ExecutorOptions => ({
  ...recipe.executor,
  deterministic: true,
  threads: 1,
})

type BuiltTable = { readonly name: string; readonly recipe?: Recipe }

/** Returns the recipe of a built table. @throws BenchError `bad-input` if the table was imported */
export function recipeOf({ name, recipe }: BuiltTable): Recipe {
  if (recipe !== undefined) return recipe
  throw new BenchError('bad-input', `table ${name} was not built by a recipe, so nothing can be added to it`)
}

/**
 * Returns whether two recipes give the same training result for the same seed. The recipes may list different seeds.
 */
export function isSameTraining(a: Recipe, b: Recipe): boolean {
  return recipeHash({ ...a, seeds: [] }) === recipeHash({ ...b, seeds: [] })
}

/** Checks that a table was built by this recipe; only the list of seeds may differ. @throws BenchError `bad-input` */
export function checkSameTraining(table: BuiltTable, recipe: Recipe): void {
  if (isSameTraining(recipeOf(table), recipe)) return
  throw new BenchError(
    'bad-input',
    `table ${table.name} was built by another recipe: its rows cannot be mixed with these`,
  )
}

/** Returns the size in pixels to which a recipe scales images, and the name of this setting, for messages. */
export const imageSizeOf = ({ data: { imageSize } }: Pick<Recipe, 'data'>): ImageSize => ({
  imageSize,
  sizeSetting: 'data.imageSize of the recipe',
})

/**
 * Returns the shape of the images that the recipe's networks are trained on, after scaling.
 * @param images shape of the dataset's images before scaling
 */
export function shapeFor({ data: { imageSize } }: Recipe, images: ImageShape): ImageShape {
  return imageSize === null ? images : { ...images, height: imageSize, width: imageSize }
}
