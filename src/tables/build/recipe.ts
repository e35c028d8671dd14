/** How the numbers of a table are made: the whole content of a built table follows from its recipe. */
import { createHash } from 'node:crypto'
import type { Protocol } from '../../core/protocol.ts'
import type { ExecutorOptions } from '../../engine/executors.ts'
import type { TrainingPlan } from '../../engine/training.ts'

export interface Recipe {
  /** Raised whenever the same settings give other numbers. */
  readonly version: 1
  readonly space: string
  /** Trained on the training set; the two halves of the test set are `x-valid` and `x-test`. */
  readonly dataset: { readonly name: string; readonly contentHash: string }
  /** The executor whose arithmetic made the numbers, in its deterministic mode. */
  readonly executor: { readonly backend: 'wasm' | 'cpu'; readonly executor: 'tfjs' | 'static' }
  /** C and N of the skeleton. */
  readonly network: { readonly channels: number; readonly depth: number }
  readonly batchSize: number
  readonly training: TrainingPlan
  readonly data: Omit<Protocol['data'], 'trainPortion'>
  /** One training each, for every architecture. */
  readonly seeds: readonly number[]
}

/** SHA-256 of the recipe, hexadecimal: names what was trained by it. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex')
}

/** What to open for trainings by the recipe. */
export const executorOf = (recipe: Recipe): ExecutorOptions => ({ ...recipe.executor, deterministic: true })
