/**
 * Writes the images of a search as NumPy files, for search methods that are external programs: the two halves of the
 * training set, with the same images in the same order as a search in this program uses.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProgramImages } from '../core/algorithm.ts'
import type { Protocol } from '../core/protocol.ts'
import { random } from '../core/random.ts'
import { viewImages } from './batches/imageView.ts'
import { searchHalves } from './batches/subset.ts'
import type { Dataset } from './dataset.ts'
import type { SearchHalves } from './imagesInMemory.ts'

/**
 * Writes the images of a search to a folder, not normalised, scaled to the size that the protocol asks for.
 * @param halves the two halves, such as the benchmark's own; absent: the seeded split of the protocol
 */
export function writeSearchImages(
  folder: string,
  dataset: Pick<Dataset, 'shape' | 'train' | 'test' | 'mean' | 'std'>,
  { data, seed, halves }: { readonly data: Protocol['data']; readonly seed: number; readonly halves?: SearchHalves },
): ProgramImages {
  const chosen = halves ?? {
    ...searchHalves(dataset.train.labels, data, random(seed, 'data', 'halves')),
    architectureFrom: 'train' as const,
  }
  const half = (name: 'weights' | 'architecture', from: 'train' | 'test') => {
    const indices = chosen[name]
    const { set, shape, rows } = viewImages({ set: dataset[from], shape: dataset.shape, rows: indices }, data.imageSize)
    const length = shape.height * shape.width * shape.channels
    const pixels = new Uint8Array(rows.length * length)
    rows.forEach((row, i) => {
      pixels.set(set.pixels.subarray(row * length, (row + 1) * length), i * length)
    })
    const path = (what: string) => join(folder, `${name}-${what}.npy`)
    writeArray(path('images'), '|u1', [rows.length, shape.height, shape.width, shape.channels], pixels)
    writeArray(
      path('labels'),
      '<i4',
      [rows.length],
      Int32Array.from(rows, (row) => set.labels[row]),
    )
    writeArray(path('indices'), '<i4', [rows.length], Int32Array.from(indices))
    return { images: path('images'), labels: path('labels'), indices: path('indices'), from }
  }
  return {
    weights: half('weights', 'train'),
    architecture: half('architecture', chosen.architectureFrom),
    mean: dataset.mean,
    std: dataset.std,
    classes: dataset.shape.classes,
  }
}

/** Writes an array as a NumPy file of version 1.0. @param type `|u1` or `<i4` */
function writeArray(path: string, type: string, shape: readonly number[], values: Uint8Array | Int32Array): void {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`
  const padded = `${text.padEnd(64 * Math.ceil((10 + text.length + 1) / 64) - 11)}\n`
  const head = Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.alloc(2),
    Buffer.from(padded, 'latin1'),
  ])
  head.writeUInt16LE(padded.length, 8)
  writeFileSync(path, Buffer.concat([head, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]))
}
