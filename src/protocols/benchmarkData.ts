/** The images that the authors of NAS-Bench-201 and NATS-Bench search on, by dataset. */
import { from, type Preset } from './preset.ts'

const transforms = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py')
const splits = from('D-X-Y/AutoDL-Projects: lib/datasets/get_dataset_with_transform.py, get_nas_search_loaders')

/** Of datasets that the benchmark does not have. */
export const otherImages = from('as CIFAR-10 is split by cifar-split.txt, for images that are not the benchmark’s')

const trainingSetAndHalfOfTest = { split: splits('benchmark'), trainPortion: splits(1) }

export const benchmarkData: Preset['byDataset'] = {
  cifar10: { data: { split: splits('benchmark'), trainPortion: splits(0.5) } },
  cifar100: { data: trainingSetAndHalfOfTest },
  'ImageNet16-120': { data: { ...trainingSetAndHalfOfTest, cropPadding: transforms(2) } },
}
