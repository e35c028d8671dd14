/** A labelled image set in memory, as every source gives it and every batch source reads it. */
import type { ImageCounts, ImageShape } from '../core/data.ts'

export interface ImageSet {
  readonly count: number
  /** [count, height, width, channels], NHWC, 0 … 255. */
  readonly pixels: Uint8Array
  /** Class of each image, 0 … classes − 1. */
  readonly labels: Int32Array
}

/** Indices into the test set, disjoint, together all of it. */
export interface TestHalves {
  readonly xValid: Uint32Array
  readonly xTest: Uint32Array
}

export interface Dataset {
  readonly name: string
  readonly shape: ImageShape
  /** One a class, in label order. */
  readonly classNames: readonly string[]
  /** SHA-256 (hexadecimal) of the images and labels, or of the generator's parameters: part of a job's identity. */
  readonly contentHash: string
  /** What was read and from where, in one line for the user, without the counts. */
  readonly origin: string
  /** What the user should know of the files, a sentence each; absent: nothing. */
  readonly notes?: readonly string[]
  readonly train: ImageSet
  readonly test: ImageSet
  /** A benchmark's own halves of the test set, where a file in the folder of the images names them. */
  readonly testHalves?: TestHalves
  /** Of each channel in units of 0 … 1, for normalisation: (x / 255 − mean) / std. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

export const countsOf = ({ shape, train, test }: Pick<Dataset, 'shape' | 'train' | 'test'>): ImageCounts => ({
  train: train.count,
  test: test.count,
  classes: shape.classes,
})

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

function countClasses({ labels }: ImageSet, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]++
  return counts
}
