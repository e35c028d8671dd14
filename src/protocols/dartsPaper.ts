/** DARTS (Liu et al., ICLR 2019): the settings of its published code. */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { from, type Preset } from './preset.ts'

const script = from('quark0/darts: cnn/train_search.py')
const architect = from('quark0/darts: cnn/architect.py')
const model = from('quark0/darts: cnn/model_search.py')
const torch = from('PyTorch default, not set by quark0/darts')
const transforms = from('quark0/darts: cnn/utils.py, the training transform for both halves')

export const dartsPaper: Preset = {
  name: 'darts-paper',
  description: 'DARTS as published: 50 epochs, architecture step before the weight step',
  values: {
    epochs: script(50),
    batchSize: script(64),
    weights: {
      learningRate: script(0.025),
      learningRateMin: script(0.001),
      momentum: script(0.9),
      nesterov: script(false),
      weightDecay: script(3e-4),
      clipNorm: script(5),
    },
    architecture: {
      learningRate: script(3e-4),
      adamBetas: architect([0.5, 0.999]),
      epsilon: torch(1e-8),
      weightDecay: script(1e-3),
    },
    network: { channels: script(16), depth: script(8), affine: model(false), track: model(true) },
    stepOrder: script('architecture-first'),
    data: {
      trainPortion: script(0.5),
      cropPadding: transforms(4),
      flip: transforms(true),
      cutout: script(0),
      imageSize: transforms(null),
      limit: script(null),
    },
    headline: transferHeadline,
  },
  bySpace: onBenchmark.bySpace,
  byDataset: { ...onBenchmark.byDataset, cifar10: { data: { split: script('fixed') } } },
}
