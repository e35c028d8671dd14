/** Strings as protocol 0 writes them. */

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' }

/** Python's `repr` of a string, in its quotes; undefined where it is none. */
export function pythonLiteral(literal: string): string | undefined {
  const quoted = /^(['"])(.*)\1$/.exec(literal)
  return quoted?.[2].replace(/\\(x[0-9a-f]{2}|.)/gi, (whole, escaped: string) =>
    escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16)) : (ESCAPES[escaped] ?? whole),
  )
}

/** Python's raw-unicode-escape. */
export function rawUnicode(text: string): string {
  const escaped = /\\u([0-9a-fA-F]{4})|\\U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})/g
  return text.replace(escaped, (_, short?: string, long?: string) =>
    String.fromCodePoint(Number.parseInt(short ?? long ?? '0', 16)),
  )
}
