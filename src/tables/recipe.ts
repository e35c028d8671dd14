/**
 * The recipe of a built table: all settings of its trainings. Recipe and images determine every accuracy bit for bit.
 */
import { createHash } from 'node:crypto'
import type { ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import type { Protocol } from '../core/protocol.ts'
import type { ImageSize } from '../data/files/fileDatasets.ts'
import type { DeterministicBackend, ExecutorOptions } from '../engine/index.ts'
import type { TrainingPlan } from '../training/training.ts'

export interface Recipe {
  /** Version of the trainings, raised whenever the same settings give other numbers. */
  readonly version: 1
  readonly space: string
  /** Name and content hash of the plugin that brings the space; absent for a built-in space. */
  readonly spacePlugin?: string
  /** The images. Networks train on the training set; the two halves of the test set are `x-valid` and `x-test`. */
  readonly dataset: { readonly name: string; readonly contentHash: string }
  /** The executor, in deterministic mode, whose arithmetic decides the bits. */
  readonly executor: { readonly backend: DeterministicBackend; readonly executor: 'tfjs' | 'static' }
  /** C (initial channels) and N (cells per stage) of the skeleton. */
  readonly network: { readonly channels: number; readonly depth: number }
  readonly batchSize: number
  readonly training: TrainingPlan
  readonly data: Omit<Protocol['data'], 'trainPortion'>
  /** Whether architectures that are the same network share a training; else each is trained separately. */
  readonly share: boolean
  /** Training seeds. Every architecture has one training for each. */
  readonly seeds: readonly number[]
}

/** Returns the SHA-256 of a recipe, hexadecimal, which identifies its trainings. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex')
}

/** Returns the options of the executor for a training. It uses one thread, since several trainings run concurrently. */
export const executorOf = (recipe: Recipe): ExecutorOptions => ({
  ...recipe.executor,
  deterministic: true,
  threads: 1,
})

type BuiltTable = { readonly name: string; readonly recipe?: Recipe }

/** Returns the recipe of a table. @throws BenchError `bad-input` if the table was not built by a recipe */
export function recipeOf({ name, recipe }: BuiltTable): Recipe {
  if (recipe !== undefined) return recipe
  throw new BenchError('bad-input', `table ${name} was not built by a recipe, so nothing can be added to it`)
}

/** Tells whether two recipes give the same result for the same seed. They may list different seeds. */
export function isSameTraining(a: Recipe, b: Recipe): boolean {
  return recipeHash({ ...a, seeds: [] }) === recipeHash({ ...b, seeds: [] })
}

/** Checks that a table was built by this recipe, up to the list of seeds. @throws BenchError `bad-input` */
export function checkSameTraining(table: BuiltTable, recipe: Recipe): void {
  if (isSameTraining(recipeOf(table), recipe)) return
  throw new BenchError(
    'bad-input',
    `table ${table.name} was built by another recipe: its rows cannot be mixed with these`,
  )
}

/** Returns the size that images are scaled to, and the name of its setting for messages. */
export const imageSizeOf = ({ data: { imageSize } }: Pick<Recipe, 'data'>): ImageSize => ({
  imageSize,
  sizeSetting: 'data.imageSize of the recipe',
})

/** Returns the shape of the network's input. @param images shape of the dataset's images before scaling */
export function shapeFor({ data: { imageSize } }: Recipe, images: ImageShape): ImageShape {
  return imageSize === null ? images : { ...images, height: imageSize, width: imageSize }
}
