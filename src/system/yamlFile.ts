/**
 * Reads YAML files that users write (experiments, recipes, mappings). Size, number of tokens and nesting are limited,
 * since the parser is recursive and takes quadratic time.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import type { CST, Document } from 'yaml'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { loadYaml } from '../core/lazyPackages.ts'
import { unknownName } from '../core/names.ts'
import { problemIn } from '../core/parseRecord.ts'
import { beyondLimit, limitOf } from './limits.ts'

const CHUNK = 2 ** 16

/**
 * Returns the parsed content of a YAML file.
 * @param what kind of file, for messages, such as `experiment file`
 * @param remedy what the user can do if the file is missing
 * @throws BenchError `missing` if the file cannot be read; `bad-input` if it is not YAML, too long or too deeply nested
 */
export function readYaml(path: string, what: string, remedy = 'name a YAML file'): unknown {
  const text = readText(path, what, remedy)
  checkTokens(text, `${what} ${path}`)
  const { LineCounter, parseDocument } = loadYaml()
  const lines = new LineCounter()
  // prettyErrors would take time quadratic in the number of errors.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines })
  const [error] = [...document.errors, ...document.warnings]
  if (error === undefined) return contentOf(document, `${what} ${path}`)
  const { line, col } = lines.linePos(error.pos[0])
  throw notYaml(`${what} ${path}`, `${error.message} at line ${line}, column ${col}`, error)
}

/** Converts a parsed YAML document to plain data. @throws BenchError if its aliases expand to too many nodes */
function contentOf(document: Document, what: string): unknown {
  try {
    return document.toJS()
  } catch (cause) {
    throw notYaml(what, (cause as Error).message, cause)
  }
}

const notYaml = (what: string, reason: string, cause: unknown) =>
  new BenchError('bad-input', `${what} is not YAML: ${reason}`, { cause })

/**
 * Returns the error for a file that does not match its schema. An unknown key is named first, since a misspelt key also
 * makes the right one missing.
 * @param keysIn returns the known keys of an object in the file, by its place such as `evaluate.retrain`; `` is the file
 */
export function schemaFault(error: z.ZodError, path: string, keysIn: (place: string) => readonly string[]): BenchError {
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys')
  if (unknown === undefined) return new BenchError('bad-input', `${path}: ${problemIn(error)}`)
  const place = unknown.path.map(String).join('.')
  return unknownName(`setting in ${place === '' ? path : `${path}, ${place}`}:`, unknown.keys[0], keysIn(place))
}

/** Returns the schema of a YAML list. A list with a single item may be written without brackets: `datasets: shapes`. */
export const oneOrMore = <Item extends z.ZodType>(item: Item, atLeast = 1) =>
  z.preprocess(
    (value) => (Array.isArray(value) || value === undefined || value === null ? value : [value]),
    z.array(item).min(atLeast),
  )

/** Reads the text of a file or pipe, up to the size limit of YAML files. */
function readText(path: string, what: string, remedy: string): string {
  const most = limitOf('yaml-kib') * 2 ** 10
  try {
    const file = openSync(path, 'r')
    try {
      const parts: Buffer[] = []
      for (let length = 0; ; length += parts.at(-1)?.length ?? 0) {
        if (length > most) throw beyondLimit('yaml-kib', `${what} ${path} is longer than ${most / 2 ** 10} KiB`)
        const part = Buffer.alloc(CHUNK)
        const read = readSync(file, part)
        if (read === 0) return Buffer.concat(parts).toString('utf8')
        parts.push(part.subarray(0, read))
      }
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    const problem = code === 'EISDIR' ? `the ${what} ${path} is a folder` : `cannot read the ${what} ${path} (${code})`
    throw new BenchError('missing', `${problem}; ${remedy}`, { cause })
  }
}

/**
 * Checks that a YAML text does not have too many tokens or too deep nesting: the parser takes quadratic time in the
 * number of tokens, and is recursive.
 */
function checkTokens(text: string, what: string): void {
  const [most, deepest] = [limitOf('yaml-tokens'), limitOf('yaml-depth')]
  const nesting = new Nesting()
  let tokens = 0
  for (const token of positionedTokens(text)) {
    if (++tokens > most) throw beyondLimit('yaml-tokens', `${what} has more than ${most} names, values and commas`)
    if (nesting.after(token) > deepest)
      throw beyondLimit('yaml-depth', `${what} is nested more than ${deepest} levels deep`)
  }
}

interface Token {
  readonly type: ReturnType<typeof CST.tokenType>
  /** Column of the token in its line, from 0. */
  readonly column: number
  /** Whether only spaces and indicators (`-`, `?`, `:`) precede the token in its line. */
  readonly startsLine: boolean
}

/** Yields the tokens of a YAML text with their positions, without recursion. */
function* positionedTokens(text: string): Generator<Token> {
  let [column, startsLine, inScalar] = [0, true, false]
  const { CST, Lexer } = loadYaml()
  for (const source of new Lexer().lex(text)) {
    const type = inScalar ? 'scalar' : CST.tokenType(source)
    inScalar = type === 'scalar' && !inScalar
    // Skips the lexer's own marks, which are not in the text; the text of a scalar follows its mark.
    if (inScalar || type === 'doc-mode' || type === 'flow-error-end') continue
    yield { type, column, startsLine }
    if (!isSpace(type) && !isIndicator(type)) startsLine = false
    const lineEnd = source.lastIndexOf('\n')
    column = lineEnd < 0 ? column + source.length : source.length - lineEnd - 1
    if (type === 'newline') startsLine = true
  }
}

/**
 * Tracks how deeply the tokens of a YAML text are nested: counts open brackets, and the columns at which lists and
 * mappings begin.
 */
class Nesting {
  #brackets = 0
  readonly #columns: number[] = []

  after({ type, column, startsLine }: Token): number {
    if (type === 'flow-seq-start' || type === 'flow-map-start') this.#brackets++
    if (type === 'flow-seq-end' || type === 'flow-map-end') this.#brackets = Math.max(0, this.#brackets - 1)
    if (this.#brackets === 0 && !isSpace(type) && startsLine) {
      while ((this.#columns.at(-1) ?? -1) > column) this.#columns.pop()
      if ((this.#columns.at(-1) ?? -1) < column) this.#columns.push(column)
    }
    return this.#brackets + this.#columns.length
  }
}

const isIndicator = (type: Token['type']): boolean =>
  type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind'

const isSpace = (type: Token['type']): boolean => type === 'space' || type === 'newline' || type === 'comment'
