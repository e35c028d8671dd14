/** A file to import: its first bytes, its contents as a stream without gzip, and its hash. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../core/fileHash.ts'

const HEAD_BYTES = 512

export interface SourceFile {
  readonly path: string
  readonly name: string
  /** The first 512 bytes, after gzip. */
  readonly head: Buffer
  /** All bytes, after gzip. */
  stream(): Readable
  /** Of the file as it is. */
  sha256(): Promise<string>
}

/** @throws BenchError `missing` where the file cannot be read */
export async function openSource(path: string): Promise<SourceFile> {
  const start = await firstBytes(path)
  const gzipped = start[0] === 0x1f && start[1] === 0x8b
  // An error in the file reaches the reader through the pipeline.
  const stream = () => (gzipped ? pipeline(createReadStream(path), createGunzip(), () => {}) : createReadStream(path))
  return {
    path,
    name: basename(path),
    head: gzipped ? await firstChunk(stream()) : start,
    stream,
    sha256: () => fileHash(path),
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const found = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new BenchError('missing', `${path} ${found}; name a file or folder to import`, { cause })
  }
}

/** The first bytes of a stream that may be damaged: what is there. */
async function firstChunk(stream: Readable): Promise<Buffer> {
  try {
    for await (const chunk of stream) return (chunk as Buffer).subarray(0, HEAD_BYTES)
  } catch {
    // The importer reads the same stream and reports the damage.
  }
  return Buffer.alloc(0)
}
