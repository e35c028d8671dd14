/** Opens a file or folder to import, and gives its first bytes, a stream of its decompressed contents and its hash. */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline, type Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../system/checksums.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'

const HEAD_BYTES = 512

export interface Source {
  readonly path: string
  /** Name of the imported file or folder without its path, for error messages. */
  readonly name: string
  /**
   * Whether the source is a folder. A folder has no bytes: its `head` is empty, and it cannot be streamed or hashed.
   */
  readonly isFolder: boolean
  readonly isGzipped: boolean
  /** The first 512 bytes of the imported file, decompressed if the file is gzipped. */
  readonly head: Buffer
  /**
   * Returns a stream of all bytes of the imported file, decompressed if it is gzipped. The stream verifies gzip's
   * checksum.
   */
  stream(): Readable
  /** Returns the SHA-256 of the imported file as it is on disk, that is, before any decompression. */
  sha256(): Promise<string>
}

/**
 * Opens a file to import, or a folder if `folders` is true.
 * @throws BenchError `missing` if it does not exist or cannot be read, `bad-input` if it is neither a file nor an
 * allowed folder
 */
export async function openSource(path: string, { folders = false } = {}): Promise<Source> {
  const isFolder = folders && (await isDirectory(path))
  const start = isFolder ? Buffer.alloc(0) : await firstBytes(path)
  const isGzipped = start[0] === 0x1f && start[1] === 0x8b
  const name = basename(path)
  const stream = () => {
    const counted = counting(name)
    // An error in the file reaches the reader through the pipeline.
    if (isGzipped) pipeline(createReadStream(path), createGunzip(), counted, () => {})
    else pipeline(createReadStream(path), counted, () => {})
    return counted
  }
  return {
    path,
    name,
    isFolder,
    isGzipped,
    head: isGzipped ? await firstChunk(stream()) : start,
    stream,
    sha256: () => fileHash(path),
  }
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** Returns a stream that passes on the decompressed bytes of a gzipped file, and fails beyond the limit `gzip-gib`. */
function counting(name: string): Transform {
  const most = limitOf('gzip-gib') * 2 ** 30
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      countWork()
      bytes += chunk.byteLength
      if (bytes > most) done(beyondLimit('gzip-gib', `${name} expands to more than ${most} bytes`))
      else done(null, chunk)
    },
  })
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    // Opening a pipe would wait for its writer.
    if (!(await stat(path)).isFile()) throw new BenchError('bad-input', `${path} is not a file; name a file to import`)
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    const found = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new BenchError('missing', `${path} ${found}; name a file or folder to import`, { cause })
  }
}

/** Returns the first bytes of an imported file's stream; empty if the file is damaged from its beginning. */
async function firstChunk(stream: Readable): Promise<Buffer> {
  try {
    for await (const chunk of stream) return (chunk as Buffer).subarray(0, HEAD_BYTES)
  } catch {
    // The importer reads the same stream and reports the damage.
  }
  return Buffer.alloc(0)
}
