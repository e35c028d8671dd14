/** What `bench data info` says of a dataset. */
import type { Dataset, ImageSet } from './dataset.ts'
import { DATASETS, datasetFolder, howToGet, isFetched } from './datasetNames.ts'

/** Plain data; counts by class in label order. */
export interface DatasetInfo {
  readonly name: string
  readonly origin: string
  readonly image: { readonly height: number; readonly width: number; readonly channels: number }
  readonly trainImages: number
  readonly testImages: number
  readonly classes: readonly { readonly name: string; readonly trainImages: number; readonly testImages: number }[]
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly contentHash: string
  /** What the user should know of the files. */
  readonly notes: readonly string[]
}

export function datasetInfo(dataset: Dataset): DatasetInfo {
  const { name, origin, shape, classNames, train, test, mean, std, contentHash, notes = [] } = dataset
  const [trainCounts, testCounts] = [train, test].map((set) => countClasses(set, shape.classes))
  return {
    name,
    origin,
    image: { height: shape.height, width: shape.width, channels: shape.channels },
    trainImages: train.count,
    testImages: test.count,
    classes: classNames.map((className, label) => ({
      name: className,
      trainImages: trainCounts[label],
      testImages: testCounts[label],
    })),
    mean,
    std,
    contentHash,
    notes,
  }
}

/** All datasets that have a name, and whether they can be opened without naming a folder. */
export function datasetsHere(): { name: string; description: string; where: string }[] {
  return DATASETS.map(({ name, description }) => ({ name, description, where: whereIs(name) }))
}

function whereIs(name: string): string {
  if (name === 'shapes') return 'built in'
  return isFetched(name) ? datasetFolder(name) : `not here; ${howToGet(name)}`
}

function countClasses({ labels }: ImageSet, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]++
  return counts
}
