/** What a reader of some file format makes of the files it finds. */
import { createHash } from 'node:crypto'
import type { ImageShape } from '../../core/data.ts'
import type { ImageSet, TestHalves } from '../dataset.ts'
import type { DecodeOptions } from './decodeImages.ts'
import type { FileTree } from './fileTree.ts'

export interface Contents {
  readonly shape: ImageShape
  readonly classNames: readonly string[]
  readonly train: ImageSet
  readonly test: ImageSet
  /** What was read, in a few words. */
  readonly origin: string
  readonly contentHash: string
  /** What the user should know of the files, a sentence each. */
  readonly notes: readonly string[]
  readonly testHalves?: TestHalves
}

/** One file format of datasets. */
export interface Reader {
  /** For messages: the files that it looks for. */
  readonly lookFor: string
  matches(tree: FileTree): boolean
  read(tree: FileTree, options: DecodeOptions): Promise<Contents>
  /** What an earlier `read` of the archive kept, without unpacking it. */
  kept?(archive: string, options: DecodeOptions): Promise<Contents | undefined>
}

/** SHA-256 over shape, pixels and labels of both sets, hexadecimal. The file format that they came in does not enter. */
export function contentHash(shape: ImageShape, train: ImageSet, test: ImageSet): string {
  const { height, width, channels, classes } = shape
  const hash = createHash('sha256').update(JSON.stringify([height, width, channels, classes, train.count, test.count]))
  for (const { pixels, labels } of [train, test]) {
    hash.update(pixels).update(Int16Array.from(labels))
  }
  return hash.digest('hex')
}
