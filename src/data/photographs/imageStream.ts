/** Large image folders (ImageNet): listed, not read. Their batches: `streamedBatches.ts`. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { ImageShape } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { type ChannelStatistics, IMAGENET } from '../batches/normalisation.ts'
import { datasetFolder } from '../datasetNames.ts'
import { openFolder } from '../files/fileTree.ts'
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
  /** SHA-256 of the files' paths and sizes: reading a hundred gigabytes to name them would take longer than many a search. */
  readonly contentHash: string
  readonly origin: string
  readonly train: ImageFiles
  readonly test: ImageFiles
  readonly statistics: ChannelStatistics
}

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
  const { classNames, train, test } = imageLayout(tree)
  const files = (list: readonly LabelledFile[]): ImageFiles => ({
    paths: list.map((file) => path.resolve(tree.locate(file.path))),
    labels: Int32Array.from(list, ({ label }) => label),
  })
  return {
    name,
    shape: { height: imageSize, width: imageSize, channels: 3, classes: classNames.length },
    classNames,
    contentHash: await listingHash([...train, ...test], tree.locate),
    origin: `image folder ${folder}, read as it is needed`,
    train: files(train),
    test: files(test),
    statistics: IMAGENET,
  }
}

async function listingHash(files: readonly LabelledFile[], locate: (path: string) => string): Promise<string> {
  const limit = pLimit(64)
  const sizes = await Promise.all(files.map((file) => limit(async () => (await stat(locate(file.path))).size)))
  const hash = createHash('sha256')
  files.forEach((file, i) => {
    hash.update(`${file.path}\n${sizes[i]}\n`)
  })
  return hash.digest('hex')
}
