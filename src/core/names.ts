/** Checks names: suggests the nearest known name for an unknown one, and decides which names are safe as file names. */
import { BenchError } from './errors.ts'

/**
 * Returns the known name with the smallest edit distance to the typed one, or undefined if even that distance is more
 * than two edits and more than a third of the longer name.
 */
export function nearestName(typed: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  const lower = typed.toLowerCase()
  for (const name of known) {
    const allowed = Math.max(2, Math.floor(Math.max(typed.length, name.length) / 3))
    // The difference of lengths is a lower bound of the distance, which costs the product of the lengths.
    if (Math.abs(typed.length - name.length) > allowed) continue
    const distance = editDistance(lower, name.toLowerCase())
    if (distance <= allowed && distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/**
 * Smallest number of typed characters for which the known names that begin with them are suggested. A shorter text
 * would match too many names.
 */
const SHORTEST_BEGINNING = 3
const MOST_SUGGESTED = 3

/**
 * Returns the known names that begin with the typed one (`darts-v1` and `darts-v2` for `darts`) or, if there are none
 * or too many, the nearest known name.
 */
function suggestions(typed: string, known: readonly string[]): readonly string[] {
  const lower = typed.toLowerCase()
  const beginning = known.filter((name) => name.toLowerCase().startsWith(lower))
  if (typed.length >= SHORTEST_BEGINNING && beginning.length > 0 && beginning.length <= MOST_SUGGESTED) return beginning
  return [nearestName(typed, known) ?? []].flat()
}

/**
 * Returns whether a name that a user or file gives is safe as the name of a file inside a given folder. `../../x` and
 * `/etc` are not: they lead out of the folder.
 */
export const isFileName = (name: string): boolean => !/[/\\\0]/.test(name) && !/^\.{0,2}$/.test(name)

/**
 * Returns whether every JavaScript object has a property of this name, such as `constructor`. A record with such a name
 * as a key would be confused with that property.
 */
export const isReservedName = (name: string): boolean => name in Object.prototype

/** Largest number of known names that an error message lists; LONGEST_NAME limits the characters of the unknown one. */
const MOST_LISTED = 30
const LONGEST_NAME = 200

/** Returns names as a list for a message: all of them, or the first ones and the number of all. */
export const listed = (names: readonly string[]): string =>
  `${names.slice(0, MOST_LISTED).join(', ') || 'none'}${names.length > MOST_LISTED ? `, … (${names.length})` : ''}`

/**
 * Returns the error for an unknown name, with the nearest known names and a list of all known ones.
 * @param what kind of the named thing, such as `algorithm`
 * @param listing command that lists all known names, for names that may be too many for the message
 */
export function unknownName(what: string, typed: string, known: Iterable<string>, listing?: string): BenchError {
  const names = [...known]
  const near = suggestions(typed, names).map((name) => `"${name}"`)
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`
  const shown = typed.length > LONGEST_NAME ? `${typed.slice(0, LONGEST_NAME)}…` : typed
  const isLong = listing !== undefined && names.length > MOST_LISTED
  const all = isLong ? `\`${listing}\` lists all ${names.length}` : `known: ${listed(names)}`
  return new BenchError('unknown-name', `unknown ${what} "${shown}"${hint} (${all})`)
}

/** Computes the Levenshtein distance of two texts: insertions, deletions and substitutions cost 1. */
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

/**
 * Throws if a name occurs twice, since one of the two values given for it would be ignored.
 *
 * @param place where the names were given, such as `--option`
 * @throws BenchError `bad-input`
 */
export function requireOnce(names: readonly string[], place: string): void {
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new BenchError('bad-input', `${place} has ${twice} twice; keep one of the two`)
}
