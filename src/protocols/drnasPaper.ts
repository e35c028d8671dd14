/** DrNAS (Chen et al., ICLR 2021): the settings of its published code. */
import { ownHeadline } from './headlines.ts'
import { from, type Preset } from './preset.ts'

const script = from('xiangning-chen/DrNAS: 201-space/train_search.py')
const architect = from('xiangning-chen/DrNAS: 201-space/architect.py')
const model = from('xiangning-chen/DrNAS: 201-space/train_search.py, search_model.py')
const torch = from('PyTorch default, not set by xiangning-chen/DrNAS')
const transforms = from('xiangning-chen/DrNAS: 201-space/utils.py, the training transform for both halves')
const dartsScript = from('xiangning-chen/DrNAS: DARTS-space/train_search.py')

export const drnasPaper: Preset = {
  name: 'drnas-paper',
  description: 'DrNAS as published: 100 epochs on nb201, C=16 N=5; 25 + 25 epochs on darts',
  values: {
    epochs: script(100),
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
      // The code's own flag changes only a folder's name: the decay in force is reg_scale, with reg_type l2.
      weightDecay: architect(1e-3),
    },
    network: { channels: script(16), depth: script(5), affine: model(false), track: model(true) },
    stepOrder: script('architecture-first'),
    data: {
      trainPortion: script(0.5),
      cropPadding: transforms(4),
      flip: transforms(true),
      cutout: script(0),
      imageSize: transforms(null),
      limit: script(null),
    },
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
}
