/**
 * Reads the binary versions of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html). A record is one
 * image: one or two label bytes, then 3,072 bytes with the red, green and blue planes of 32×32 pixels, row by row.
 */
import { BenchError } from '../../core/errors.ts'
import { naturalOrder, pluralize } from '../../core/plainText.ts'
import type { ImageSet } from '../dataset.ts'
import { contentHash, type Reader } from './contents.ts'
import type { FileTree } from './fileTree.ts'

const SIDE = 32
const PLANE = SIDE * SIDE
const IMAGE = 3 * PLANE

/** How CIFAR-10 and CIFAR-100 differ: the layout of a record, and the names of the files. */
export interface CifarFormat {
  readonly classes: number
  /** Number of label bytes in a record. CIFAR-100 has a coarse label before the fine one; only the fine one is read. */
  readonly labelBytes: number
  readonly training: RegExp
  readonly test: RegExp
  /** Name of the text file with the names of the dataset's classes, one per line. */
  readonly names: string
}

export const CIFAR10_BINARY: CifarFormat = {
  classes: 10,
  labelBytes: 1,
  training: /^data_batch_\d+\.bin$/,
  test: /^test_batch\.bin$/,
  names: 'batches.meta.txt',
}

export const CIFAR100_BINARY: CifarFormat = {
  classes: 100,
  labelBytes: 2,
  training: /^train\.bin$/,
  test: /^test\.bin$/,
  names: 'fine_label_names.txt',
}

/** Returns the reader of CIFAR-10's or CIFAR-100's binary files. */
export function cifarBinaryReader(format: CifarFormat): Reader {
  return {
    lookFor: format === CIFAR10_BINARY ? 'data_batch_*.bin and test_batch.bin' : 'train.bin and test.bin',
    matches: (tree) => tree.paths.some((path) => format.training.test(path)),
    read: async (tree) => {
      const [train, test] = [
        await readRecords(tree, format.training, format),
        await readRecords(tree, format.test, format),
      ]
      const shape = { height: SIDE, width: SIDE, channels: 3, classes: format.classes }
      return {
        shape,
        classNames: await readClassNames(tree, format),
        train,
        test,
        origin: 'binary version',
        contentHash: contentHash(shape, train, test),
        notes: [],
      }
    },
  }
}

/**
 * Reads the records of all files whose names match, in the order of the names.
 * @throws BenchError `corrupt` for a partial record, an empty file or a label out of range
 */
async function readRecords(tree: FileTree, files: RegExp, format: CifarFormat): Promise<ImageSet> {
  const paths = tree.paths.filter((path) => files.test(path)).sort(naturalOrder)
  if (paths.length === 0) {
    throw new BenchError(
      'missing',
      `${tree.root} has no ${files.source.replaceAll(/[\\^$]/g, '')}; expected it beside the other set`,
    )
  }
  const contents = await Promise.all(paths.map((path) => tree.read(path)))
  contents.forEach((content, i) => {
    checkLength(tree.locate(paths[i]), content.length, format)
  })
  const record = format.labelBytes + IMAGE
  const count = contents.reduce((sum, content) => sum + content.length / record, 0)
  const set = { count, pixels: new Uint8Array(count * IMAGE), labels: new Int32Array(count) }
  let index = 0
  contents.forEach((content, i) => {
    for (let at = 0; at < content.length; at += record, index++) {
      set.labels[index] = checkedLabel(content[at + format.labelBytes - 1], format, tree.locate(paths[i]), at / record)
      interleave(content, at + format.labelBytes, set.pixels, index * IMAGE)
    }
  })
  return set
}

/**
 * Converts three colour planes to pixels of three channels (CHW → HWC).
 * @param from index at which the planes begin in `planes`
 * @param to index at which the image begins in `pixels`
 * @param plane number of pixels of the image
 */
export function interleave(planes: Uint8Array, from: number, pixels: Uint8Array, to: number, plane = PLANE): void {
  for (let i = 0; i < plane; i++) {
    pixels[to + 3 * i] = planes[from + i]
    pixels[to + 3 * i + 1] = planes[from + plane + i]
    pixels[to + 3 * i + 2] = planes[from + 2 * plane + i]
  }
}

/** Reads the names of the classes; without the file of names they are `class 0`, `class 1`, … */
async function readClassNames(tree: FileTree, { names: file, classes }: CifarFormat): Promise<string[]> {
  if (!tree.paths.includes(file)) return Array.from({ length: classes }, (_, label) => `class ${label}`)
  const lines = (await tree.read(file)).toString('utf8').split('\n')
  const names = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (names.length === classes) return names
  throw new BenchError(
    'bad-input',
    `${tree.locate(file)} has ${names.length} class names; expected ${classes}, one a line`,
  )
}

function checkLength(file: string, length: number, { labelBytes }: CifarFormat): void {
  const record = labelBytes + IMAGE
  if (length > 0 && length % record === 0) return
  const found =
    length === 0
      ? 'is empty'
      : `has ${pluralize(length, 'byte')}, which ends inside record ${Math.floor(length / record)}`
  throw new BenchError('corrupt', `${file} ${found}; expected a multiple of ${record} bytes; copy or download it again`)
}

function checkedLabel(label: number, { classes, labelBytes }: CifarFormat, file: string, record: number): number {
  if (label < classes) return label
  throw new BenchError(
    'corrupt',
    `${file}, record ${record}: label ${label}; expected 0 … ${classes - 1} (records of ${labelBytes + IMAGE} bytes)`,
  )
}
