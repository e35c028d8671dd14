/** One training of one architecture by a recipe. */
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

/** The splits of a built table: the steps of the last epoch, and the two halves of the test set. */
export const SPLITS = ['train', 'x-valid', 'x-test'] as const
export type Split = (typeof SPLITS)[number]

export interface TrainedArchitecture {
  readonly seed: number
  /** Final accuracies, in %. */
  readonly accuraciesPct: Readonly<Record<Split, number>>
  readonly losses: Readonly<Record<Split, number>>
  /** Over the training steps of each epoch. */
  readonly curves: { readonly trainLoss: readonly number[]; readonly trainAccuracyPct: readonly number[] }
  /** Of processor time, measured; the only part that differs between two trainings of the same seed. */
  readonly seconds: { readonly train: number; readonly valid: number }
}

const bySplits = z.looseObject({ train: z.number(), 'x-valid': z.number(), 'x-test': z.number() })
const numbers = z.array(z.number())

/** What a kept training must look like. */
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
  /** Of the weights and of the order of the images. */
  readonly seed: number
  readonly executor: Executor
  readonly data: Dataset
  /** Told the share of the steps that are done, 0 … 1. */
  readonly onProgress?: (share: number) => void
}

/** @throws BenchError `failed` where a number is not finite, naming architecture, seed and epoch */
export async function trainArchitecture<G extends Genotype>(job: TrainingJob<G>): Promise<TrainedArchitecture> {
  const { space, genotype, recipe, seed, executor, data, onProgress = () => {} } = job
  const images = trainingData(data, { data: recipe.data, batchSize: recipe.batchSize, seed })
  const network = space.network(genotype, { shape: images.shape, ...recipe.network })
  const executable = requireFiniteResults(await executor.compile(network, { batchSize: recipe.batchSize }))
  let share = 0
  try {
    executable.weights.write(initialWeights(network, random(seed, 'weights', 'start')))
    const [epochs, trainSeconds] = await timed(() =>
      train(executable, images.train, recipe.training, (done, total) => {
        share = done / total
        onProgress(share)
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
    const epoch = Math.min(epochs - 1, Math.floor(share * epochs))
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

/** In processor seconds of this process, in which nothing else runs: other work of the machine does not count. */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(started)
  return [result, (user + system) / 1e6]
}
