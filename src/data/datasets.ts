/** The datasets by name, and how each is opened. */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { BenchError } from '../core/errors.ts'
import { nearestName, unknownName } from '../core/names.ts'
import { userFolder } from '../core/userFolder.ts'
import { CIFAR10_BINARY, CIFAR100_BINARY, cifarBinaryReader } from './cifarBinary.ts'
import type { Contents, Reader } from './contents.ts'
import type { Dataset } from './dataset.ts'
import type { DecodeOptions } from './decodeImages.ts'
import { type FileTree, openFolder } from './fileTree.ts'
import { imageReader } from './imageReader.ts'
import { type ChannelStatistics, CIFAR10, CIFAR100, channelStatistics, IMAGENET16 } from './normalisation.ts'
import { CIFAR10_PICKLES, CIFAR100_PICKLES, IMAGENET16_PICKLES, pickleReader } from './pickledImages.ts'
import { shapes } from './shapes.ts'
import { isArchive, openArchive } from './tarArchive.ts'
import { readTestHalves } from './testHalves.ts'

export interface OpenDatasetOptions extends Partial<DecodeOptions> {
  /** Folder or tar archive; where absent, what `bench data fetch` left in the user's data folder. */
  readonly folder?: string
}

/** A dataset that is read from files. */
interface FileDataset {
  readonly description: string
  /** Tried in this order. */
  readonly readers: readonly Reader[]
  /** Computed from the training set where absent. */
  readonly statistics?: ChannelStatistics
}

const FILE_DATASETS: Readonly<Record<string, FileDataset>> = {
  cifar10: {
    description: '50,000 + 10,000 photographs of 32×32 pixels in 10 classes (Krizhevsky, 2009)',
    readers: [cifarBinaryReader(CIFAR10_BINARY), pickleReader(CIFAR10_PICKLES), imageReader(10)],
    statistics: CIFAR10,
  },
  cifar100: {
    description: '50,000 + 10,000 photographs of 32×32 pixels in 100 classes (Krizhevsky, 2009)',
    readers: [cifarBinaryReader(CIFAR100_BINARY), pickleReader(CIFAR100_PICKLES), imageReader(100)],
    statistics: CIFAR100,
  },
  'ImageNet16-120': {
    description:
      '151,700 + 6,000 photographs of 16×16 pixels: the first 120 classes of ImageNet (Chrabaszcz et al., 2017)',
    readers: [pickleReader(IMAGENET16_PICKLES), imageReader(120)],
    statistics: IMAGENET16,
  },
}

/** Any other name, with a folder: a user's own images. */
const OWN_IMAGES: FileDataset = { description: 'an image folder of your own', readers: [imageReader()] }

/** What `bench list datasets` shows. */
export const DATASETS: readonly { readonly name: string; readonly description: string }[] = [
  { name: 'shapes', description: 'built in: 16×16 drawings in 10 classes, made by a seeded generator' },
  ...Object.entries(FILE_DATASETS).map(([name, { description }]) => ({ name, description })),
]

/** A dataset's name as we write it, however it is cased; any other name as it is. */
export function knownName(typed: string): string {
  return DATASETS.find(({ name }) => name.toLowerCase() === typed.toLowerCase())?.name ?? typed
}

/** Where `bench data fetch` puts a dataset, and where it is looked for when no folder is named. */
export function datasetFolder(name: string): string {
  return userFolder('datasets', name)
}

/** Whether a dataset is where it is looked for when no folder is named. */
export function isFetched(name: string): boolean {
  return existsSync(datasetFolder(name))
}

/**
 * Opens a dataset by name. A name that is not known, with a folder, is an image folder of the user's own.
 * @throws BenchError `unknown-name`; `missing` where the files are not there; `bad-input` and `corrupt` for what is wrong
 * in them
 */
export async function openDataset(typed: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const name = knownName(typed)
  if (name === 'shapes') return builtIn(options)
  const known = findDataset(name, options.folder)
  const root = await findRoot(name, options.folder)
  const contents = await readRoot(name, known, root, {
    imageSize: options.imageSize ?? null,
    brokenImages: options.brokenImages ?? 'fail',
    report: options.report ?? (() => undefined),
  })
  return { name, ...contents, ...(known.statistics ?? channelStatistics(contents.train, contents.shape.channels)) }
}

function builtIn({ folder }: OpenDatasetOptions): Dataset {
  if (folder === undefined) return shapes()
  throw new BenchError('bad-input', 'shapes is drawn by the program and reads no files; leave out --data')
}

function findDataset(name: string, folder: string | undefined): FileDataset {
  const known = FILE_DATASETS[name]
  if (known !== undefined) return known
  const names = DATASETS.map((dataset) => dataset.name)
  if (folder === undefined || nearestName(name, names) !== undefined) throw unknownName('dataset', name, names)
  return OWN_IMAGES
}

async function findRoot(name: string, folder: string | undefined): Promise<string> {
  const root = folder ?? datasetFolder(name)
  if (existsSync(root)) return root
  const found =
    folder === undefined ? `dataset ${name} is not on this machine` : `dataset ${name}: there is no ${folder}`
  throw new BenchError('missing', `${found}; get it with "bench data fetch ${name}" or name its folder with --data`)
}

/** Reads a folder in the first format that its files are in; else in that of the one archive among them. */
async function readRoot(name: string, known: FileDataset, root: string, options: DecodeOptions): Promise<Contents> {
  if (isArchive(root)) return readArchive(name, known, root, options)
  if (!(await stat(root)).isDirectory()) {
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
