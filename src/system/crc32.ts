/** CRC-32 as gzip, zip and Parquet use it (ISO 3309). */
import * as zlib from 'node:zlib'

/** @param value of the bytes before, where they are given in parts */
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
