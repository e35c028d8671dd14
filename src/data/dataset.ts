/**
 * A labelled image dataset in memory, in the same form for every file format, and its summary for `bench data info`.
 */
import type { ImageCounts, ImageShape, ImageSplit } from '../core/data.ts'

/** Labelled images of one size: the training set or the test set of a dataset. */
export interface ImageSet {
  readonly count: number
  /** Intensities 0 … 255 of all images, [count, height, width, channels]. */
  readonly pixels: Uint8Array
  /** Class of each image of the set, 0 … classes − 1. */
  readonly labels: Int32Array
  /**
   * Returns the same set for a caller that reads only the images at the indices `rows`; the pixels of all other images
   * may be missing. Present in sets whose images are generated on demand.
   */
  only?(rows: Uint32Array): ImageSet
}

/**
 * Indices into the test set of the images of x-valid and of x-test, NAS-Bench-201's validation and test images. The two
 * are disjoint and together the whole test set.
 */
export interface TestHalves {
  readonly xValid: Uint32Array
  readonly xTest: Uint32Array
}

export interface Dataset {
  readonly name: string
  readonly shape: ImageShape
  /** Name of each class of the dataset, in label order. */
  readonly classNames: readonly string[]
  /**
   * SHA-256 (hexadecimal) of the dataset's images and labels, or of the generator's parameters: part of a job's
   * identity.
   */
  readonly contentHash: string
  /** One line for the user: which dataset was read, in which format, and from which folder or archive. */
  readonly origin: string
  /** Sentences for the user about peculiarities of the dataset's files. */
  readonly notes?: readonly string[]
  readonly train: ImageSet
  readonly test: ImageSet
  /** How the program divided the images; absent: the files say which are training and which are test images. */
  readonly split?: ImageSplit
  /** The benchmark's halves of the test set, if the folder of the images has a file that lists them. */
  readonly testHalves?: TestHalves
  /**
   * Mean of each channel of the dataset for intensities scaled to 0 … 1, for the normalisation (x / 255 − mean) / std.
   */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Returns the numbers of training images, test images and classes of a dataset. */
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
  /** How the program divided the images; absent: the files say which are training and which are test images. */
  readonly split?: ImageSplit
  readonly classes: readonly { readonly name: string; readonly trainImages: number; readonly testImages: number }[]
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly contentHash: string
  /** Sentences for the user about peculiarities of the dataset's files. */
  readonly notes: readonly string[]
}

/** Summarises a dataset for `bench data info`. */
export function datasetInfo(dataset: Dataset): DatasetInfo {
  const { name, origin, shape, classNames, train, test, mean, std, contentHash, notes = [], split } = dataset
  const [trainCounts, testCounts] = [train, test].map((set) => countClasses(set, shape.classes))
  return {
    name,
    origin,
    image: { height: shape.height, width: shape.width, channels: shape.channels },
    trainImages: train.count,
    testImages: test.count,
    ...(split && { split }),
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
