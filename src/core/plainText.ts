/**
 * Text that people read. From outside, such as a name in a record or a plugin's message, it is made safe to print: control
 * characters drive a terminal, and those of bidirectional writing show a text in another order than it has. Numbers and
 * orders do not go by the machine's language: what is written is the same everywhere.
 */

/** C0, DEL and C1; halves of characters; the controls of bidirectional text; separators of lines and paragraphs. */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** The text with every control character, line breaks too, as `\u001b`. */
export const oneLine = (text: string): string => text.replace(CONTROLS, escapeOf)

/** The same, but line breaks and tabs stay. JSON remains the same JSON: it has this notation itself. */
export const printable = (text: string): string =>
  text.replace(CONTROLS, (control) => (control === '\n' || control === '\t' ? control : escapeOf(control)))

const escapeOf = (control: string): string => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`

/** `15,625`, `0.05`: the same whatever the machine's language is. */
export function grouped(value: number): string {
  const [whole, ...fraction] = String(value).split('.')
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...fraction].join('.')
}

/** Orders names as people do, whatever the machine's language is: `batch_2` before `batch_10`, `a` before `B`. */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.toLowerCase().match(/\d+|\D/gu) ?? [])
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const areNumbers = /\d/.test(left[i]) && /\d/.test(right[i])
    const order = areNumbers ? Number(left[i]) - Number(right[i]) : plainOrder(left[i], right[i])
    if (order !== 0) return order
  }
  return left.length - right.length || plainOrder(a, b)
}

/** By the numbers of the characters. */
const plainOrder = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

/** `1 run`, `4 runs`. @param several the noun for other numbers than 1, where it is not formed with an s */
export const counted = (count: number, noun: string, several = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : several}`
