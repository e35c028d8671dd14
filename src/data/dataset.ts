/** A labelled image dataset in memory, whatever its source, and its summary for `bench data info`. */
import type { ImageCounts, ImageShape } from '../core/data.ts'

/** Labelled images of one size. */
export interface ImageSet {
  readonly count: number
  /** Intensities 0 … 255, [count, height, width, channels]. */
  readonly pixels: Uint8Array
  /** Class of each image, 0 … classes − 1. */
  readonly labels: Int32Array
}

/** Indices into the test set of the images of x-valid and of x-test: disjoint, and together the whole test set. */
export interface TestHalves {
  readonly xValid: Uint32Array
  readonly xTest: Uint32Array
}

export interface Dataset {
  readonly name: string
  readonly shape: ImageShape
  /** Name of each class, in label order. */
  readonly classNames: readonly string[]
  /** SHA-256 (hexadecimal) of the images and labels, or of the generator's parameters: part of a job's identity. */
  readonly contentHash: string
  /** One line for the user: what was read, and from where. */
  readonly origin: string
  /** Sentences for the user about peculiarities of the files. */
  readonly notes?: readonly string[]
  readonly train: ImageSet
  readonly test: ImageSet
  /** The benchmark's own halves of the test set, if the folder of the images has a file with them. */
  readonly testHalves?: TestHalves
  /** Mean and deviation of each channel in units of 0 … 1, for normalisation: (x / 255 − mean) / std. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Returns the numbers of training images, test images and classes. */
export const countsOf = ({ shape, train, test }: Pick<Dataset, 'shape' | 'train' | 'test'>): ImageCounts => ({
  train: train.count,
  test: test.count,
  classes: shape.classes,
})

/** Summary of a dataset as plain data, with the number of images of each class in label order. */
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
  /** Sentences for the user about peculiarities of the files. */
  readonly notes: readonly string[]
}

/** Summarises a dataset for `bench data info`. */
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

function countClasses({ labels }: ImageSet, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]++
  return counts
}
