/** A labelled image set in memory, as every source gives it and every batch source reads it. */
import type { ImageCounts, ImageShape } from '../core/data.ts'
import type { TestHalves } from './testHalves.ts'

export interface ImageSet {
  readonly count: number
  /** [count, height, width, channels], NHWC, 0 … 255. */
  readonly pixels: Uint8Array
  /** Class of each image, 0 … classes − 1. */
  readonly labels: Int32Array
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
