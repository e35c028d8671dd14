/** Large image folders (ImageNet): listed, not read. Their batches: `streamedBatches.ts`. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { ImageCounts, ImageShape } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../system/checksums.ts'
import { type ChannelStatistics, IMAGENET } from '../batches/transforms.ts'
import { datasetFolder } from '../datasetNames.ts'
import { keptHash } from '../files/decodedCache.ts'
import { type FileTree, hashOfLines, openFolder } from '../files/fileTree.ts'
import { imageLayout, type LabelledFile } from '../files/imageLayout.ts'

/** A set of image files. */
export interface ImageFiles {
  /** Absolute. */
  readonly paths: readonly string[]
  readonly labels: Int32Array
}

export interface ImageStream {
  readonly name: string
  /** Of the batches: square, RGB. */
  readonly shape: ImageShape
  readonly classNames: readonly string[]
  /** SHA-256 of the files' paths and sizes, and of their bytes up to 4 GiB in all. */
  readonly contentHash: string
  readonly origin: string
  readonly train: ImageFiles
  readonly test: ImageFiles
  readonly statistics: ChannelStatistics
  /** What the user should know of the files, a sentence each. */
  readonly notes: readonly string[]
}

export const streamCounts = ({ shape, train, test }: Pick<ImageStream, 'shape' | 'train' | 'test'>): ImageCounts => ({
  train: train.paths.length,
  test: test.paths.length,
  classes: shape.classes,
})

/**
 * Lists an image folder: `train/` and `val/` (or `test/`), one folder a class.
 * @param folder absent: that of the dataset in the user's data folder
 * @param imageSize side of the network's input: 224 in the literature
 * @throws BenchError `missing`, or `bad-input` for empty classes and classes that only one side has
 */
export async function openImageStream(
  name: string,
  folder = datasetFolder(name),
  imageSize = 224,
): Promise<ImageStream> {
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() ?? false
  if (!isFolder) {
    throw new BenchError('missing', `dataset ${name}: ${folder} is no folder; name one with train/ and val/ by --data`)
  }
  const tree = await openFolder(folder)
  const { classNames, train, test, notes } = imageLayout(tree)
  const files = (list: readonly LabelledFile[]): ImageFiles => ({
    paths: list.map((file) => path.resolve(tree.locate(file.path))),
    labels: Int32Array.from(list, ({ label }) => label),
  })
  return {
    name,
    shape: { height: imageSize, width: imageSize, channels: 3, classes: classNames.length },
    classNames,
    contentHash: await contentHashOf(tree, [...train, ...test]),
    origin: `image folder ${folder}, read as it is needed`,
    train: files(train),
    test: files(test),
    statistics: IMAGENET,
    notes,
  }
}

/** Up to so many bytes are read to name the images; reading ImageNet would take longer than many a search. */
const MOST_HASHED = 4 * 2 ** 30

/** SHA-256 of paths and sizes, and of the bytes where the files are not too many; kept while no file changes. */
async function contentHashOf(tree: FileTree, files: readonly LabelledFile[]): Promise<string> {
  const { hash } = await keptHash(['photographs', tree.root, await tree.fingerprint()], async () => {
    const limit = pLimit(64)
    const of = <T>(look: (file: string) => Promise<T>) =>
      Promise.all(files.map((file) => limit(() => look(tree.locate(file.path)))))
    const sizes = await of(async (file) => (await stat(file)).size)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const contents = total <= MOST_HASHED ? await of(fileHash) : sizes
    return { hash: hashOfLines(files.map(({ path }, i) => `${path}\n${sizes[i]}\n${contents[i]}`)), notes: [] }
  })
  return hash
}
