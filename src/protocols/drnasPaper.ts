/** The search protocol of DrNAS (Chen et al., ICLR 2021): the settings of its published code. */
import { ownHeadline } from './benchmark.ts'
import { dartsFamilyValues } from './dartsPaper.ts'
import { from, type Preset } from './preset.ts'

const script = from('xiangning-chen/DrNAS: 201-space/train_search.py')
const architect = from('xiangning-chen/DrNAS: 201-space/architect.py')
const model = from('xiangning-chen/DrNAS: 201-space/train_search.py, search_model.py')
const torch = from('PyTorch default, not set by xiangning-chen/DrNAS')
const transforms = from('xiangning-chen/DrNAS: 201-space/utils.py, the training transform for both halves')
const smallImages = from('xiangning-chen/DrNAS: 201-space/train_search.py, the transform of imagenet16-120')
const dartsScript = from('xiangning-chen/DrNAS: DARTS-space/train_search.py')
const imagenet = from('xiangning-chen/DrNAS: DARTS-space/train_search_imagenet.py')
const imagenetModel = from('xiangning-chen/DrNAS: DARTS-space/model_search_imagenet.py')
const shares = from('DrNAS paper, section 4.2')

const values = dartsFamilyValues(
  { script, architect, model, torch, transforms },
  {
    ...{ epochs: 100, batchSize: 64, learningRate: 0.025, learningRateMin: 0.001, architectureRate: 3e-4 },
    ...{ channels: 16, depth: 5 },
  },
)

/** The preset `drnas-paper`: the search settings of DrNAS. */
export const drnasPaper: Preset = {
  name: 'drnas-paper',
  description: 'DrNAS as published: 100 epochs on nb201, C=16 N=5; 25 + 25 on darts (on imagenet partialChannels=6,3)',
  values: {
    ...values,
    // The code's own flag changes only a folder's name: the decay in force is reg_scale, with reg_type l2.
    architecture: { ...values.architecture, weightDecay: architect(1e-3) },
    headline: ownHeadline,
  },
  bySpace: {
    darts: {
      epochs: dartsScript(50),
      weights: { learningRate: dartsScript(0.1), learningRateMin: dartsScript(0) },
      architecture: { learningRate: dartsScript(6e-4) },
      network: { channels: dartsScript(36), depth: dartsScript(20) },
    },
  },
  byDataset: {
    cifar10: { data: { split: script('fixed') } },
    cifar100: { data: { split: script('fixed') } },
    'ImageNet16-120': { data: { split: script('fixed'), cropPadding: smallImages(2) } },
    imagenet: {
      batchSize: imagenet(512),
      weights: { learningRate: imagenet(0.5), warmUp: { epochs: imagenet(5), of: imagenet('initial') } },
      architecture: { learningRate: imagenet(6e-3), clipNorm: imagenet(5) },
      network: { channels: imagenet(48), depth: imagenet(14), family: imagenetModel('imagenet') },
      data: {
        trainPortion: shares(0.1),
        architecturePortion: shares(0.025),
        cropPadding: imagenet(0),
        imageSize: imagenet(224),
      },
    },
  },
}
