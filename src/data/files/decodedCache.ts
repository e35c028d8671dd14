/**
 * Caches decoded pixels and content hashes of image files in the user's data folder, so that files are decoded only
 * once.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { writeAtomically } from '../../system/atomicFile.ts'
import { userFolder } from '../../system/userFolder.ts'
import { type Contents, contentHash } from './contents.ts'
import { hashOfLines } from './fileTree.ts'

const MAGIC = 'nas-bench decoded images 3\n'

const Split = z.object({ testPortion: z.number(), seed: z.int().min(0) })

const count = z.int().min(1)

const Header = z.object({
  shape: z.object({ height: count, width: count, channels: count, classes: count }),
  classNames: z.array(z.string()),
  origin: z.string(),
  train: z.int().min(0),
  test: z.int().min(0),
  contentHash: z.string(),
  /**
   * Hash of the cached pixels, which is checked when they are read. It differs from `contentHash` if the images are
   * scaled: `contentHash` is then the hash of the original files.
   */
  pixelHash: z.string(),
  notes: z.array(z.string()),
  split: Split.optional(),
})

/** Largest number of bytes of a cache file that is read or written in one call. */
const PART = 2 ** 30

/**
 * Returns the path of the cache file for the pixels of files with this fingerprint.
 * @param way how the files were decoded, such as `pickles`
 */
export function decodedFile(fingerprint: string, way: string): string {
  return userFolder('decoded', `${fingerprint.slice(0, 32)}-${way}.images`)
}

/** Returns the images in a cache file; undefined if it does not exist or does not match its own hash. */
export async function readDecoded(file: string): Promise<Contents | undefined> {
  const bytes = await readWhole(file).catch(() => undefined)
  if (bytes === undefined || bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return undefined
  const endOfHash = bytes.indexOf('\n', MAGIC.length)
  const end = bytes.indexOf('\n', endOfHash + 1)
  const text = bytes.subarray(endOfHash + 1, end)
  if (bytes.toString('latin1', MAGIC.length, endOfHash) !== headerHash(text)) return undefined
  const header = parseHeader(text.toString('utf8'))
  if (header === undefined) return undefined
  const { shape, classNames, origin, notes, split } = header
  const length = shape.height * shape.width * shape.channels
  let at = end + 1
  const take = (size: number): Uint8Array => {
    at += size
    return new Uint8Array(bytes.buffer, bytes.byteOffset + at - size, size)
  }
  const readSet = (count: number) => {
    const pixels = take(count * length)
    const labels = Int32Array.from({ length: count }, (_, i) => bytes.readInt16LE(at + 2 * i))
    at += 2 * count
    return { count, pixels, labels }
  }
  if (bytes.length !== at + (header.train + header.test) * (length + 2)) return undefined
  const train = readSet(header.train)
  const test = readSet(header.test)
  if (contentHash(shape, train, test) !== header.pixelHash) return undefined
  return { shape, classNames, origin, train, test, contentHash: header.contentHash, notes, ...(split && { split }) }
}

/**
 * Returns the SHA-256 of a header, which stands before it: the header has the content hash of the images, which becomes
 * part of the identity of every run.
 */
const headerHash = (header: Uint8Array): string => createHash('sha256').update(header).digest('hex')

/** Reads a whole file, which may be larger than the 2 GiB that `readFile` accepts. */
async function readWhole(file: string): Promise<Buffer> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const bytes = Buffer.allocUnsafe(size)
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, PART))
      if (bytesRead === 0) throw new Error('it became shorter while it was read')
      at += bytesRead
    }
    return bytes
  } finally {
    await handle.close()
  }
}

/** Writes images into a cache file. If that fails, tells the user and continues. */
export function writeDecoded(file: string, contents: Contents, report: (line: string) => void): void {
  const { shape, classNames, origin, train, test, notes, split } = contents
  const hashes = { contentHash: contents.contentHash, pixelHash: contentHash(shape, train, test) }
  const header = { shape, classNames, origin, train: train.count, test: test.count, ...hashes, notes, split }
  const text = Buffer.from(JSON.stringify(header))
  const parts: Uint8Array[] = [Buffer.from(`${MAGIC}${headerHash(text)}\n`), text, Buffer.from('\n')]
  for (const { pixels, labels } of [train, test]) {
    const short = Int16Array.from(labels)
    for (let at = 0; at < pixels.length; at += PART) parts.push(pixels.subarray(at, at + PART))
    parts.push(Buffer.from(short.buffer))
  }
  try {
    writeAtomically(file, parts)
  } catch (error) {
    report(`not kept, to be decoded again next time: ${(error as Error).message}`)
  }
}

function parseHeader(text: string): z.infer<typeof Header> | undefined {
  try {
    return Header.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

const Hashed = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Sentences for the user about peculiarities of the hashed files. */
  notes: z.array(z.string()).readonly(),
  /** How the program divided the images; absent: the files say which are training and which are test images. */
  split: Split.optional(),
})

/** A content hash of image files, with sentences for the user about the files' peculiarities. */
export type Hashed = z.infer<typeof Hashed>

/**
 * Returns the cached hash for a key, or computes and caches it.
 * @param key everything that the hash depends on: the method by which it is computed, and the fingerprint of the files
 */
export async function cachedHash(key: readonly string[], compute: () => Promise<Hashed>): Promise<Hashed> {
  const file = userFolder('hashes', `${hashOfLines(key).slice(0, 32)}.json`)
  const known = readHash(file)
  if (known !== undefined) return known
  const hashed = await compute()
  keep(file, hashed)
  return hashed
}

function readHash(file: string): Hashed | undefined {
  try {
    return Hashed.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/**
 * Writes a hash into its cache file. If the user's data folder is not writable, the next command computes the hash
 * again.
 */
function keep(file: string, hashed: Hashed): void {
  try {
    writeAtomically(file, `${JSON.stringify(hashed)}\n`)
  } catch {}
}
