/**
 * Plain data and typed arrays as bytes that tell whether they are whole. Layout: magic (8 bytes, the last two digits are the
 * schema), SHA-256 of the payload (32 bytes), payload (v8's structured serialisation: every bit kept).
 */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { BenchError } from '../core/errors.ts'

const HASH_BYTES = 32

/** @param magic 8 characters that name the kind of file and its schema */
export function seal(magic: string, value: unknown): Buffer {
  const payload = serialize(value)
  return Buffer.concat([Buffer.from(magic, 'latin1'), sha256(payload), payload])
}

/**
 * The inverse of `seal`.
 * @param kind what the file is, for messages: `checkpoint`; @param remedy what to do about a bad one
 * @throws BenchError `corrupt` where a byte is not as it was written
 */
export function unseal(
  magic: string,
  bytes: Buffer,
  { path, kind, remedy }: { readonly path: string; readonly kind: string; readonly remedy: string },
): unknown {
  const hashAt = magic.length
  const payload = bytes.subarray(hashAt + HASH_BYTES)
  if (bytes.toString('latin1', 0, hashAt) !== magic) {
    throw new BenchError('corrupt', `${path} is no ${kind} of this version; ${remedy}`)
  }
  if (!bytes.subarray(hashAt, hashAt + HASH_BYTES).equals(sha256(payload))) {
    throw new BenchError('corrupt', `${path} does not match its own hash; ${remedy}`)
  }
  return deserialize(payload)
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
