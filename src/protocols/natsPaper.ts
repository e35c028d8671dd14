/**
 * The search protocol of NATS-Bench (Dong et al., TPAMI 2021): the same settings for all weight-sharing algorithms,
 * with the weight step before the architecture step.
 */
import { benchmarkData, otherImages, ownHeadline } from './benchmark.ts'
import { from, type Preset } from './preset.ts'

const config = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/algos/weight-sharing.config')
const script = from('D-X-Y/AutoDL-Projects: exps/NATS-algos/run-all.sh')
const code = from('D-X-Y/AutoDL-Projects: exps/NATS-algos/search-cell.py')
const loaders = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py, the training transform')

/** The preset `nats-paper`: the search settings of NATS-Bench. */
export const natsPaper: Preset = {
  name: 'nats-paper',
  description: 'NATS-Bench as published: 200 epochs (100 in the configuration, overwritten by the script), no clipping',
  values: {
    epochs: script(200),
    batchSize: config(64),
    weights: {
      learningRate: config(0.025),
      learningRateMin: config(0.001),
      momentum: config(0.9),
      nesterov: config(true),
      weightDecay: config(5e-4),
      clipNorm: code(null),
    },
    architecture: {
      learningRate: code(3e-4),
      adamBetas: code([0.5, 0.999]),
      epsilon: code(1e-8),
      weightDecay: code(1e-3),
    },
    network: { channels: script(16), depth: script(5), affine: script(false), track: script(false) },
    stepOrder: code('weights-first'),
    data: {
      trainPortion: otherImages(0.5),
      cropPadding: loaders(4),
      flip: loaders(true),
      cutout: loaders(0),
      imageSize: loaders(null),
      limit: loaders(null),
    },
    headline: ownHeadline,
  },
  insteadOn: { darts: 'darts-paper' },
  byDataset: benchmarkData,
}
