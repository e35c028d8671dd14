/**
 * Formats text for people. Control characters in names and messages from elsewhere are escaped, since they could drive
 * the terminal or change the visible order of the text. Numbers and sorting do not depend on the machine's locale, and
 * printed commands are quoted so that they work when pasted.
 */

/** Matches control characters, unpaired surrogates, bidirectional controls, and separators of lines and paragraphs. */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu
/** Matches everything but printable ASCII: only these parts are searched for control characters, which is fast. */
const OTHERS = /[^ -~]+/g
/** The same without line breaks and tabs. */
const OTHERS_IN_LINES = /[^ -~\n\t]+/g

/** Returns the text on one line: every control character, line breaks too, becomes an escape such as `\u001b`. */
export const oneLine = (text: string): string => text.replace(OTHERS, (part) => part.replace(CONTROLS, escapeOf))

/** Escapes the control characters of a text except line breaks and tabs. JSON text still parses to the same value. */
export const printable = (text: string): string =>
  text.replace(OTHERS_IN_LINES, (part) => part.replace(CONTROLS, escapeOf))

const escapeOf = (control: string): string => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Formats a number with commas between groups of three digits: `15,625`, `0.05`. */
export function grouped(value: number): string {
  const [whole, ...fraction] = String(value).split('.')
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...fraction].join('.')
}

/** Compares names as people sort them: `batch_2` before `batch_10`, `a` before `B`. For `Array.sort`. */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.toLowerCase().match(/\d+|\D/gu) ?? [])
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const areNumbers = /\d/.test(left[i]) && /\d/.test(right[i])
    const order = areNumbers ? Number(left[i]) - Number(right[i]) : plainOrder(left[i], right[i])
    if (order !== 0) return order
  }
  return left.length - right.length || plainOrder(a, b)
}

/** Compares strings by their UTF-16 codes, for `Array.sort`. */
const plainOrder = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

/** Returns the count with its noun: `1 run`, `4 runs`. @param several the plural, if it is not the noun with an s */
export const pluralize = (count: number, noun: string, several = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : several}`

/**
 * Returns which training images a limit allows: `all training images`, `at most 2000 training images`. A dataset may
 * have fewer images than the limit.
 */
export const limitText = (limit: number | null): string =>
  limit === null ? 'all training images' : `at most ${pluralize(limit, 'training image')}`

/** Returns the text with its first letter in upper case. */
export const capitalize = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

/** Returns the first line of a text, such as an error message. */
export const firstLine = (text: string): string => text.split('\n')[0]

/** Quotes one word of a command line for a POSIX shell if it contains special characters. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/**
 * Returns a `bench` command with quoted words, which works when pasted: `bench retrain --genotype 'my
 * runs/a/result.json'`.
 */
export const benchCommand = (...words: readonly string[]): string => ['bench', ...words.map(shellWord)].join(' ')
