/** Trains the evaluation network of one architecture, epoch by epoch. */
import type { Batch } from '../core/data.ts'
import type { Executable, ExecutableState, Executor, Feed, Objective, SgdStep, Tally } from '../core/executor.ts'
import { type RandomStream, random } from '../core/random.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import type { TrainingData } from '../data/imagesInMemory.ts'
import type { DartsGenotype } from '../spaces/darts/index.ts'
import { drawPathScales, dropProbability } from '../training/dropPath.ts'
import { requireFiniteResults } from '../training/finite.ts'
import { initialWeights } from '../training/initialise.ts'
import { test } from '../training/training.ts'
import { learningRate } from './learningRate.ts'
import { trainedNetwork } from './network.ts'

/** Metrics of one training epoch: loss, accuracies, learning rate, drop probability. */
export interface TrainingEpoch {
  /** 0-based. */
  readonly epoch: number
  readonly learningRate: number
  readonly dropProbability: number
  /** Mean training loss over the steps: all heads, weighted, with label smoothing if set. */
  readonly trainLoss: number
  /** Top-1 accuracy in the training steps, under augmentation and drop path, in %. */
  readonly trainAccuracyPct: number
  /** Top-1 accuracy on all test images, with running batch-norm statistics, in %. */
  readonly testAccuracyPct: number
  readonly testTop5AccuracyPct: number
}

export interface Training {
  /** Trains one epoch. @param onStep called with the finished fraction of the epoch's steps */
  epoch(index: number, onStep: (share: number) => void): Promise<TrainingEpoch>
  save(): Promise<ExecutableState>
  restore(state: ExecutableState): void
  dispose(): void
}

export interface TrainingRequest {
  readonly executor: Executor
  readonly genotype: DartsGenotype
  readonly settings: RetrainingSettings
  readonly data: TrainingData
  /** Seed of the initial weights, of the images' order and augmentation, and of dropped paths. */
  readonly seed: number
}

/**
 * Prepares a training at epoch 0. An epoch throws NotFiniteError at the first number that is not finite.
 * @throws BenchError `bad-input` if the images are too small for the network
 */
export async function openTraining(request: TrainingRequest): Promise<Training> {
  const { executor, genotype, settings, data, seed } = request
  const network = trainedNetwork(genotype, settings, data.shape)
  const executable = requireFiniteResults(await executor.compile(network, { batchSize: settings.batchSize }))
  executable.weights.write(initialWeights(network, random(seed, 'weights', 'start')))
  return {
    async epoch(index, onStep) {
      const rates = {
        learningRate: learningRate(index, settings),
        dropProbability: dropProbability(index, settings.epochs, settings.dropPath),
      }
      const trained = await trainEpoch(executable, request, index, rates, onStep)
      const tested = await test(executable, data.test())
      return {
        epoch: index,
        ...rates,
        trainLoss: trained.loss,
        trainAccuracyPct: percent(trained.correct, trained),
        testAccuracyPct: percent(tested.correct, tested),
        testTop5AccuracyPct: percent(tested.correct5, tested),
      }
    },
    save: () => executable.save(),
    restore: (state) => executable.restore(state),
    dispose: () => executable.dispose(),
  }
}

async function trainEpoch(
  executable: Executable,
  { data, settings: { labelSmoothing, weights }, seed }: TrainingRequest,
  epoch: number,
  rates: Pick<TrainingEpoch, 'learningRate' | 'dropProbability'>,
  onStep: (share: number) => void,
): Promise<Tally> {
  const objective: Objective = { kind: 'cross-entropy', ...(labelSmoothing > 0 && { labelSmoothing }) }
  const sgd: SgdStep = { ...weights, learningRate: rates.learningRate }
  const steps = data.train.batchesPerEpoch
  for (let i = 0; i < steps; i++) {
    const step = epoch * steps + i
    const feed = feedOf(
      executable,
      await data.train.batch(step),
      rates.dropProbability,
      random(seed, 'drop path', step),
    )
    await executable.step(feed, objective, sgd)
    onStep((i + 1) / steps)
    await breathe()
  }
  return executable.takeTally()
}

/**
 * Returns the feed of a batch with its dropped paths. Each step has a stream of its own, so a resumed training drops
 * the same.
 */
function feedOf({ network }: Executable, batch: Batch, probability: number, stream: RandomStream): Feed {
  if (probability === 0) return { batch }
  return { batch, pathScales: drawPathScales(network.pathCount, batch.size, probability, stream) }
}

const percent = (count: number, { samples }: Tally): number => (100 * count) / samples

/** Lets the event loop handle messages between steps, such as the loss of the parent process. */
const breathe = () => new Promise((resolve) => setImmediate(resolve))
