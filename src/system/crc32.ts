/** Computes the CRC-32 checksum that gzip, zip and Parquet use (ISO 3309). */
import * as zlib from 'node:zlib'

/**
 * Computes the CRC-32 of some bytes.
 * @param value CRC-32 of all bytes before these, if data are passed in several parts
 */
export const crc32: (bytes: Uint8Array, value?: number) => number =
  // Node has it from 20.15 on.
  (zlib as Partial<typeof zlib>).crc32 ?? crc32ByTable

let table: Uint32Array | undefined

export function crc32ByTable(bytes: Uint8Array, value = 0): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let crc = n
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    return crc
  })
  let crc = ~value
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8)
  return ~crc >>> 0
}
