/** JSON for people and `diff`: what fits on a line stands on one, the rest is broken entry by entry. */
import { printable } from '../core/plainText.ts'

const WIDTH = 120

/** With the control characters that JSON itself would leave in a string escaped. */
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
