/**
 * The settings that several search protocols take from NAS-Bench-201: which columns of its table are reported, which
 * images its authors search on, and the size of its network.
 */
import type { Headline } from '../core/protocol.ts'
import { from, type Preset } from './preset.ts'

/**
 * Table columns reported for CIFAR-10: accuracies after 200 training epochs, mean over the training seeds in the table.
 * The validation set is half of the training set.
 */
const cifar10: Headline = {
  dataset: 'cifar10',
  validation: 'cifar10-valid/x-valid/200/mean',
  test: 'cifar10/ori-test/200/mean',
}
const cifar100: Headline = {
  dataset: 'cifar100',
  validation: 'cifar100/x-valid/200/mean',
  test: 'cifar100/x-test/200/mean',
}
const imageNet16: Headline = {
  dataset: 'ImageNet16-120',
  validation: 'ImageNet16-120/x-valid/200/mean',
  test: 'ImageNet16-120/x-test/200/mean',
}

const transfer = from('NAS-Bench-201 paper, Table 5: searched on CIFAR-10, reported on all three datasets')
const own = from(
  'DrNAS paper, section 4.3 (Table 4), and NATS-Bench paper, Table 4: each dataset is searched on its own; ' +
    'draw-table.py of NATS-Bench for the columns',
)

/** Table columns to report, by searched dataset, for protocols that search on one dataset and report all three. */
export const transferHeadline = {
  cifar10: transfer([cifar10, cifar100, imageNet16]),
  cifar100: transfer([cifar100, cifar10, imageNet16]),
  'ImageNet16-120': transfer([imageNet16, cifar10, cifar100]),
}

/** Table columns to report, by searched dataset, for protocols that search on each dataset and report only that one. */
export const ownHeadline = {
  cifar10: own([cifar10]),
  cifar100: own([cifar100]),
  'ImageNet16-120': own([imageNet16]),
}

/** The two choices of reported table columns, by the name that users type, as in `nb201-paper:headline=own`. */
export const headlines = { transfer: transferHeadline, own: ownHeadline }

const transforms = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py')
const splits = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py, get_nas_search_loaders')

/** Labels a training share (`trainPortion`) with its source, for datasets that NAS-Bench-201 does not have. */
export const otherImages = from('as CIFAR-10 is split by cifar-split.txt, for images that are not the benchmark’s')

const trainingSetAndHalfOfTest = { split: splits('benchmark'), trainPortion: splits(1) }

/**
 * The data settings (split, training share, crop) with which the authors of NAS-Bench-201 and NATS-Bench search, by
 * dataset.
 */
export const benchmarkData: Preset['byDataset'] = {
  cifar10: { data: { split: splits('benchmark'), trainPortion: splits(0.5) } },
  cifar100: { data: trainingSetAndHalfOfTest },
  'ImageNet16-120': { data: { ...trainingSetAndHalfOfTest, cropPadding: transforms(2) } },
}

const skeleton = from('NAS-Bench-201 paper, section 2: the skeleton of the benchmark')
const crop = from('NAS-Bench-201 paper, section 2: random crop of ImageNet16-120')

/** Network size and crop of NAS-Bench-201, for the presets of papers that did not search on NAS-Bench-201. */
export const onBenchmark = {
  bySpace: { nb201: { network: { channels: skeleton(16), depth: skeleton(5) } } },
  byDataset: { 'ImageNet16-120': { data: { cropPadding: crop(2) } } },
} satisfies Pick<Preset, 'bySpace' | 'byDataset'>
