/**
 * Opens large image folders such as ImageNet: lists the files without decoding them (`streamedData.ts` makes batches of
 * them).
 */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { ImageCounts, ImageShape, ImageSplit } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../system/checksums.ts'
import { type ChannelStatistics, IMAGENET } from '../batches/transforms.ts'
import { datasetFolder } from '../datasetNames.ts'
import { cachedHash } from '../files/decodedCache.ts'
import { type FileTree, hashOfLines, openFolder } from '../files/fileTree.ts'
import { parseImageFolder, splitText } from '../files/imageFolder.ts'
import { imageLayout, type LabelledFile } from '../files/imageLayout.ts'

/** The image files of the training set or of the test set, with their labels. */
export interface ImageFiles {
  /** Absolute paths of the image files. */
  readonly paths: readonly string[]
  readonly labels: Int32Array
}

/** An image dataset whose files are decoded when they are needed. */
export interface ImageStream {
  readonly name: string
  /** Shape of the network's input for these images: square, RGB. */
  readonly shape: ImageShape
  readonly classNames: readonly string[]
  /** SHA-256 of the image files' paths and sizes, and of their bytes up to 4 GiB in all. */
  readonly contentHash: string
  readonly origin: string
  /** How the program divided the images; absent: the files say which are training and which are test images. */
  readonly split?: ImageSplit
  readonly train: ImageFiles
  readonly test: ImageFiles
  readonly statistics: ChannelStatistics
  /** Sentences for the user about peculiarities of the dataset's files. */
  readonly notes: readonly string[]
}

/** Returns the numbers of training images, test images and classes of an image dataset. */
export const streamCounts = ({ shape, train, test }: Pick<ImageStream, 'shape' | 'train' | 'test'>): ImageCounts => ({
  train: train.paths.length,
  test: test.paths.length,
  classes: shape.classes,
})

/**
 * Lists the images of a folder: `train/` and `val/` (or `test/`), each with a folder per class; or a folder per class,
 * whose images are divided by a seed.
 * @param named folder of the images, as `parseImageFolder` reads it; absent: the dataset's folder in the user's data folder
 * @param imageSize side of the network's input in pixels: 224 in the literature
 * @throws BenchError `missing`, or `bad-input` for a class without images, or a class that only one of the two sets has
 */
export async function openImageStream(
  name: string,
  named = datasetFolder(name),
  imageSize = 224,
): Promise<ImageStream> {
  const { path: folder, split: wanted } = parseImageFolder(named)
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() ?? false
  if (!isFolder) {
    throw new BenchError(
      'missing',
      `dataset ${name}: ${folder} is not a folder; name one with train/ and val/ by --data`,
    )
  }
  const tree = await openFolder(folder)
  const { classNames, train, test, notes, split } = imageLayout(tree, wanted)
  if (split !== undefined && name === 'imagenet') {
    throw new BenchError(
      'missing',
      `${folder} has no train/ and val/, as ImageNet has; name images of your own otherwise`,
    )
  }
  const files = (list: readonly LabelledFile[]): ImageFiles => ({
    paths: list.map((file) => path.resolve(tree.locate(file.path))),
    labels: Int32Array.from(list, ({ label }) => label),
  })
  return {
    name,
    shape: { height: imageSize, width: imageSize, channels: 3, classes: classNames.length },
    classNames,
    contentHash: await contentHashOf(tree, [...train, ...test], split),
    ...(split && { split }),
    origin: `image folder ${folder}, read as it is needed`,
    train: files(train),
    test: files(test),
    statistics: IMAGENET,
    notes,
  }
}

/**
 * Total size of the files whose bytes enter the content hash. Reading all of ImageNet would take longer than many
 * searches.
 */
const MOST_HASHED = 4 * 2 ** 30

/**
 * Returns the SHA-256 of the files' paths and sizes, and of their bytes up to 4 GiB in all, and of how the program
 * divided them. It is cached until a file changes.
 */
async function contentHashOf(
  tree: FileTree,
  files: readonly LabelledFile[],
  split: ImageSplit | undefined,
): Promise<string> {
  const division = split === undefined ? [] : [splitText(split)]
  const { hash } = await cachedHash(['photographs', tree.root, await tree.fingerprint(), ...division], async () => {
    const limit = pLimit(64)
    const of = <T>(look: (file: string) => Promise<T>) =>
      Promise.all(files.map((file) => limit(() => look(tree.locate(file.path)))))
    const sizes = await of(async (file) => (await stat(file)).size)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const contents = total <= MOST_HASHED ? await of(fileHash) : sizes
    const lines = files.map(({ path }, i) => `${path}\n${sizes[i]}\n${contents[i]}`)
    return { hash: hashOfLines([...division, ...lines]), notes: [] }
  })
  return hash
}
