/**
 * The two reduced search protocols, which two processor cores can run. Their results are not comparable with published
 * ones. `micro`, the default, searches for minutes. `laptop` keeps DrNAS' learning rates, batch size and step order on
 * two halves of all training images, and reduces only the network, the image size and the number of epochs.
 */
import { transferHeadline } from './benchmark.ts'
import { dartsPaper } from './dartsPaper.ts'
import { drnasPaper } from './drnasPaper.ts'
import { from, type Preset } from './preset.ts'

const own = from('chosen here so that four seeds finish within minutes on two cores')
const short = from('chosen here: an order of magnitude above the papers, since a search has few steps')
const drnas = from('xiangning-chen/DrNAS: 201-space/train_search.py')
const torch = from('PyTorch default')
const shares = from('DrNAS paper, section 4.2')

/** The presets whose sizes the reduced ones are compared with, by family of search spaces. */
const REDUCED_FROM = { nb201: 'drnas-paper', darts: 'darts-paper' } as const

/** The preset `micro`, the default: a search that two cores finish in minutes. */
export const micro: Preset = {
  name: 'micro',
  reduced: true,
  reducedFrom: REDUCED_FROM,
  description: 'reduced search network for two cores: C=4 N=1, small images, few epochs; not the papers’ setting',
  values: {
    epochs: own(25),
    batchSize: drnas(64),
    weights: {
      learningRate: short(0.1),
      learningRateMin: drnas(0.001),
      momentum: drnas(0.9),
      nesterov: drnas(false),
      weightDecay: drnas(3e-4),
      clipNorm: drnas(5),
    },
    architecture: {
      learningRate: short(0.02),
      adamBetas: drnas([0.5, 0.999]),
      epsilon: torch(1e-8),
      weightDecay: drnas(1e-3),
    },
    network: { channels: own(4), depth: own(1), affine: drnas(false), track: drnas(true) },
    stepOrder: drnas('architecture-first'),
    data: {
      trainPortion: drnas(0.5),
      cropPadding: own(2),
      flip: drnas(true),
      cutout: drnas(0),
      imageSize: own(16),
      limit: own(2560),
    },
    headline: transferHeadline,
  },
  bySpace: {
    darts: { network: { depth: own(5) } },
  },
  byDataset: {
    imagenet: {
      network: { family: own('imagenet') },
      data: {
        trainPortion: shares(0.1),
        architecturePortion: shares(0.025),
        cropPadding: own(0),
        imageSize: own(64),
        limit: own(null),
      },
    },
  },
}

const reduced = from('reduced for two cores: the published searches have C=16 N=5 and images of 32×32')
const half = from('reduced for two cores: a crop of 2 pixels on 16×16 is the published one of 4 on 32×32')
const dartsEpochs = from('quark0/darts: cnn/train_search.py; DrNAS has 100, weight-sharing methods have up to 250')
const { values } = drnasPaper

/**
 * The preset `laptop`: a search of about ten minutes on one core on NAS-Bench-201. Every seed splits the training
 * images into random halves, where DrNAS' code cuts CIFAR-10 in file order, because this preset also runs on images in
 * class folders, whose order would leave each half with five of the ten classes.
 */
export const laptop: Preset = {
  name: 'laptop',
  reduced: true,
  reducedFrom: REDUCED_FROM,
  description: 'the papers’ rates and halves, 50 epochs; reduced for two cores: C=4 N=1, images of 16×16',
  values: {
    ...values,
    epochs: dartsEpochs(50),
    network: { ...values.network, channels: reduced(4), depth: reduced(1) },
    data: { ...values.data, imageSize: reduced(16), cropPadding: half(2) },
    headline: transferHeadline,
  },
  bySpace: {
    darts: {
      weights: dartsPaper.values.weights,
      architecture: dartsPaper.values.architecture,
      network: { channels: reduced(4), depth: reduced(5) },
    },
  },
}
