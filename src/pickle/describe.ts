/** Objects of a pickle in messages. Never the contents of containers: one list in another a hundred times is endless. */
import { NdArray } from './numpy.ts'

const LONGEST_TEXT = 80

/** `None`, a number, a short text in quotes, or what kind of object it is. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'string') return `"${shortened(value)}"`
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Map) return 'a dict'
  if (value instanceof Set) return 'a set'
  if (value instanceof Uint8Array) return 'bytes'
  return value instanceof NdArray ? 'an array' : 'an object'
}

export const shortened = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
