/**
 * Formats JSON for two purposes: canonical text, whose hash identifies the data, and records with short lines, which
 * people and `diff` can read.
 */
import { createHash } from 'node:crypto'
import { printable } from '../core/plainText.ts'

/** Returns a value as JSON with sorted keys and without undefined values, so that equal data gives equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(',')}}`
}

/** Returns the SHA-256 of a value's canonical JSON, in hexadecimal. */
export function contentName(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/** Maximum length of a line of a JSON record, in characters. */
const WIDTH = 120

/**
 * Returns a value as indented JSON. A nested array or object that fits on one line is written on one line. Control
 * characters in strings are escaped.
 */
export function recordText(value: unknown): string {
  return printable(`${broken(value, '')}\n`)
}

function broken(value: unknown, indent: string): string {
  const flat = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || (indent !== '' && indent.length + flat.length <= WIDTH))
    return flat
  const inner = `${indent}  `
  const entries = Array.isArray(value)
    ? value.map((item) => broken(item, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}: ${broken(item, inner)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${entries.map((entry) => inner + entry).join(',\n')}\n${indent}${close}`
}
