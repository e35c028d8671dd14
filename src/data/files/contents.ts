/**
 * The interface that the reader of each image file format implements for the code that opens a dataset. Also computes
 * the hash of a dataset's images.
 */
import { createHash } from 'node:crypto'
import type { ImageShape, ImageSplit } from '../../core/data.ts'
import type { ImageSet, TestHalves } from '../dataset.ts'
import type { DecodeOptions } from './decodeImages.ts'
import type { FileTree } from './fileTree.ts'

/** Classes, images and labels of a dataset, as the reader of its file format returns them. */
export interface Contents {
  readonly shape: ImageShape
  readonly classNames: readonly string[]
  readonly train: ImageSet
  readonly test: ImageSet
  /** File format from which the dataset was read, in a few words, such as `binary version`. */
  readonly origin: string
  readonly contentHash: string
  /** Sentences for the user about peculiarities of the dataset's files. */
  readonly notes: readonly string[]
  readonly testHalves?: TestHalves
  /** How the program divided the images; absent: the files say which are training and which are test images. */
  readonly split?: ImageSplit
}

/** Reads datasets of one file format. */
export interface Reader {
  /** Names of the files that the reader looks for, for error messages. */
  readonly lookFor: string
  /** Returns whether the files of a folder or archive are in the reader's format. */
  matches(tree: FileTree): boolean
  read(tree: FileTree, options: DecodeOptions): Promise<Contents>
  /**
   * Returns the images that an earlier `read` of the archive left in the cache, without unpacking the archive;
   * undefined if there are none.
   */
  kept?(archive: string, options: DecodeOptions): Promise<Contents | undefined>
}

/** Returns the SHA-256 of shape, pixels and labels of both sets, hexadecimal. It does not depend on the file format. */
export function contentHash(shape: ImageShape, train: ImageSet, test: ImageSet): string {
  const { height, width, channels, classes } = shape
  const hash = createHash('sha256').update(JSON.stringify([height, width, channels, classes, train.count, test.count]))
  for (const { pixels, labels } of [train, test]) {
    hash.update(pixels).update(Int16Array.from(labels))
  }
  return hash.digest('hex')
}
