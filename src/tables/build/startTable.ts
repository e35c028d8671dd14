/** A table of a recipe before its first training: all columns, no rows. */
import type { TableContent } from '../content.ts'
import { type Recipe, recipeHash } from './recipe.ts'
import type { Split } from './trainArchitecture.ts'

const SPLITS: readonly Split[] = ['train', 'x-valid', 'x-test']

/** Every column that a training by the recipe fills. */
export function columnsOf({ dataset, training: { epochs }, seeds }: Recipe): readonly string[] {
  const qualifiers = SPLITS.flatMap((split) =>
    [...seeds, 'mean'].map((seed) => `${dataset.name}/${split}/${epochs}/${seed}`),
  )
  return [
    ...qualifiers,
    `train-seconds:${dataset.name}/${epochs}`,
    `eval-seconds:${dataset.name}/x-valid/${epochs}`,
    'params-M',
    'flops-M',
  ]
}

export function emptyTable(name: string, recipe: Recipe): TableContent {
  return {
    index: new Int32Array(),
    arch: [],
    texts: [],
    numbers: columnsOf(recipe).map((column) => ({ name: column, values: new Float64Array() })),
    source: { format: 'built', name, sha256: recipeHash(recipe) },
    notes: notesOf(recipe),
    recipe,
  }
}

/** What a reader must know, from the recipe alone. */
export function notesOf({ dataset, network, batchSize, training, seeds, executor }: Recipe): readonly string[] {
  return [
    `Every number is from a real training on ${dataset.name}, ${training.epochs} epochs, batch ${batchSize}, skeleton C=${network.channels} N=${network.depth}.`,
    'Trained on the whole training set; x-valid and x-test are the two halves of the test set, classes in proportion.',
    'train is the accuracy over the steps of the last epoch, augmentation included.',
    `Seeds ${seeds.join(', ')}; mean is over all of them. Cells that compute the same function share one training.`,
    `Executor ${executor.executor}/${executor.backend}, deterministic; seconds are measured on one core.`,
  ]
}
