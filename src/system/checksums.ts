/**
 * SHA-256 checksums of files, and a file format that contains its own checksum, for checkpoints and indexes. Layout: 8
 * bytes that name the format and its version, 32 bytes SHA-256 of the payload, then the payload in v8's serialisation,
 * which keeps every bit of numbers and typed arrays.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { BenchError } from '../core/errors.ts'
import { countWork } from './workCounter.ts'

const HASH_BYTES = 32

/** Serialises a value with its checksum. @param magic 8 characters that name the format and its version */
export function seal(magic: string, value: unknown): Buffer {
  const payload = serialize(value)
  return Buffer.concat([Buffer.from(magic, 'latin1'), sha256(payload), payload])
}

/**
 * Reads back the value that `seal` serialised.
 * @param kind names the file in messages, such as `checkpoint`; @param remedy tells the user what to do if it is
 * damaged
 * @throws BenchError `corrupt` if the format or the checksum does not match
 */
export function unseal(
  magic: string,
  bytes: Buffer,
  { path, kind, remedy }: { readonly path: string; readonly kind: string; readonly remedy: string },
): unknown {
  const hashAt = magic.length
  const payload = bytes.subarray(hashAt + HASH_BYTES)
  if (bytes.toString('latin1', 0, hashAt) !== magic) {
    throw new BenchError('corrupt', `${path} is not a ${kind} of this version; ${remedy}`)
  }
  if (!bytes.subarray(hashAt, hashAt + HASH_BYTES).equals(sha256(payload))) {
    throw new BenchError('corrupt', `${path} does not match its own hash; ${remedy}`)
  }
  return deserialize(payload)
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

/** Returns the SHA-256 of a file's bytes, in hexadecimal. @throws the file system's error if it cannot be read */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer)
    countWork()
  }
  return hash.digest('hex')
}
