/**
 * Text from outside, such as a name in a record or a plugin's message, made safe to print: control characters drive a
 * terminal, and those of bidirectional writing show a text in another order than it has.
 */

/** C0, DEL and C1; the controls of bidirectional text; separators of lines and paragraphs. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** The text with every control character, line breaks too, as `\u001b`. */
export const oneLine = (text: string): string => text.replace(CONTROLS, escapeOf)

/** The same, but line breaks and tabs stay. JSON remains the same JSON: it has this notation itself. */
export const printable = (text: string): string =>
  text.replace(CONTROLS, (control) => (control === '\n' || control === '\t' ? control : escapeOf(control)))

const escapeOf = (control: string): string => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`

/** `1 run`, `4 runs`. @param several the noun for other numbers than 1, where it is not formed with an s */
export const counted = (count: number, noun: string, several = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : several}`
