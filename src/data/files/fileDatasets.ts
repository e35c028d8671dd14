/**
 * Opens the datasets that are read from files: lists the file formats of each, and finds the files in a folder or
 * archive.
 */
import { stat } from 'node:fs/promises'
import { BenchError } from '../../core/errors.ts'
import { isThere } from '../../system/readable.ts'
import { type ChannelStatistics, CIFAR10, CIFAR100, channelStatistics, IMAGENET16 } from '../batches/transforms.ts'
import type { Dataset } from '../dataset.ts'
import { datasetFolder, type FileDatasetName, howToGet, missingImages } from '../datasetNames.ts'
import { readTestHalves } from '../testHalves.ts'
import { CIFAR10_BINARY, CIFAR100_BINARY, cifarBinaryReader } from './cifarBinary.ts'
import type { Contents, Reader } from './contents.ts'
import type { DecodeOptions, ImageSize } from './decodeImages.ts'
import { type FileTree, openFolder } from './fileTree.ts'
import { type ImageFolder, parseImageFolder, splitText } from './imageFolder.ts'
import { imageReader } from './imageReader.ts'
import { CIFAR10_PICKLES, CIFAR100_PICKLES, IMAGENET16_PICKLES, pickleReader } from './pickledImages.ts'
import { isArchive, openArchive } from './tarArchive.ts'

export type { ImageSize }

export interface OpenDatasetOptions extends Partial<DecodeOptions> {
  /**
   * Folder or tar archive with the dataset's files, which may say how its images are divided (`parseImageFolder`);
   * absent: the folder into which `bench data fetch` puts the dataset.
   */
  readonly folder?: string
}

/** The file formats in which a known dataset may be stored, and its channel statistics. */
interface FileDataset {
  /** Readers of the dataset's file formats, tried in this order. */
  readonly readers: readonly Reader[]
  /** Published channel statistics of the dataset; absent: they are computed from the training set. */
  readonly statistics?: ChannelStatistics
}

const KNOWN: Readonly<Record<FileDatasetName, FileDataset>> = {
  cifar10: {
    readers: [cifarBinaryReader(CIFAR10_BINARY), pickleReader(CIFAR10_PICKLES), imageReader(10)],
    statistics: CIFAR10,
  },
  cifar100: {
    readers: [cifarBinaryReader(CIFAR100_BINARY), pickleReader(CIFAR100_PICKLES), imageReader(100)],
    statistics: CIFAR100,
  },
  'ImageNet16-120': { readers: [pickleReader(IMAGENET16_PICKLES), imageReader(120)], statistics: IMAGENET16 },
}

/** How to read a dataset of an unknown name: an image folder of the user's own. */
const OWN_IMAGES: FileDataset = { readers: [imageReader()] }

/**
 * Opens a dataset that is read from files.
 * @throws the errors of `openDataset`
 */
export async function openFileDataset(name: string, options: OpenDatasetOptions): Promise<Dataset> {
  const known = name in KNOWN ? KNOWN[name as FileDatasetName] : OWN_IMAGES
  const { path: root, split } = await findRoot(name, options.folder)
  if (split !== undefined && known !== OWN_IMAGES) {
    throw new BenchError('bad-input', `${name} has training and test images of its own; leave out ${splitText(split)}`)
  }
  const contents = await readRoot(name, known, root, {
    ...(split && { split }),
    imageSize: options.imageSize ?? null,
    sizeSetting: options.sizeSetting ?? '--image-size 32',
    brokenImages: options.brokenImages,
    skipSetting: options.skipSetting,
    report: options.report ?? (() => undefined),
  })
  const missing = missingImages(name, { train: contents.train.count, test: contents.test.count })
  const notes = [...contents.notes, ...(missing === undefined ? [] : [`${name} in ${root} has ${missing}`])]
  return {
    name,
    ...contents,
    notes,
    ...(known.statistics ?? channelStatistics(contents.train, contents.shape.channels)),
  }
}

async function findRoot(name: string, folder: string | undefined): Promise<ImageFolder> {
  const root = folder === undefined ? { path: datasetFolder(name) } : parseImageFolder(folder)
  if (isThere(root.path)) return root
  const found =
    folder === undefined ? `dataset ${name} is not on this machine` : `dataset ${name}: there is no ${root.path}`
  throw new BenchError('missing', `${found}; ${howToGet(name)}`)
}

/**
 * Reads a dataset by the first reader that matches the files in the folder. If none matches, reads the only archive in
 * the folder.
 */
async function readRoot(name: string, known: FileDataset, root: string, options: DecodeOptions): Promise<Contents> {
  const found = await stat(root)
  if (found.isFile() && isArchive(root)) return readArchive(name, known, root, options)
  if (!found.isDirectory()) {
    throw new BenchError('bad-input', `${root} is neither a folder nor a .tar, .tar.gz or .tgz archive`)
  }
  const tree = await openFolder(root)
  const archives = tree.paths.filter((file) => !file.includes('/') && isArchive(file)).map((file) => tree.locate(file))
  const reader = known.readers.find(({ matches }) => matches(tree))
  if (reader !== undefined) {
    const contents = await reader.read(tree, options)
    const testHalves = await readTestHalves(tree, contents.test.count)
    const unread = archives.length === 0 ? '' : `; not read: ${archives.join(', ')}, which --data can name`
    return { ...contents, testHalves, origin: `${contents.origin} in ${root}${unread}` }
  }
  if (archives.length === 1) return readArchive(name, known, archives[0], options)
  throw notFound(name, known, tree)
}

async function readArchive(name: string, known: FileDataset, file: string, options: DecodeOptions): Promise<Contents> {
  const contents = (await keptContents(known, file, options)) ?? (await unpackAndRead(name, known, file, options))
  return { ...contents, origin: `${contents.origin} in ${file}` }
}

async function keptContents(known: FileDataset, file: string, options: DecodeOptions): Promise<Contents | undefined> {
  for (const { kept } of known.readers) {
    const contents = await kept?.(file, options)
    if (contents !== undefined) return contents
  }
  return undefined
}

async function unpackAndRead(
  name: string,
  known: FileDataset,
  file: string,
  options: DecodeOptions,
): Promise<Contents> {
  const tree = await openArchive(file)
  const reader = known.readers.find(({ matches }) => matches(tree))
  if (reader === undefined) throw notFound(name, known, tree)
  return reader.read(tree, options)
}

function notFound(name: string, { readers }: FileDataset, { root, paths }: FileTree): BenchError {
  const expected = readers.map(({ lookFor }) => lookFor).join('; or ')
  const found = paths.slice(0, 5).join(', ') || 'nothing'
  return new BenchError('bad-input', `${root} does not hold ${name}: found ${found}; expected ${expected}`)
}
