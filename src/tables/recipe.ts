/** How the numbers of a table are made: the whole content of a built table follows from its recipe. */
import { createHash } from 'node:crypto'
import type { ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import type { Protocol } from '../core/protocol.ts'
import type { ImageSize } from '../data/files/fileDatasets.ts'
import type { DeterministicBackend, ExecutorOptions } from '../engine/index.ts'
import type { TrainingPlan } from '../training/training.ts'

export interface Recipe {
  /** Raised whenever the same settings give other numbers. */
  readonly version: 1
  readonly space: string
  /** Trained on the training set; the two halves of the test set are `x-valid` and `x-test`. */
  readonly dataset: { readonly name: string; readonly contentHash: string }
  /** The executor whose arithmetic made the numbers, in its deterministic mode. */
  readonly executor: { readonly backend: DeterministicBackend; readonly executor: 'tfjs' | 'static' }
  /** C and N of the skeleton. */
  readonly network: { readonly channels: number; readonly depth: number }
  readonly batchSize: number
  readonly training: TrainingPlan
  readonly data: Omit<Protocol['data'], 'trainPortion'>
  /** One training serves all architectures that are the same network; else each is trained for itself. */
  readonly share: boolean
  /** One training each, for every architecture. */
  readonly seeds: readonly number[]
}

/** SHA-256 of the recipe, hexadecimal: names what was trained by it. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex')
}

/** What to open for trainings by the recipe: one thread, since there are always more of them than cores. */
export const executorOf = (recipe: Recipe): ExecutorOptions => ({
  ...recipe.executor,
  deterministic: true,
  threads: 1,
})

type Made = { readonly name: string; readonly recipe?: Recipe }

/** @throws BenchError `bad-input` where the table was not built by a recipe */
export function recipeOf({ name, recipe }: Made): Recipe {
  if (recipe !== undefined) return recipe
  throw new BenchError('bad-input', `table ${name} was not built by a recipe, so nothing can be added to it`)
}

/** Whether a training of one seed comes out the same: they may name different seeds. */
export function isSameTraining(a: Recipe, b: Recipe): boolean {
  return recipeHash({ ...a, seeds: [] }) === recipeHash({ ...b, seeds: [] })
}

/** @throws BenchError `bad-input` where the table's trainings were others than the recipe's */
export function checkSameTraining(made: Made, recipe: Recipe): void {
  if (isSameTraining(recipeOf(made), recipe)) return
  throw new BenchError(
    'bad-input',
    `table ${made.name} was built by another recipe: its rows cannot be mixed with these`,
  )
}

/** The size that images of several sizes are scaled to, and how it is set. */
export const imageSizeOf = ({ data: { imageSize } }: Pick<Recipe, 'data'>): ImageSize => ({
  imageSize,
  sizeSetting: 'data.imageSize of the recipe',
})

/** Of the images that the networks see. @param images as the dataset has them */
export function shapeFor({ data: { imageSize } }: Recipe, images: ImageShape): ImageShape {
  return imageSize === null ? images : { ...images, height: imageSize, width: imageSize }
}
