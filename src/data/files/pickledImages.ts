/**
 * Reads image datasets that are stored as Python pickles, without executing code: the Python versions of CIFAR-10 and
 * CIFAR-100, and ImageNet downsampled to 16×16 pixels (Chrabaszcz et al., 2017), whose first 120 classes are
 * ImageNet16-120. Each file is a dictionary with labels and `data`, a byte array of shape [images, 3 planes × height ×
 * width].
 */
import { BenchError } from '../../core/errors.ts'
import { naturalOrder, pluralize } from '../../core/plainText.ts'
import { PickleInput } from '../../pickle/pickleInput.ts'
import { readPickle } from '../../pickle/readPickle.ts'
import { NdArray } from '../../pickle/values.ts'
import { fileHash } from '../../system/checksums.ts'
import type { ImageSet } from '../dataset.ts'
import { interleave } from './cifarBinary.ts'
import { type Contents, contentHash, type Reader } from './contents.ts'
import { decodedFile, readDecoded, writeDecoded } from './decodedCache.ts'
import type { FileTree } from './fileTree.ts'

/** Names and contents of the pickle files of one dataset: dictionary keys, image size, classes. */
export interface PickleFormat {
  readonly lookFor: string
  readonly training: RegExp
  readonly test: RegExp
  /** Side of the dataset's square images, in pixels. */
  readonly side: number
  /** Number of classes to keep, beginning with the first; images of the other classes are left out. */
  readonly classes: number
  /** Number of classes in the dataset's files, and the label of the first class. */
  readonly labelled: { readonly classes: number; readonly first: number }
  readonly labelsKey: string
  /** Name of the file with the class names, and their key in its dictionary; absent: the dataset has no such file. */
  readonly names?: { readonly file: string; readonly key: string }
}

export const CIFAR10_PICKLES: PickleFormat = {
  lookFor: 'data_batch_1 … and test_batch (pickles)',
  training: /^data_batch_\d+$/,
  test: /^test_batch$/,
  side: 32,
  classes: 10,
  labelled: { classes: 10, first: 0 },
  labelsKey: 'labels',
  names: { file: 'batches.meta', key: 'label_names' },
}

export const CIFAR100_PICKLES: PickleFormat = {
  lookFor: 'train and test (pickles)',
  training: /^train$/,
  test: /^test$/,
  side: 32,
  classes: 100,
  labelled: { classes: 100, first: 0 },
  labelsKey: 'fine_labels',
  names: { file: 'meta', key: 'fine_label_names' },
}

export const IMAGENET16_PICKLES: PickleFormat = {
  lookFor: 'train_data_batch_1 … and val_data (pickles of 16×16 images)',
  training: /^train_data_batch_\d+$/,
  test: /^val_data$/,
  side: 16,
  classes: 120,
  labelled: { classes: 1000, first: 1 },
  labelsKey: 'labels',
}

/** Returns the reader of one dataset in pickles. The decoded pixels are cached. */
export function pickleReader(format: PickleFormat): Reader {
  const way = `pickles-${format.classes}`
  return {
    lookFor: format.lookFor,
    matches: (tree) => tree.paths.some((path) => format.training.test(path)),
    async read(tree, { report }) {
      const file = decodedFile(await tree.fingerprint(), way)
      const kept = await readDecoded(file)
      if (kept !== undefined) return kept
      report(`reading the pickles of ${tree.root}, once; the pixels are kept in ${file}`)
      const contents = await readContents(tree, format)
      writeDecoded(file, contents, report)
      return contents
    },
    kept: async (archive) => readDecoded(decodedFile(await fileHash(archive), way)),
  }
}

async function readContents(tree: FileTree, format: PickleFormat): Promise<Contents> {
  const train = await readFiles(tree, format.training, format)
  const test = await readFiles(tree, format.test, format)
  const shape = { height: format.side, width: format.side, channels: 3, classes: format.classes }
  return {
    shape,
    classNames: await readNames(tree, format),
    train,
    test,
    origin: 'pickles',
    contentHash: contentHash(shape, train, test),
    notes: [],
  }
}

/**
 * Reads the images of all files whose names match, one file after the other, so that only one pickle is in memory at a
 * time.
 */
async function readFiles(tree: FileTree, files: RegExp, format: PickleFormat): Promise<ImageSet> {
  const paths = tree.paths.filter((path) => files.test(path)).sort(naturalOrder)
  if (paths.length === 0) throw new BenchError('missing', `${tree.root} lacks a set; expected ${format.lookFor}`)
  const parts: ImageSet[] = []
  for (const path of paths) parts.push(await readImages(tree, path, format))
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    pixels: new Uint8Array(Buffer.concat(parts.map(({ pixels }) => pixels))),
    labels: Int32Array.from(parts.flatMap(({ labels }) => [...labels])),
  }
}

async function readImages(tree: FileTree, path: string, format: PickleFormat): Promise<ImageSet> {
  const { side, classes, labelled, labelsKey } = format
  const length = 3 * side * side
  const file = tree.locate(path)
  const dict = readDict(await tree.read(path), file)
  const data = imageBytes(field(dict, 'data'), length, file)
  const labels = wholeNumbers(field(dict, labelsKey), data.length / length, file)
  const kept = labels.flatMap((label, i) => (checked(label, labelled, file, i) < classes ? [i] : []))
  const pixels = new Uint8Array(kept.length * length)
  kept.forEach((index, i) => {
    interleave(data, index * length, pixels, i * length, side * side)
  })
  return { count: kept.length, pixels, labels: Int32Array.from(kept, (index) => labels[index] - labelled.first) }
}

async function readNames(tree: FileTree, { names, classes }: PickleFormat): Promise<string[]> {
  const numbered = Array.from({ length: classes }, (_, label) => `class ${label}`)
  if (names === undefined || !tree.paths.includes(names.file)) return numbered
  const file = tree.locate(names.file)
  const found = field(readDict(await tree.read(names.file), file), names.key)
  if (Array.isArray(found) && found.length === classes) return found.map(asText)
  throw new BenchError('bad-input', `${file} has no list of ${pluralize(classes, 'name')} under "${names.key}"`)
}

function readDict(bytes: Uint8Array, file: string): Map<unknown, unknown> {
  const content = readPickle(new PickleInput(file, bytes))
  if (content instanceof Map) return content
  throw new BenchError('bad-input', `${file} holds no dictionary; expected one with images and labels`)
}

/**
 * Returns the value of a key of an unpickled dictionary. Keys are texts, or bytes if Python 3 rewrote a file of Python
 * 2.
 */
function field(dict: Map<unknown, unknown>, key: string): unknown {
  for (const [name, value] of dict) if (asText(name) === key) return value
  return undefined
}

function asText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return typeof value === 'string' ? value : ''
}

function imageBytes(data: unknown, length: number, file: string): Uint8Array {
  const bytes = data instanceof NdArray && data.dtype.code === 'u1' && !data.fortran ? data.data : undefined
  if (bytes !== undefined && bytes.length > 0 && bytes.length % length === 0) return bytes
  const found = bytes === undefined ? 'no array of bytes' : `${pluralize(bytes.length, 'byte')}`
  throw new BenchError('bad-input', `${file} has ${found} under "data"; expected images of ${length} bytes`)
}

function wholeNumbers(labels: unknown, count: number, file: string): number[] {
  const numbers = labels instanceof NdArray ? labels.numbers() : labels
  if (Array.isArray(numbers) && numbers.length === count) return numbers as number[]
  const found = Array.isArray(numbers) ? pluralize(numbers.length, 'label') : 'no labels'
  throw new BenchError('bad-input', `${file} has ${found} for ${pluralize(count, 'image')}`)
}

/** Converts a label to a class number from 0. @throws BenchError `corrupt` for a label out of range */
function checked(label: number, { classes, first }: PickleFormat['labelled'], file: string, index: number): number {
  if (Number.isInteger(label) && label >= first && label < first + classes) return label - first
  throw new BenchError('corrupt', `${file}, image ${index}: label ${label}; expected ${first} … ${first + classes - 1}`)
}
