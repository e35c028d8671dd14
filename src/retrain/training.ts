/**
 * Trains the evaluation network of one architecture: builds the network, and runs the epochs with their learning rates,
 * training steps and test accuracies.
 */
import type { Batch, ImageShape } from '../core/data.ts'
import type { Executable, ExecutableState, Executor, Feed, Objective, SgdStep, Tally } from '../core/executor.ts'
import { macCount, type Network, parameterCount } from '../core/network.ts'
import { integerPower } from '../core/numbers.ts'
import { type RandomStream, random } from '../core/random.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import type { EvaluationNetworkOptions, Genotype, SpaceFamily } from '../core/space.ts'
import type { TrainingData } from '../data/imagesInMemory.ts'
import { drawPathScales, dropProbability } from '../training/dropPath.ts'
import { requireFiniteResults } from '../training/finite.ts'
import { initialWeights } from '../training/initialise.ts'
import { cosine, linear, warmUp } from '../training/schedule.ts'
import { feeds, test } from '../training/training.ts'
import { parseHead } from './settings.ts'

/** Metrics of one training epoch: loss, accuracies, learning rate, drop-path probability. */
export interface TrainingEpoch {
  /** Number of the epoch, from 0. */
  readonly epoch: number
  readonly learningRate: number
  readonly dropProbability: number
  /**
   * Mean training loss over the steps of the epoch. The loss is the weighted sum over all heads, with label smoothing
   * if set.
   */
  readonly trainLoss: number
  /** Top-1 accuracy in % on the batches of the epoch's training steps, with augmentation and drop path. */
  readonly trainAccuracyPct: number
  /** Top-1 accuracy in % on all test images after the epoch, with running batch-norm statistics. */
  readonly testAccuracyPct: number
  readonly testTop5AccuracyPct: number
  /**
   * Value in % of the metric chosen in the settings, on all test images after the epoch; absent if that is the
   * accuracy.
   */
  readonly testMetricPct?: number
}

export interface Training {
  /** The trained network, with its auxiliary head and drop path. */
  readonly network: Network
  /**
   * Trains one epoch and measures the test accuracy.
   * @param onStep called after each step with the finished fraction of the epoch's steps
   */
  epoch(index: number, onStep: (share: number) => void): Promise<TrainingEpoch>
  save(): Promise<ExecutableState>
  restore(state: ExecutableState): void
  dispose(): void
}

export interface TrainingRequest extends Architecture {
  readonly executor: Executor
  readonly settings: RetrainingSettings
  readonly data: TrainingData
  /**
   * Seed of the training. It determines the initial weights, the order and augmentation of the images, and the dropped
   * paths.
   */
  readonly seed: number
}

/**
 * Prepares a training that starts at epoch 0. Each epoch throws NotFiniteError if a number is not finite.
 * @throws BenchError `bad-input` if the images are too small for the network
 */
export async function openTraining(request: TrainingRequest): Promise<Training> {
  const { executor, settings, data, seed } = request
  const network = trainedNetwork(request, settings, data.shape)
  const executable = requireFiniteResults(await executor.compile(network, { batchSize: settings.batchSize }))
  executable.weights.write(initialWeights(network, random(seed, 'weights', 'start')))
  return {
    network,
    async epoch(index, onStep) {
      const rates = {
        learningRate: learningRate(index, settings),
        dropProbability: dropProbability(index, settings.epochs, settings.dropPath),
      }
      const trained = await trainEpoch(executable, request, index, rates, onStep)
      const tested = await testAccuracies(executable, data, settings)
      return {
        epoch: index,
        ...rates,
        trainLoss: trained.loss,
        trainAccuracyPct: percent(trained.correct, trained),
        ...tested,
      }
    },
    save: () => executable.save(),
    restore: (state) => executable.restore(state),
    dispose: () => executable.dispose(),
  }
}

/**
 * Returns top-1 and top-5 accuracy of the network on all test images, with running batch-norm statistics, and the
 * metric chosen in the settings.
 */
async function testAccuracies(
  executable: Executable,
  data: TrainingData,
  { metric = 'top1' }: RetrainingSettings,
): Promise<Pick<TrainingEpoch, 'testAccuracyPct' | 'testTop5AccuracyPct' | 'testMetricPct'>> {
  if (metric === 'top1') {
    const tested = await test(executable, data.test())
    return { testAccuracyPct: percent(tested.correct, tested), testTop5AccuracyPct: percent(tested.correct5, tested) }
  }
  const { measureNetwork, metricPct } = await import('../analysis/reportedMetric.ts')
  const measures = await measureNetwork(executable, feeds(data.test()), 'eval')
  const { top1Pct, top5Pct = 100 } = measures
  return { testAccuracyPct: top1Pct, testTop5AccuracyPct: top5Pct, testMetricPct: metricPct(metric, measures) }
}

async function trainEpoch(
  executable: Executable,
  { data, settings: { labelSmoothing, weights }, seed }: TrainingRequest,
  epoch: number,
  rates: Pick<TrainingEpoch, 'learningRate' | 'dropProbability'>,
  onStep: (share: number) => void,
): Promise<Tally> {
  const objective: Objective = {
    kind: 'cross-entropy',
    ...(labelSmoothing > 0 && { labelSmoothing }),
    ...(data.classWeights && { classWeights: data.classWeights }),
  }
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
 * Returns the executor's input for a training step: the batch and the random choice of dropped paths. Each step has its
 * own random stream, so that a resumed training drops the same paths.
 */
function feedOf({ network }: Executable, batch: Batch, probability: number, stream: RandomStream): Feed {
  if (probability === 0) return { batch }
  return { batch, pathScales: drawPathScales(network.pathCount, batch.size, probability, stream) }
}

const percent = (count: number, { samples }: Tally): number => (100 * count) / samples

/** Lets the event loop handle events between training steps, such as messages or the end of the parent process. */
const breathe = () => new Promise((resolve) => setImmediate(resolve))

/** Number of epochs at the end of a training in which the linear schedule decreases more slowly. */
const GENTLE = 5

/** Returns the learning rate of an epoch. @param epoch number of the epoch, 0 … epochs − 1 */
export function learningRate(epoch: number, settings: Pick<RetrainingSettings, Used>): number {
  const { batchSize, learningRate: plan } = settings
  const scheduled = scheduledRate(epoch, settings)
  if (epoch >= plan.warmUp.epochs || batchSize <= plan.warmUp.aboveBatchSize) return scheduled
  return warmUp(epoch, plan.warmUp.epochs) * (plan.warmUp.of === 'initial' ? plan.initial : scheduled)
}

type Used = 'epochs' | 'batchSize' | 'learningRate'

function scheduledRate(epoch: number, { epochs, learningRate: plan }: Pick<RetrainingSettings, Used>): number {
  switch (plan.schedule) {
    case 'cosine':
      return cosine(epoch, epochs, plan.initial, 0)
    case 'linear':
      return linearWithGentleEnd(epoch, epochs, plan.initial)
    case 'exponential':
      return plan.initial * integerPower(plan.decay, epoch)
  }
}

/**
 * Returns the learning rate of a linear schedule that falls to initial / (epochs − 5) five epochs before the end, and
 * from there to 0 (`yuhuixu1993/PC-DARTS: train_imagenet.py`). In trainings of at most ten epochs it falls linearly to
 * 0.
 */
function linearWithGentleEnd(epoch: number, epochs: number, initial: number): number {
  const steep = epochs - GENTLE
  if (steep <= GENTLE) return linear(epoch, epochs, initial, 0)
  return epoch < steep ? linear(epoch, steep, initial, 0) : linear(epoch - steep, GENTLE, initial / steep, 0)
}

/** An architecture, and the family of search spaces that builds its network. */
export interface Architecture {
  readonly family: SpaceFamily
  readonly genotype: Genotype
}

type SizedSettings = Pick<RetrainingSettings, 'network' | 'dropPath'>

/**
 * Builds the network that is trained in full for an architecture, with auxiliary head and drop path if the settings
 * have them.
 */
export function trainedNetwork(
  { family, genotype }: Architecture,
  settings: SizedSettings,
  shape: ImageShape,
): Network {
  const { auxiliary } = settings.network
  return family.network(genotype, { ...optionsOf(settings, shape), auxiliary, dropPath: settings.dropPath > 0 })
}

/** Builds the network for use after training: without auxiliary head and drop path. */
export const deployedNetwork = (
  { family, genotype }: Architecture,
  settings: Pick<SizedSettings, 'network'>,
  shape: ImageShape,
): Network => family.network(genotype, optionsOf(settings, shape))

export interface NetworkSize {
  /**
   * Number of the network's trainable parameters, without those of the auxiliary head, which is not used after
   * training.
   */
  readonly parameters: number
  /** Multiply-accumulates of the network for one image, without those of the auxiliary head. */
  readonly macs: number
}

export function networkSize(
  { family, genotype }: Architecture,
  settings: SizedSettings,
  shape: ImageShape,
): NetworkSize {
  const network = deployedNetwork({ family, genotype }, settings, shape)
  return { parameters: parameterCount(network), macs: macCount(network) }
}

function optionsOf({ network }: Pick<SizedSettings, 'network'>, shape: ImageShape): EvaluationNetworkOptions {
  const { channels, layers, family, pooledBatchNorm, head } = network
  const hiddenLayers = parseHead(head)
  return { shape, channels, depth: layers, family, pooledBatchNorm, ...(hiddenLayers.length > 0 && { hiddenLayers }) }
}
