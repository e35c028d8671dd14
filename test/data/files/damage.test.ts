/** Damaged image datasets of every kind that is read; see ../tables/damaged.ts. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { BenchError } from '../../../src/core/errors.ts'
import { random } from '../../../src/core/random.ts'
import { CIFAR10_BINARY, cifarBinaryReader } from '../../../src/data/files/cifarBinary.ts'
import type { Contents, Reader } from '../../../src/data/files/contents.ts'
import { readDecoded, writeDecoded } from '../../../src/data/files/decodedCache.ts'
import { type FileTree, openFolder } from '../../../src/data/files/fileTree.ts'
import { imageReader } from '../../../src/data/files/imageReader.ts'
import { CIFAR10_PICKLES, IMAGENET16_PICKLES, pickleReader } from '../../../src/data/files/pickledImages.ts'
import { openArchive, unpackArchive } from '../../../src/data/files/tarArchive.ts'
import { decodePhotograph } from '../../../src/data/photographs/decodePhotograph.ts'
import { readTestHalves } from '../../../src/data/testHalves.ts'
import { needsLittleMemory, survivesDamage } from '../../tables/damaged.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import { cifarRecords, imageFiles, png, tar } from '../sampleFiles.ts'

const folder = temporaryFolder()
process.env.NAS_BENCH_HOME = join(folder, 'home')

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/data/${name}.tar.gz`, import.meta.url))

needsLittleMemory()

describe('damage to a dataset is survived:', () => {
  archived('CIFAR-10 pickles', 'cifar10-pickles', 'data_batch_1', pickleReader(CIFAR10_PICKLES))
  archived('their names', 'cifar10-pickles', 'batches.meta', pickleReader(CIFAR10_PICKLES))
  archived('ImageNet16 pickles', 'imagenet16-pickles', 'train_data_batch_1', pickleReader(IMAGENET16_PICKLES))

  const records = cifarRecords([[1], [2]])
  survivesDamage(
    'CIFAR-10 binaries',
    () => records,
    (damaged) =>
      readTree(cifarBinaryReader(CIFAR10_BINARY), treeOf({ 'data_batch_1.bin': damaged, 'test_batch.bin': records })),
    { fixed: (found) => (found as Contents).shape },
  )

  survivesDamage(
    'lists of the halves',
    () => Buffer.from(JSON.stringify({ xvalid: ['int', ['1', '2']], xtest: ['int', ['0', '3']] })),
    (damaged) => readTestHalves(treeOf({ 'cifar100-test-split.txt': damaged }), 4),
  )

  for (const [what, ending, packed] of [
    ['tar archives', 'tar', (bytes: Buffer) => bytes],
    ['compressed archives', 'tar.gz', gzipSync],
  ] as const) {
    const path = join(folder, `damaged.${ending}`)
    const checks = { hasChecksum: ending === 'tar.gz' }
    const cifar = () => packed(gunzipSync(readFileSync(fixture('cifar10-pickles'))))
    const images = async () => packed(await tar(await imageFiles()))

    survivesDamage(
      `${what} of CIFAR-10`,
      cifar,
      async (damaged) => {
        writeFileSync(path, damaged)
        return readTree(pickleReader(CIFAR10_PICKLES), await openArchive(path))
      },
      { ...checks, fixed: shapes },
    )
    survivesDamage(
      `${what} of images`,
      images,
      async (damaged) => {
        writeFileSync(path, damaged)
        return readTree(imageReader(), await openArchive(path))
      },
      { ...checks, fixed: shapes },
    )
    survivesDamage(
      `${what} that are unpacked`,
      images,
      async (damaged) => {
        const target = join(folder, 'unpacked')
        rmSync(target, { recursive: true, force: true })
        mkdirSync(target)
        writeFileSync(path, damaged)
        await unpackArchive(path, target)
        return readTree(imageReader(), await openFolder(target))
      },
      { ...checks, fixed: shapes, share: 1 / 4 },
    )
  }
})

/** What of a dataset no damage may change in silence. */
const shapes = (found: unknown) => {
  const { shape, train, test } = found as Contents
  return { shape, images: [train.count, test.count], labels: [...train.labels, ...test.labels] }
}

/** Images that do not compress to nothing, so that most of a file is pixels. */
function noise(width: number, height: number, channels: 1 | 3 | 4): Sharp {
  const stream = random(3, 'noise')
  const pixels = Uint8Array.from({ length: width * height * channels }, () => stream.integer(256))
  return sharp(pixels, { raw: { width, height, channels } })
}

/** A JPEG file without its colour profile (marker E2), which has half a megabyte. */
function withoutProfile(jpeg: Buffer): Buffer {
  const parts = [jpeg.subarray(0, 2)]
  for (let at = 2; at < jpeg.length; ) {
    const end = jpeg[at + 1] === 0xda ? jpeg.length : at + 2 + jpeg.readUInt16BE(at + 2)
    if (jpeg[at + 1] !== 0xe2) parts.push(jpeg.subarray(at, end))
    at = end
  }
  return Buffer.concat(parts)
}

/** One a kind of file. Those of the first have a checksum in each part. */
const pictures: Readonly<Record<string, () => Promise<Buffer>>> = {
  'PNG files': () => noise(12, 12, 3).png().toBuffer(),
  'PNG files with a palette, interlaced': () => noise(12, 12, 3).png({ palette: true, progressive: true }).toBuffer(),
  'PNG files of 16 bits, with transparency': () => noise(12, 12, 4).toColourspace('rgb16').png().toBuffer(),
  'JPEG files': () => noise(12, 12, 3).jpeg().toBuffer(),
  'progressive JPEG files': () => noise(12, 12, 3).jpeg({ progressive: true }).toBuffer(),
  'grey JPEG files': () => noise(12, 12, 1).toColourspace('b-w').jpeg().toBuffer(),
  'JPEG files in print colours': async () =>
    withoutProfile(await noise(12, 12, 3).toColourspace('cmyk').jpeg().toBuffer()),
  'WebP files under another name': () => noise(12, 12, 3).webp({ lossless: true }).toBuffer(),
  'GIF files under another name': () => noise(12, 12, 3).gif().toBuffer(),
}

describe('damage to a picture is survived:', () => {
  for (const [what, whole] of Object.entries(pictures)) {
    const hasChecksum = what.startsWith('PNG')
    // A table of colours is made for each of these, which takes a fifth of a second.
    const share = what.includes('print') ? 1 / 10 : 1
    const withOthers = async (damaged: Uint8Array) => {
      const other = await png(1, 2, 3, 12)
      const files = { 'train/a/0.png': other, 'train/a/1.png': damaged, 'train/b/2.png': other }
      return readTree(imageReader(), treeOf({ ...files, 'val/a/3.png': other, 'val/b/4.png': other }))
    }
    survivesDamage(what, whole, withOthers, { hasChecksum, share, fixed: shapes })

    const path = join(folder, 'damaged.png')
    const target = new Float32Array(8 * 8 * 3)
    const settings = { imageSize: 8, statistics: { mean: [0, 0, 0], std: [1, 1, 1] } }
    survivesDamage(
      `${what} that are drawn from a stream`,
      whole,
      async (damaged) => {
        writeFileSync(path, damaged)
        await decodePhotograph({ path, augmentation: { seed: 1, path: ['x'], jitter: true } }, settings, target)
        const augmented = [...target]
        await decodePhotograph({ path, augmentation: null }, settings, target)
        return [...augmented, ...target]
      },
      { hasChecksum, share, fixed: (found) => (found as number[]).every(Number.isFinite) },
    )
  }
})

describe('damage to pixels that were kept is survived:', () => {
  const path = join(folder, 'kept.images')
  const written = async () => {
    const files = Object.fromEntries(await imageFiles())
    writeDecoded(path, await readTree(imageReader(), treeOf(files)), (line) => expect(line).toBe(''))
    return readFileSync(path)
  }

  test('a size of images that is no whole number, or negative, is noticed even where the length of the file fits', async () => {
    const [magic, , header] = (await written()).toString('latin1').split('\n', 3)
    const read = async (height: number, train: number, test: number) => {
      const shape = { height, width: 1, channels: 1, classes: 2 }
      const changed = JSON.stringify({ ...JSON.parse(header), shape, train, test })
      const hash = createHash('sha256').update(changed).digest('hex')
      const images = Buffer.alloc((train + test) * (height + 2))
      writeFileSync(path, Buffer.concat([Buffer.from(`${magic}\n${hash}\n${changed}\n`), images]))
      return readDecoded(path)
    }
    expect(await read(2.5, 1, 1)).toBeUndefined()
    expect(await read(-1, 5, 0)).toBeUndefined()
  })

  survivesDamage(
    'they are decoded again',
    written,
    async (damaged) => {
      writeFileSync(path, damaged)
      const found = await readDecoded(path)
      if (found !== undefined) return found
      throw new BenchError('corrupt', 'decoded again')
    },
    { hasChecksum: true },
  )
})

/** One file of an archive is damaged, the others are whole. */
function archived(what: string, archive: string, name: string, reader: Reader): void {
  const read = async () => {
    const tree = await openArchive(fixture(archive))
    return Object.fromEntries(await Promise.all(tree.paths.map(async (path) => [path, await tree.read(path)] as const)))
  }
  let whole: Record<string, Buffer> | undefined
  survivesDamage(
    what,
    async () => {
      whole = await read()
      return whole[name]
    },
    (damaged) => readTree(reader, treeOf({ ...whole, [name]: damaged })),
    { fixed: (found) => (found as Contents).shape },
  )
}

const foldersOf = (paths: readonly string[]): string[] => [
  ...new Set(
    paths.flatMap((path) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, i, parts) => parts.slice(0, i + 1).join('/')),
    ),
  ),
]

let reads = 0

const readTree = (reader: Reader, tree: FileTree) =>
  reader.read(tree, {
    imageSize: null,
    sizeSetting: '--image-size 32',
    brokenImages: 'fail',
    report: () => undefined,
  })

const treeOf = (files: Record<string, Uint8Array>): FileTree => ({
  root: 'images',
  paths: Object.keys(files).sort(),
  folders: foldersOf(Object.keys(files)),
  read: async (path) => Buffer.from(files[path]),
  locate: (path) => `images/${path}`,
  fingerprint: async () => `${String(reads++).padStart(32, '0')}`,
})
