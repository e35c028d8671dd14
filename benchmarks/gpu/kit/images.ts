/**
 * Packs CIFAR-10 into a compact folder for the GPU kit, and unpacks it there. The images lie side by side in a few JPEG
 * files, so that 50,000 of them fit into some 14 MiB. That is lossy: times measured on them are right, accuracies are
 * not those of CIFAR-10.
 *
 *     npx jiti benchmarks/gpu/kit/images.ts CIFAR-FOLDER [--out gpu-kit-images] [--mebibytes 14]
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import jpeg from 'jpeg-js'
import { BenchError } from '../../../src/core/errors.ts'
import type { ImageSet } from '../../../src/data/dataset.ts'

const SIDE = 32
const PLANE = SIDE * SIDE
const IMAGE = 3 * PLANE
/** Images in a row of a sheet (one JPEG file), and in a whole sheet. */
const COLUMNS = 50
const SHEET = 2500
/** Test images that are packed; a search measures on training images only. */
const TEST_IMAGES = 500

interface Listing {
  readonly quality: number
  readonly train: number
  readonly test: number
  readonly sha256: string
}

/** Lays out images side by side, as red, green, blue, red, … */
function sheetOf({ pixels }: ImageSet, from: number, count: number): { data: Buffer; width: number; height: number } {
  const height = SIDE * Math.ceil(count / COLUMNS)
  const width = SIDE * COLUMNS
  const data = Buffer.alloc(3 * width * height)
  for (let i = 0; i < count; i++) {
    const at = 3 * (Math.floor(i / COLUMNS) * SIDE * width + (i % COLUMNS) * SIDE)
    for (let y = 0; y < SIDE; y++) {
      const source = (from + i) * IMAGE + y * SIDE * 3
      data.set(pixels.subarray(source, source + SIDE * 3), at + 3 * y * width)
    }
  }
  return { data, width, height }
}

/** Encodes the sheets of a set. @param every only every so many sheets, to estimate the size */
async function encode(set: ImageSet, count: number, quality: number, every = 1): Promise<Buffer[]> {
  const { default: sharp } = await import('sharp')
  const starts = Array.from({ length: Math.ceil(count / SHEET) }, (_, i) => i * SHEET).filter((_, i) => i % every === 0)
  return Promise.all(
    starts.map(async (start) => {
      const { data, width, height } = sheetOf(set, start, Math.min(SHEET, count - start))
      const options = { quality, progressive: true, optimiseCoding: true, trellisQuantisation: true }
      return sharp(data, { raw: { width, height, channels: 3 } })
        .jpeg(options)
        .toBuffer()
    }),
  )
}

const sizeOf = (files: readonly Buffer[]) => files.reduce((sum, { length }) => sum + length, 0)

/** The best quality at which the images fit into so many bytes, estimated from one sheet in five. */
async function qualityFor(set: ImageSet, bytes: number): Promise<number> {
  const sheets = Math.ceil(set.count / SHEET)
  for (let quality = 90; quality >= 10; quality -= 5) {
    const sample = await encode(set, set.count, quality, Math.min(5, sheets))
    if ((sizeOf(sample) / sample.length) * sheets <= bytes) return quality
  }
  throw new BenchError('bad-input', `${set.count} images do not fit into ${bytes} bytes; allow more with --mebibytes`)
}

/** Packs a set of training and of test images into a folder. */
export async function packImages(train: ImageSet, test: ImageSet, out: string, bytes: number): Promise<Listing> {
  const quality = await qualityFor(train, bytes * 0.97)
  const tested = Math.min(test.count, TEST_IMAGES)
  const files = [await encode(train, train.count, quality), await encode(test, tested, quality)]
  const labels = gzipSync(joinLabels(train, test, tested))
  const hash = createHash('sha256')
  for (const file of files.flat()) hash.update(file)
  const listing = { quality, train: train.count, test: tested, sha256: hash.update(labels).digest('hex') }
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  for (const [i, name] of ['train', 'test'].entries()) {
    for (const [n, file] of files[i].entries()) writeFileSync(join(out, sheetName(name, n)), file)
  }
  writeFileSync(join(out, 'labels.gz'), labels)
  writeFileSync(join(out, 'images.json'), `${JSON.stringify(listing)}\n`)
  return listing
}

const sheetName = (set: string, n: number): string => `${set}-${String(n).padStart(2, '0')}.jpg`

const joinLabels = (train: ImageSet, test: ImageSet, tested: number): Buffer =>
  Buffer.concat([Uint8Array.from(train.labels), Uint8Array.from(test.labels.subarray(0, tested))])

/**
 * Writes packed images as CIFAR-10's binary files, unless the same ones are there from an earlier call.
 * @throws BenchError `corrupt` if the folder is incomplete or damaged
 */
export async function unpackImages(folder: string, target: string): Promise<void> {
  const listing = readListing(folder)
  const marker = join(target, 'images.json')
  if (existsSync(marker) && (JSON.parse(readFileSync(marker, 'utf8')) as Listing).sha256 === listing.sha256) return
  const temporary = `${target}.new`
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { recursive: true })
  const hash = createHash('sha256')
  const sheets = ([set, count]: readonly [string, number]) =>
    Array.from({ length: Math.ceil(count / SHEET) }, (_, n) => {
      const bytes = readFileSync(join(folder, sheetName(set, n)))
      hash.update(bytes)
      return bytes
    })
  const [train, test] = [sheets(['train', listing.train]), sheets(['test', listing.test])]
  const packedLabels = readFileSync(join(folder, 'labels.gz'))
  if (hash.update(packedLabels).digest('hex') !== listing.sha256) {
    throw new BenchError('corrupt', `${folder} is damaged: its files do not match images.json; pack the images again`)
  }
  const labels = gunzipSync(packedLabels)
  writeFileSync(join(temporary, 'data_batch_1.bin'), recordsOf(train, labels.subarray(0, listing.train)))
  writeFileSync(join(temporary, 'test_batch.bin'), recordsOf(test, labels.subarray(listing.train)))
  writeFileSync(join(temporary, 'images.json'), JSON.stringify(listing))
  rmSync(target, { recursive: true, force: true })
  renameSync(temporary, target)
}

function readListing(folder: string): Listing {
  try {
    return JSON.parse(readFileSync(join(folder, 'images.json'), 'utf8'))
  } catch {
    const remedy = 'pack it with npx jiti benchmarks/gpu/kit/images.ts'
    throw new BenchError('corrupt', `${folder} has no readable images.json; ${remedy}`)
  }
}

/** Decodes sheets to records of CIFAR-10's binary files: the label, then the red, green and blue planes. */
function recordsOf(sheets: readonly Buffer[], labels: Buffer): Buffer {
  const records = Buffer.alloc(labels.length * (1 + IMAGE))
  sheets.forEach((bytes, sheet) => {
    const { data, width } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, maxMemoryUsageInMB: 2048 })
    const count = Math.min(SHEET, labels.length - sheet * SHEET)
    for (let i = 0; i < count; i++) {
      const start = (sheet * SHEET + i) * (1 + IMAGE)
      records[start] = labels[sheet * SHEET + i]
      const at = 3 * (Math.floor(i / COLUMNS) * SIDE * width + (i % COLUMNS) * SIDE)
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          const pixel = at + 3 * (y * width + x)
          for (let c = 0; c < 3; c++) records[start + 1 + c * PLANE + y * SIDE + x] = data[pixel + c]
        }
      }
    }
  })
  return records
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string', default: 'gpu-kit-images' }, mebibytes: { type: 'string', default: '14' } },
  })
  const [folder] = positionals
  const mebibytes = Number(values.mebibytes)
  if (folder === undefined || !(mebibytes > 0)) {
    throw new BenchError('bad-input', 'expected the folder of CIFAR-10, and --mebibytes above 0')
  }
  const { openDataset } = await import('../../../src/data/openDataset.ts')
  const { train, test } = await openDataset('cifar10', { folder })
  const { quality } = await packImages(train, test, values.out, mebibytes * 2 ** 20)
  console.log(`${values.out}: ${train.count} training images as JPEG of quality ${quality}`)
}

if (process.argv[1] !== undefined && /[\\/]images\.ts$/.test(process.argv[1])) {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof BenchError ? error.message : error)
    process.exit(error instanceof BenchError ? 2 : 1)
  }
}
