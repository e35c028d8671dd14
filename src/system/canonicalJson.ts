/** JSON that names its data: equal text for equal data, and its hash. */
import { createHash } from 'node:crypto'

/** JSON with sorted keys and without absent values: equal for equal data, whatever the order it was made in. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(',')}}`
}

/** SHA-256 of the canonical JSON, hexadecimal. */
export function contentName(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
