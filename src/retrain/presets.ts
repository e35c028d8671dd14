/** Presets of full trainings: the settings that papers used, each with the file or section that it comes from. */
import type { RetrainingSettings } from '../core/retraining.ts'
import { type CitedTree, from, type Part } from '../protocols/preset.ts'

export type CitedSettings = CitedTree<Omit<RetrainingSettings, 'preset'>>

export interface RetrainingPreset {
  /** Name of the preset, as typed after `--preset`. */
  readonly name: string
  readonly description: string
  /** Settings for small images, which are kept in memory. */
  readonly cifar: CitedSettings
  /** Settings for photographs, which are decoded while training; absent: the preset has no network for them. */
  readonly imagenet?: CitedSettings
  /** Settings that differ for a family of search spaces. Settings in `byDataset` override them. */
  readonly byFamily?: Readonly<Record<string, Part<CitedSettings>>>
  readonly byDataset?: Readonly<Record<string, Part<CitedSettings>>>
}

const ours = from('chosen here: a damaged file should be noticed')

const cifarScript = from('quark0/darts: cnn/train.py')
const cifarTransforms = from('quark0/darts: cnn/utils.py')
const cifarOperations = from('quark0/darts: cnn/operations.py')
const absent = from('not in quark0/darts: cnn/train.py')

const dartsCifar: CitedSettings = {
  epochs: cifarScript(600),
  batchSize: cifarScript(96),
  network: {
    channels: cifarScript(36),
    layers: cifarScript(20),
    family: cifarScript('cifar'),
    auxiliary: from('DARTS paper, section 3.2; quark0/darts: README, --auxiliary')(true),
    pooledBatchNorm: cifarOperations(false),
  },
  learningRate: {
    initial: cifarScript(0.025),
    schedule: cifarScript('cosine'),
    decay: absent(1),
    warmUp: { epochs: absent(0), aboveBatchSize: absent(0), of: absent('scheduled') },
  },
  weights: {
    momentum: cifarScript(0.9),
    nesterov: from('PyTorch default, not set by quark0/darts')(false),
    weightDecay: cifarScript(3e-4),
    clipNorm: cifarScript(5),
  },
  labelSmoothing: absent(0),
  dropPath: cifarScript(0.2),
  data: {
    cropPadding: cifarTransforms(4),
    flip: cifarTransforms(true),
    cutout: from('DARTS paper, section 3.2: cutout; quark0/darts: cnn/train.py for the length')(16),
    imageSize: cifarTransforms(null),
    limit: cifarScript(null),
    brokenImages: ours('fail'),
  },
}

const imagenetScript = from('quark0/darts: cnn/train_imagenet.py')
const imagenetPaper = from('DARTS paper, section 3.3, where quark0/darts: cnn/train_imagenet.py has other defaults')
const stream = from('quark0/darts: cnn/train_imagenet.py: random resized crop, flip and colour jitter instead')

const dartsImagenet: CitedSettings = {
  ...dartsCifar,
  epochs: imagenetPaper(250),
  batchSize: imagenetScript(128),
  network: {
    channels: imagenetPaper(48),
    layers: imagenetScript(14),
    family: imagenetScript('imagenet'),
    auxiliary: from('quark0/darts: README, --auxiliary')(true),
    pooledBatchNorm: cifarOperations(false),
  },
  learningRate: {
    ...dartsCifar.learningRate,
    initial: imagenetScript(0.1),
    schedule: imagenetScript('exponential'),
    decay: imagenetScript(0.97),
  },
  weights: { ...dartsCifar.weights, weightDecay: imagenetScript(3e-5), clipNorm: imagenetScript(5) },
  labelSmoothing: imagenetScript(0.1),
  dropPath: imagenetScript(0),
  data: {
    cropPadding: stream(0),
    flip: stream(true),
    cutout: stream(0),
    imageSize: imagenetScript(224),
    limit: imagenetScript(null),
    brokenImages: ours('fail'),
  },
}

const pcCifar = from('yuhuixu1993/PC-DARTS: train.py')
const pcImagenet = from('yuhuixu1993/PC-DARTS: train_imagenet.py')
const pcPaper = from('PC-DARTS paper, section 4.3, where yuhuixu1993/PC-DARTS: train_imagenet.py has other defaults')

const pcdartsImagenet: CitedSettings = {
  ...dartsImagenet,
  batchSize: pcPaper(1024),
  learningRate: {
    ...dartsImagenet.learningRate,
    initial: pcPaper(0.5),
    schedule: pcImagenet('linear'),
    decay: pcImagenet(1),
    warmUp: { epochs: pcImagenet(5), aboveBatchSize: pcImagenet(256), of: pcImagenet('scheduled') },
  },
}

const drnasCifar = from('xiangning-chen/DrNAS: DARTS-space/train.py')
const drnasOperations = from(
  'xiangning-chen/DrNAS: operations.py, which DARTS-space/train.py and train_imagenet.py import',
)
const drnasImagenet = from('xiangning-chen/DrNAS: DARTS-space/train_imagenet.py')
const drnasPaper = from('DrNAS paper, section 4.2, where DARTS-space/train_imagenet.py has 1024')

const own = from('chosen here so that two cores train it in minutes; not comparable with any published number')

const trialCifar: CitedSettings = {
  ...dartsCifar,
  epochs: own(10),
  batchSize: own(64),
  network: {
    ...dartsCifar.network,
    channels: own(8),
    layers: own(5),
    auxiliary: from('chosen here: images of 16×16 pixels are too small for the auxiliary head')(false),
  },
  learningRate: { ...dartsCifar.learningRate, initial: own(0.1) },
  dropPath: own(0),
  data: { ...dartsCifar.data, cropPadding: own(2), cutout: own(0), imageSize: own(16), limit: own(2000) },
}

const zen = from('Zhang, "A Zero-Cost DARTS Based on Multi-Step Optimization", section 4.4')
const zenWidths = from('Zhang, section 4.4, says four fully connected layers and no widths, which are chosen here')
const zenCifar = from('Zhang, section 4.3: CIFAR-10 by the error, as DARTS')

/**
 * Changes DARTS' settings to those of the project in Zhang's paper, which otherwise follows DARTS: a head of four
 * layers and mAP as the metric.
 */
const zenProject = (darts: CitedSettings): CitedSettings => ({
  ...darts,
  network: { ...darts.network, head: zenWidths('mlp:512,256,128') },
  metric: zen('mAP'),
})

const benchmark = from('D-X-Y/AutoDL-Projects: configs/nas-benchmark/hyper-opts/200E.config')
const benchmarkPaper = from('NAS-Bench-201 paper, section 2: the skeleton of the benchmark')
const benchmarkTransforms = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py')
const benchmarkScheduler = from('D-X-Y/AutoDL-Projects: lib/procedures/optimizers.py, a cosine by the epoch')
const benchmarkAbsent = from('not in NAS-Bench-201’s training')

const nb201Benchmark: CitedSettings = {
  epochs: benchmark(200),
  batchSize: benchmark(256),
  network: {
    channels: benchmarkPaper(16),
    layers: benchmarkPaper(5),
    family: benchmarkPaper('cifar'),
    auxiliary: benchmarkAbsent(false),
    pooledBatchNorm: benchmarkAbsent(false),
  },
  learningRate: {
    initial: benchmark(0.1),
    schedule: benchmarkScheduler('cosine'),
    decay: benchmarkAbsent(1),
    warmUp: { epochs: benchmark(0), aboveBatchSize: benchmarkAbsent(0), of: benchmarkAbsent('scheduled') },
  },
  weights: {
    momentum: benchmark(0.9),
    nesterov: benchmark(true),
    weightDecay: benchmark(5e-4),
    clipNorm: benchmarkAbsent(null),
  },
  labelSmoothing: benchmarkAbsent(0),
  dropPath: benchmarkAbsent(0),
  data: {
    cropPadding: benchmarkTransforms(4),
    flip: benchmarkTransforms(true),
    cutout: benchmarkAbsent(0),
    imageSize: benchmarkTransforms(null),
    limit: benchmark(null),
    brokenImages: ours('fail'),
  },
}

export const retrainingPresets: readonly RetrainingPreset[] = [
  {
    name: 'darts-paper',
    description: 'DARTS: 600 epochs at 20 × 36 on CIFAR; 250 epochs at 14 × 48 on ImageNet',
    cifar: dartsCifar,
    imagenet: dartsImagenet,
  },
  {
    name: 'pcdarts-paper',
    description: 'PC-DARTS: as DARTS with drop path 0.3; batch 1024 and a linear schedule on ImageNet',
    cifar: { ...dartsCifar, dropPath: pcCifar(0.3) },
    imagenet: pcdartsImagenet,
  },
  {
    name: 'drnas-paper',
    description: 'DrNAS: as PC-DARTS with batch 64 on CIFAR and 768 on ImageNet, poolings normalised',
    cifar: {
      ...dartsCifar,
      batchSize: drnasCifar(64),
      network: { ...dartsCifar.network, pooledBatchNorm: drnasOperations(true) },
      dropPath: drnasCifar(0.3),
    },
    imagenet: {
      ...pcdartsImagenet,
      batchSize: drnasPaper(768),
      network: { ...pcdartsImagenet.network, pooledBatchNorm: drnasOperations(true) },
      learningRate: {
        ...pcdartsImagenet.learningRate,
        initial: drnasImagenet(0.5),
        warmUp: { epochs: drnasImagenet(5), aboveBatchSize: drnasImagenet(256), of: drnasImagenet('initial') },
      },
    },
  },
  {
    name: 'zen-paper',
    description:
      'multi-step Zen-DARTS: as DARTS with a head of four linear layers, measured by mAP; plain DARTS on CIFAR',
    cifar: zenProject(dartsCifar),
    imagenet: zenProject(dartsImagenet),
    byDataset: Object.fromEntries(
      ['cifar10', 'cifar100'].map((dataset) => [
        dataset,
        { metric: zenCifar('top1'), network: { head: zenCifar('linear') } },
      ]),
    ),
  },
  {
    name: 'nb201-paper',
    description: 'NAS-Bench-201: 200 epochs at 5 cells per stage × 16, batch 256; the recipe of its table',
    cifar: nb201Benchmark,
    byDataset: { 'ImageNet16-120': { data: { cropPadding: benchmarkTransforms(2) } } },
  },
  {
    name: 'trial',
    description: 'a small network on few and small images for two cores: shows that it works, and no more',
    cifar: trialCifar,
    byFamily: { nb201: { network: { layers: own(1) } } },
    imagenet: {
      ...dartsImagenet,
      epochs: own(2),
      batchSize: own(16),
      network: { ...dartsImagenet.network, channels: own(8), layers: own(5), auxiliary: trialCifar.network.auxiliary },
      data: { ...dartsImagenet.data, imageSize: own(64), limit: own(2000) },
    },
  },
]
