/** Trains one architecture with one training seed by the recipe of a built table, and measures its accuracies. */
import { z } from 'zod'
import type { Executor, Tally } from '../core/executor.ts'
import { withEpoch } from '../core/numbers.ts'
import { random } from '../core/random.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { Dataset } from '../data/dataset.ts'
import { trainingData } from '../data/imagesInMemory.ts'
import { testHalvesOf } from '../data/testHalves.ts'
import type { Recipe } from '../tables/recipe.ts'
import { requireFiniteResults } from '../training/finite.ts'
import { initialWeights } from '../training/initialise.ts'
import { test, train } from '../training/training.ts'

/**
 * The accuracies in a built table: `train` is measured over the steps of the last epoch, `x-valid` and `x-test` on the
 * two halves of the dataset's test set.
 */
export const SPLITS = ['train', 'x-valid', 'x-test'] as const
export type Split = (typeof SPLITS)[number]

/** The result of one training of an architecture for a built table. */
export interface TrainedArchitecture {
  readonly seed: number
  /** Accuracies in % after the last epoch, by split. */
  readonly accuraciesPct: Readonly<Record<Split, number>>
  readonly losses: Readonly<Record<Split, number>>
  /** Training curves: mean loss and mean accuracy over the training steps of each epoch. */
  readonly curves: { readonly trainLoss: readonly number[]; readonly trainAccuracyPct: readonly number[] }
  /**
   * CPU seconds of the training (`train`) and of one validation pass (`valid`). Only these differ if the training is
   * repeated.
   */
  readonly seconds: { readonly train: number; readonly valid: number }
}

const bySplits = z.looseObject({ train: z.number(), 'x-valid': z.number(), 'x-test': z.number() })
const numbers = z.array(z.number())

/** Schema that checks the result of a training that is read from a file. */
export const trainedArchitecture: z.ZodType<TrainedArchitecture> = z.looseObject({
  seed: z.int().min(0),
  accuraciesPct: bySplits,
  losses: bySplits,
  curves: z.looseObject({ trainLoss: numbers, trainAccuracyPct: numbers }),
  seconds: z.looseObject({ train: z.number(), valid: z.number() }),
})

export interface TrainingJob<G extends Genotype> {
  readonly space: SearchSpace<G>
  readonly genotype: G
  readonly recipe: Recipe
  /** Training seed, from which the initial weights and the order of the images are derived. */
  readonly seed: number
  readonly executor: Executor
  readonly data: Dataset
  /** Called with the finished fraction of this training's steps, 0 to 1. */
  readonly onProgress?: (fraction: number) => void
}

/**
 * Trains one architecture and returns its accuracies, curves and seconds.
 * @throws BenchError `failed` that names architecture, seed and epoch if a number is not finite
 */
export async function trainArchitecture<G extends Genotype>(job: TrainingJob<G>): Promise<TrainedArchitecture> {
  const { space, genotype, recipe, seed, executor, data, onProgress = () => {} } = job
  const images = trainingData(data, { data: recipe.data, batchSize: recipe.batchSize, seed })
  const network = space.network(genotype, { shape: images.shape, ...recipe.network })
  const executable = requireFiniteResults(await executor.compile(network, { batchSize: recipe.batchSize }))
  let fraction = 0
  try {
    executable.weights.write(initialWeights(network, random(seed, 'weights', 'start')))
    const [epochs, trainSeconds] = await timed(() =>
      train(executable, images.train, recipe.training, (done, total) => {
        fraction = done / total
        onProgress(fraction)
      }),
    )
    const halves = testHalvesOf(data)
    const [valid, validSeconds] = await timed(() => test(executable, images.test(halves.xValid)))
    const tallies = {
      train: epochs[epochs.length - 1],
      'x-valid': valid,
      'x-test': await test(executable, images.test(halves.xTest)),
    }
    return {
      seed,
      accuraciesPct: bySplit(tallies, accuracyPct),
      losses: bySplit(tallies, (tally) => tally.loss),
      curves: { trainLoss: epochs.map((tally) => tally.loss), trainAccuracyPct: epochs.map(accuracyPct) },
      seconds: { train: trainSeconds, valid: validSeconds },
    }
  } catch (error) {
    const { epochs } = recipe.training
    const epoch = Math.min(epochs - 1, Math.floor(fraction * epochs))
    throw withEpoch(error, epoch, epochs, `seed ${seed} of ${space.format(genotype)}`)
  } finally {
    executable.dispose()
  }
}

const accuracyPct = ({ correct, samples }: Tally): number => (100 * correct) / samples

const bySplit = (tallies: Readonly<Record<Split, Tally>>, of: (tally: Tally) => number): Record<Split, number> => ({
  train: of(tallies.train),
  'x-valid': of(tallies['x-valid']),
  'x-test': of(tallies['x-test']),
})

/**
 * Calls `work` and returns its result and the CPU seconds that this process used for it, which other processes on the
 * machine do not affect.
 */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(started)
  return [result, (user + system) / 1e6]
}
