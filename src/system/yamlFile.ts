/**
 * Reads YAML files that users write (experiments, recipes, mappings). Size, number of tokens and nesting are limited,
 * since the parser is recursive and takes quadratic time.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import type { CST } from 'yaml'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { loadYaml } from '../core/lazyPackages.ts'
import { beyondLimit, limitOf } from './limits.ts'
import { aliasFault, type ParsedFile, schemaFault, syntaxFault } from './yamlFaults.ts'

const CHUNK = 2 ** 16

/** A kind of YAML file, such as experiment files. */
export interface YamlKind<T> {
  /** Name of the kind in messages, such as `experiment file`. */
  readonly what: string
  readonly schema: z.ZodType<T>
  /** A valid file for messages: its text in quotes if it is short, or the path of one. */
  readonly example: string
  /** What the user can do if the file is missing; absent: name a YAML file. */
  readonly remedy?: string
}

/**
 * Reads a YAML file and checks it against the schema of its kind.
 * @returns the content as the schema parses it, and as the file has it
 * @throws BenchError `missing` if the file cannot be read; `bad-input` or `unknown-name` if it is not YAML, too long or
 * too deeply nested, or does not match the schema
 */
export function readYaml<T>(path: string, kind: YamlKind<T>): { readonly data: T; readonly content: unknown } {
  const { what, schema, remedy = 'name a YAML file' } = kind
  const text = readText(path, what, remedy)
  if (text.includes('\0')) {
    throw new BenchError('bad-input', `${what} ${path} is not text; expected names with values, as in ${kind.example}`)
  }
  checkTokens(text, `${what} ${path}`)
  const { LineCounter, parseDocument } = loadYaml()
  const lines = new LineCounter()
  // prettyErrors would take time quadratic in the number of errors.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines })
  const file: ParsedFile = { path, text, document, lines }
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) throw syntaxFault(error, file, kind)
  const content = contentOf(file, kind)
  const checked = schema.safeParse(content)
  if (checked.success) return { data: checked.data, content }
  throw schemaFault(checked.error, file, content, kind)
}

/** Converts a parsed YAML document to plain data. @throws BenchError if an alias is wrong, or all expand to too much */
function contentOf(file: ParsedFile, kind: YamlKind<unknown>): unknown {
  try {
    return file.document.toJS()
  } catch (cause) {
    throw aliasFault(cause as Error, file, kind)
  }
}

/**
 * Returns a function for the `transform` of a schema that parses a value like a command-line option, and reports its
 * BenchError as the problem at that place of the file.
 */
export const parsedWith =
  <In, Out>(parse: (value: In) => Out) =>
  (value: In, context: z.RefinementCtx): Out => {
    try {
      return parse(value)
    } catch (error) {
      if (!(error instanceof BenchError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
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
