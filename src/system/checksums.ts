/**
 * SHA-256 checksums of files, and the format of checkpoint and index files, which contains a checksum. Layout: 8 bytes
 * that name the format and its version, the SHA-256 of the payload (32 bytes), then the payload in v8's serialisation,
 * which keeps every bit of numbers and typed arrays.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { BenchError } from '../core/errors.ts'
import { countWork } from './workCounter.ts'

const HASH_BYTES = 32

/**
 * Serialises a value and its checksum; `unseal` reads them.
 * @param magic 8 characters that name the format and its version
 */
export function seal(magic: string, value: unknown): Buffer {
  const payload = serialize(value)
  return Buffer.concat([Buffer.from(magic, 'latin1'), sha256(payload), payload])
}

/**
 * Checks the checksum of bytes that `seal` wrote, and returns the value in them.
 * @param kind kind of file, for messages, such as `checkpoint`
 * @param remedy what the user should do if the file is damaged
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

/**
 * Returns the SHA-256 of a file's bytes, in hexadecimal. @throws an error of Node's file system if it cannot be read
 */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer)
    countWork()
  }
  return hash.digest('hex')
}
