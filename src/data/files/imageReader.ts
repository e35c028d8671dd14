/** Reads image folders with ImageNet's layout, and archives of such folders. Decoded pixels are cached. */
import { dirname } from 'node:path'
import type { ImageSplit } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { fileHash } from '../../system/checksums.ts'
import { limitOf } from '../../system/limits.ts'
import { type Contents, contentHash, type Reader } from './contents.ts'
import { decodedFile, readDecoded, writeDecoded } from './decodedCache.ts'
import { type DecodeOptions, decodeImages } from './decodeImages.ts'
import { type FileTree, hashOfLines } from './fileTree.ts'
import { hasClassFolders, hasImageLayout, imageLayout } from './imageLayout.ts'

/** Returns the reader of image folders. @param classes required number of classes; absent: any */
export function imageReader(classes?: number): Reader {
  return {
    lookFor: `train/CLASS/*.jpg and test/CLASS/*.jpg (or val/, or PNG)${classes === undefined ? ', or CLASS/*.jpg' : ''}`,
    // The published datasets have training and test images; class folders alone would be an incomplete copy.
    matches: (tree) => hasImageLayout(tree) || (classes === undefined && hasClassFolders(tree)),
    async read(tree, options) {
      const fingerprint = await tree.fingerprint()
      const contents = (await keptContents(fingerprint, options)) ?? (await decodeAll(tree, options, fingerprint))
      return checkedClasses(contents, classes, tree.root)
    },
    async kept(archive, options) {
      const contents = await keptContents(await fileHash(archive), options)
      return contents && checkedClasses(contents, classes, archive)
    },
  }
}

/**
 * Returns the path of the cache file for the images of files with this fingerprint.
 * @param size side in pixels to which the images are scaled; `asis`: unscaled
 * @param split how the user wants the images to be divided; absent: by default
 */
const fileOf = (fingerprint: string, size: number | 'asis', split?: ImageSplit) =>
  decodedFile(fingerprint, `images-${size}${split ? `-${split.testPortion}-${split.seed}` : ''}`)

/**
 * Returns the cached images: unscaled if they are in the cache and fit into memory, else those scaled to `imageSize`.
 */
async function keptContents(fingerprint: string, { imageSize, split }: DecodeOptions): Promise<Contents | undefined> {
  const asTheyAre = await readDecoded(fileOf(fingerprint, 'asis', split))
  if (asTheyAre !== undefined && gibibytesOf(asTheyAre) <= limitOf('dataset-gib')) return asTheyAre
  return imageSize === null ? undefined : readDecoded(fileOf(fingerprint, imageSize, split))
}

const gibibytesOf = ({ train, test }: Contents): number => (train.pixels.length + test.pixels.length) / 2 ** 30

function checkedClasses(contents: Contents, classes: number | undefined, root: string): Contents {
  const found = contents.shape.classes
  if (classes === undefined || found === classes) return contents
  throw new BenchError('bad-input', `${root} has ${found} class folders; expected ${classes}`)
}

/** Decodes training and test images, and caches them unless an image was skipped. */
async function decodeAll(tree: FileTree, options: DecodeOptions, fingerprint: string): Promise<Contents> {
  const layout = imageLayout(tree, options.split)
  const total = layout.train.length + layout.test.length
  options.report(
    `decoding ${pluralize(total, 'image')} of ${tree.root}, once; the pixels are kept in ${dirname(fileOf('', 'asis'))}`,
  )
  const { sets, height, width, filesHash, notes } = await decodeImages(tree, [layout.train, layout.test], options)
  const [train, test] = sets
  const shape = { height, width, channels: 3, classes: layout.classNames.length }
  requireImages(tree, train.count, test.count)
  const contents = {
    ...{ shape, classNames: layout.classNames, train, test },
    origin: filesHash === undefined ? 'decoded JPEG or PNG files' : `JPEG or PNG files scaled to ${width}×${width}`,
    contentHash:
      filesHash === undefined ? contentHash(shape, train, test) : hashOfFiles(filesHash, train.count, shape.classes),
    notes: [...layout.notes, ...notes],
    ...(layout.split && { split: layout.split }),
  }
  const file = fileOf(fingerprint, filesHash === undefined ? 'asis' : width, options.split)
  if (train.count + test.count === total) writeDecoded(file, contents, options.report)
  return contents
}

/** Returns the content hash of scaled images, which also covers the number of training images and of classes. */
const hashOfFiles = (filesHash: string, trainImages: number, classes: number): string =>
  hashOfLines(['files', filesHash, String(trainImages), String(classes)])

function requireImages(tree: FileTree, trainImages: number, testImages: number): void {
  const empty = trainImages === 0 ? 'training' : 'test'
  if (trainImages > 0 && testImages > 0) return
  throw new BenchError('corrupt', `${tree.root}: none of the ${empty} images can be decoded`)
}
