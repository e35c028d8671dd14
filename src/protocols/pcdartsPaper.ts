/**
 * The search protocol of PC-DARTS (Xu et al., ICLR 2020): the settings of its published code. Partial channels are not
 * part of it, but an option of the algorithm `pc-darts`.
 */
import { onBenchmark, transferHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const script = from('yuhuixu1993/PC-DARTS: train_search.py')
const architect = from('yuhuixu1993/PC-DARTS: architect.py')
const model = from('yuhuixu1993/PC-DARTS: model_search.py')
const torch = from('PyTorch default, not set by yuhuixu1993/PC-DARTS')
const transforms = from('yuhuixu1993/PC-DARTS: utils.py, the training transform for both halves')
const imagenet = from('yuhuixu1993/PC-DARTS: train_search_imagenet.py')
const imagenetModel = from('yuhuixu1993/PC-DARTS: model_search_imagenet.py')

/** The preset `pcdarts-paper`: the search settings of PC-DARTS. */
export const pcdartsPaper: Preset = {
  name: 'pcdarts-paper',
  description:
    'PC-DARTS as published: 50 epochs, batch 256, learning rate 0.1; on imagenet 1024 and 0.5 (there with k=2, warmup=35)',
  values: {
    ...dartsFamilyValues(
      { script, architect, model, torch, transforms },
      {
        ...{ epochs: 50, batchSize: 256, learningRate: 0.1, learningRateMin: 0, architectureRate: 6e-4 },
        ...{ channels: 16, depth: 8 },
      },
    ),
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
