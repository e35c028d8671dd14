/** Names: unknown ones and the nearest known one, and those that may become the name of a file. */
import { BenchError } from './errors.ts'

/**
 * The known name nearest to what was typed, by edit distance, or undefined where none is near
 * (further than a third of the longer word, and at least two edits).
 */
export function nearestName(typed: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  const lower = typed.toLowerCase()
  for (const name of known) {
    const allowed = Math.max(2, Math.floor(Math.max(typed.length, name.length) / 3))
    // The distance is no less than this, and takes the product of the lengths to compute.
    if (Math.abs(typed.length - name.length) > allowed) continue
    const distance = editDistance(lower, name.toLowerCase())
    if (distance <= allowed && distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Shorter ones begin too many names. */
const SHORTEST_BEGINNING = 3
const MOST_SUGGESTED = 3

/** Names that begin with what was typed, as `darts-v1` and `darts-v2` with `darts`, unless they are many; else the nearest. */
function suggestions(typed: string, known: readonly string[]): readonly string[] {
  const lower = typed.toLowerCase()
  const beginning = known.filter((name) => name.toLowerCase().startsWith(lower))
  if (typed.length >= SHORTEST_BEGINNING && beginning.length > 0 && beginning.length <= MOST_SUGGESTED) return beginning
  return [nearestName(typed, known) ?? []].flat()
}

/**
 * Whether a name, perhaps from a foreign file, can name a file or folder inside of another, and nothing else: `../../x`
 * and `/etc` would lead elsewhere.
 */
export const isFileName = (name: string): boolean => !/[/\\\0]/.test(name) && !/^\.{0,2}$/.test(name)

/** A message names no more than so many, and no more characters of one. */
const MOST_LISTED = 30
const LONGEST_NAME = 200

/** The error for an unknown name: what was found, the nearest known name, and what is known. */
export function unknownName(what: string, typed: string, known: Iterable<string>): BenchError {
  const names = [...known]
  const near = suggestions(typed, names).map((name) => `"${name}"`)
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`
  const rest = names.length > MOST_LISTED ? `, … (${names.length})` : ''
  const shown = typed.length > LONGEST_NAME ? `${typed.slice(0, LONGEST_NAME)}…` : typed
  const listed = `${names.slice(0, MOST_LISTED).join(', ') || 'none'}${rest}`
  return new BenchError('unknown-name', `unknown ${what} "${shown}"${hint} (known: ${listed})`)
}

/** Levenshtein distance: insertions, deletions and substitutions cost 1. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, previous[j] + 1, row[j - 1] + 1))
    }
    previous = row
  }
  return previous[b.length]
}
