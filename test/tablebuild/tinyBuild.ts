/** The smallest build that is a real one: a few drawn images, one epoch, two seeds. */

import { SHAPES, type ShapesOptions, shapes } from '../../src/data/shapes.ts'
import type { Nb201Genotype } from '../../src/spaces/nb201/genotype.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { type BuildOptions, buildTable } from '../../src/tablebuild/buildTable.ts'
import { openTrainer, type Trainer } from '../../src/tablebuild/trainers.ts'
import type { Recipe } from '../../src/tables/recipe.ts'

const options: ShapesOptions = { ...SHAPES, size: 8, train: 40, test: 40 }
export const data = shapes(options)

export const recipe: Recipe = {
  version: 1,
  space: 'nb201',
  dataset: { name: 'shapes', contentHash: data.contentHash },
  executor: { backend: 'wasm', executor: 'static' },
  network: { channels: 4, depth: 1 },
  batchSize: 20,
  training: {
    epochs: 1,
    sgd: { momentum: 0.9, nesterov: true, weightDecay: 5e-4, clipNorm: null },
    learningRate: 0.1,
    learningRateMin: 0,
  },
  data: { cropPadding: 0, flip: false, cutout: 0, imageSize: null, limit: null },
  share: true,
  seeds: [777, 888],
}

/** Counts what it trains. */
export async function countingTrainer(): Promise<Trainer & { readonly trained: string[] }> {
  const trainer = await openTrainer({ space: nb201, recipe, data })
  const trained: string[] = []
  return {
    trained,
    train(task) {
      trained.push(`${task.index}/${task.seed}`)
      return trainer.train(task)
    },
    close: () => trainer.close(),
  }
}

type Options = BuildOptions<Nb201Genotype>

/** Builds with a trainer in this process. */
export function build(folder: string, trainer: Trainer, changes: Partial<Options> = {}) {
  return buildTable({
    name: 'tiny',
    folder,
    space: nb201,
    recipe,
    data,
    shard: { number: 1, of: 1 },
    from: [],
    curves: false,
    trainers: async () => [trainer],
    onProgress: () => {},
    stopped: () => false,
    ...changes,
  })
}
