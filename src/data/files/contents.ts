/** What a reader of some file format makes of the files it finds. */
import type { ImageShape } from '../../core/data.ts'
import type { ImageSet } from '../dataset.ts'
import type { TestHalves } from '../testHalves.ts'
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
