/** PC-DARTS (Xu et al., ICLR 2020): the settings of its published code. Partial channels are the algorithm's option. */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { from, type Preset } from './preset.ts'

const script = from('yuhuixu1993/PC-DARTS: train_search.py')
const architect = from('yuhuixu1993/PC-DARTS: architect.py')
const model = from('yuhuixu1993/PC-DARTS: model_search.py')
const torch = from('PyTorch default, not set by yuhuixu1993/PC-DARTS')
const transforms = from('yuhuixu1993/PC-DARTS: utils.py, the training transform for both halves')
const imagenet = from('yuhuixu1993/PC-DARTS: train_search_imagenet.py')
const imagenetModel = from('yuhuixu1993/PC-DARTS: model_search_imagenet.py')

export const pcdartsPaper: Preset = {
  name: 'pcdarts-paper',
  description:
    'PC-DARTS as published: 50 epochs, batch 256, learning rate 0.1; on imagenet 1024 and 0.5 (there with k=2, warmup=35)',
  values: {
    epochs: script(50),
    batchSize: script(256),
    weights: {
      learningRate: script(0.1),
      learningRateMin: script(0),
      momentum: script(0.9),
      nesterov: script(false),
      weightDecay: script(3e-4),
      clipNorm: script(5),
    },
    architecture: {
      learningRate: script(6e-4),
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
  byDataset: {
    ...onBenchmark.byDataset,
    cifar10: { data: { split: script('fixed') } },
    cifar100: { data: { split: script('fixed') } },
    imagenet: {
      batchSize: imagenet(1024),
      weights: { learningRate: imagenet(0.5), warmUp: { epochs: imagenet(5), of: imagenet('scheduled') } },
      architecture: { learningRate: imagenet(6e-3), clipNorm: imagenet(5) },
      network: { family: imagenetModel('imagenet') },
      data: {
        trainPortion: imagenet(0.1),
        architecturePortion: imagenet(0.025),
        cropPadding: imagenet(0),
        imageSize: imagenet(224),
      },
    },
  },
}
