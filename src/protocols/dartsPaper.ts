/**
 * The search protocol of DARTS (Liu et al., ICLR 2019): the settings of its published code, which the code of several
 * later papers repeats.
 */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { from, type Preset } from './preset.ts'

const script = from('quark0/darts: cnn/train_search.py')
const architect = from('quark0/darts: cnn/architect.py')
const model = from('quark0/darts: cnn/model_search.py')
const torch = from('PyTorch default, not set by quark0/darts')
const transforms = from('quark0/darts: cnn/utils.py, the training transform for both halves')

/**
 * The source files of a paper's code (derived from that of DARTS) that set its hyperparameters. Each is a function that
 * labels a value with the file.
 */
interface SearchSources {
  readonly script: ReturnType<typeof from>
  readonly architect: ReturnType<typeof from>
  readonly model: ReturnType<typeof from>
  readonly torch: ReturnType<typeof from>
  /** Labels a setting with the file of the paper's code that defines the image transforms. */
  readonly transforms: ReturnType<typeof from>
}

/** The hyperparameters in which the published searches of DARTS and its successors differ. */
interface SearchSize {
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly learningRateMin: number
  readonly architectureRate: number
  readonly channels: number
  readonly depth: number
}

/** Returns the search settings of a paper whose code derives from that of DARTS, each with the file that states it. */
export const dartsFamilyValues = (
  { script, architect, model, torch, transforms }: SearchSources,
  { epochs, batchSize, learningRate, learningRateMin, architectureRate, channels, depth }: SearchSize,
) => ({
  epochs: script(epochs),
  batchSize: script(batchSize),
  weights: {
    learningRate: script(learningRate),
    learningRateMin: script(learningRateMin),
    momentum: script(0.9),
    nesterov: script(false),
    weightDecay: script(3e-4),
    clipNorm: script(5),
  },
  architecture: {
    learningRate: script(architectureRate),
    adamBetas: architect([0.5, 0.999] as const),
    epsilon: torch(1e-8),
    weightDecay: script(1e-3),
  },
  network: { channels: script(channels), depth: script(depth), affine: model(false), track: model(true) },
  stepOrder: script('architecture-first' as const),
  data: {
    trainPortion: script(0.5),
    cropPadding: transforms(4),
    flip: transforms(true),
    cutout: script(0),
    imageSize: transforms(null),
    limit: script(null),
  },
})

/** The preset `darts-paper`: the search settings of DARTS. */
export const dartsPaper: Preset = {
  name: 'darts-paper',
  description: 'DARTS as published: 50 epochs, architecture step before the weight step',
  values: {
    ...dartsFamilyValues(
      { script, architect, model, torch, transforms },
      {
        ...{ epochs: 50, batchSize: 64, learningRate: 0.025, learningRateMin: 0.001, architectureRate: 3e-4 },
        ...{ channels: 16, depth: 8 },
      },
    ),
    headline: transferHeadline,
  },
  bySpace: onBenchmark.bySpace,
  byDataset: { ...onBenchmark.byDataset, cifar10: { data: { split: script('fixed') } } },
}
