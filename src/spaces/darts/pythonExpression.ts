/**
 * A reader for values in Python syntax and JSON: lists, tuples, dicts, numbers, strings, and calls of the few functions
 * that occur in printed architectures. No code is executed.
 */

/** A value in Python or JSON syntax, as this reader returns it. */
export type PythonValue = string | number | null | boolean | readonly PythonValue[] | PythonCall | PythonDict

/** A parsed function call that is not evaluated, as `Genotype(normal=[…])`: its name and its arguments. */
export interface PythonCall {
  readonly name: string
  readonly positional: readonly PythonValue[]
  readonly keywords: ReadonlyMap<string, PythonValue>
}

/** A Python dict or JSON object; its keys are converted to text. */
export interface PythonDict {
  readonly entries: ReadonlyMap<string, PythonValue>
}

/** A syntax error in a Python or JSON value; the message begins with line and column, counted from 1. */
export class ExpressionError extends Error {
  constructor(text: string, at: number, problem: string) {
    super(`${placeIn(text, at)}: ${problem}`)
  }
}

/** Formats a position in a text (0-based offset) as `line 3, column 17`, both counted from 1. */
export function placeIn(text: string, at: number): string {
  const before = text.slice(0, at)
  return `line ${before.split('\n').length}, column ${at - before.lastIndexOf('\n')}`
}

/**
 * Largest depth of nested brackets that is accepted, because every level is a recursive call; architectures need less.
 */
const DEEPEST = 20

/**
 * Parses the Python or JSON value that begins at offset `at` of a text, and ignores what follows it.
 * @throws ExpressionError
 */
export function readExpression(text: string, at: number): PythonValue {
  return new ExpressionReader(text, at).value(0)
}

/** Matches what may stand between two tokens: spaces, comments, and line ends after a backslash. */
const BLANK = /(?:\s|#[^\n]*|\\\r?\n)*/y
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?L?/iy
const NAME = /[A-Za-z_][\w.]*/y
const STRING = /[ubr]{0,2}("""|'''|"|')/iy

class ExpressionReader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  value(depth: number): PythonValue {
    this.#match(BLANK)
    if (depth > DEEPEST) throw this.#error('brackets are nested too deeply')
    const next = this.#text[this.#at]
    if (next === '[') return this.#items('[', ']', depth)
    if (next === '(') return this.#items('(', ')', depth)
    if (next === '{') return this.#dict(depth)
    const quote = this.#match(STRING)
    if (quote !== undefined) return this.#string(quote.replace(/^[a-z]*/i, ''))
    const number = this.#match(NUMBER)
    if (number !== undefined) return Number(number.replace(/L$/i, ''))
    const start = this.#at
    const name = this.#match(NAME)
    if (name === undefined) throw this.#error(`expected a value, found ${this.#found()}`)
    this.#match(BLANK)
    return this.#text[this.#at] === '(' ? this.#call(name, start, depth) : this.#constant(name, start)
  }

  /** Parses a list or a tuple. One value in round brackets without a comma is that value, not a tuple. */
  #items(open: string, close: string, depth: number): PythonValue {
    this.#expect(open)
    const items: PythonValue[] = []
    let commas = 0
    while (!this.#takes(close)) {
      items.push(this.value(depth + 1))
      if (this.#takes(close)) break
      this.#expect(',', `"," or "${close}"`)
      commas++
    }
    return open === '(' && items.length === 1 && commas === 0 ? items[0] : items
  }

  #dict(depth: number): PythonDict {
    this.#expect('{')
    const entries = new Map<string, PythonValue>()
    while (!this.#takes('}')) {
      const key = this.value(depth + 1)
      this.#expect(':', '":"')
      entries.set(String(key), this.value(depth + 1))
      if (this.#takes('}')) break
      this.#expect(',', '"," or "}"')
    }
    return { entries }
  }

  #call(name: string, start: number, depth: number): PythonValue {
    this.#expect('(')
    const positional: PythonValue[] = []
    const keywords = new Map<string, PythonValue>()
    while (!this.#takes(')')) {
      const keyword = this.#keyword()
      const value = this.value(depth + 1)
      if (keyword === undefined) positional.push(value)
      else keywords.set(keyword, value)
      if (this.#takes(')')) break
      this.#expect(',', '"," or ")"')
    }
    return this.#evaluate({ name: name.replace(/^.*\./, ''), positional, keywords }, start)
  }

  /** Parses the name of a keyword argument, as `normal=`; undefined if the next argument is positional. */
  #keyword(): string | undefined {
    this.#match(BLANK)
    const start = this.#at
    const name = this.#match(NAME)
    this.#match(BLANK)
    if (name !== undefined && this.#text[this.#at] === '=' && this.#text[this.#at + 1] !== '=') {
      this.#at++
      return name
    }
    this.#at = start
    return undefined
  }

  #evaluate(call: PythonCall, start: number): PythonValue {
    const { name, positional, keywords } = call
    const [first] = positional
    if (name === 'range' || name === 'arange') return this.#range(positional, start)
    if (name === 'dict' || name === 'OrderedDict') return { entries: this.#pairs(first, keywords, start) }
    // Calls that make a number, an array or a list from a value are replaced by the value.
    if (/^(?:list|tuple|sorted|array|asarray|tensor|Tensor|str_?|u?int\d*_?|float\d*)$/.test(name)) {
      if (first !== undefined) return first
      throw new ExpressionError(this.#text, start, `${name}() is empty`)
    }
    return call
  }

  #range(numbers: readonly PythonValue[], start: number): readonly number[] {
    const [from, to, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1]
    const length = (Number(to) - Number(from)) / Number(step)
    if (numbers.length < 1 || numbers.length > 3 || !(length < 1000)) {
      throw new ExpressionError(this.#text, start, 'expected a range of few numbers, as range(2, 6)')
    }
    return Array.from({ length: Math.max(0, Math.ceil(length)) }, (_, i) => Number(from) + i * Number(step))
  }

  #pairs(
    pairs: PythonValue | undefined,
    keywords: ReadonlyMap<string, PythonValue>,
    start: number,
  ): ReadonlyMap<string, PythonValue> {
    if (pairs === undefined) return keywords
    if (isDict(pairs)) return new Map([...pairs.entries, ...keywords])
    if (Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
      return new Map([...pairs.map(([key, value]) => [String(key), value] as const), ...keywords])
    }
    throw new ExpressionError(this.#text, start, 'expected a dict of (key, value) pairs')
  }

  #constant(name: string, start: number): PythonValue {
    const constants: Readonly<Record<string, null | boolean>> = {
      ...{ None: null, null: null },
      ...{ True: true, true: true, False: false, false: false },
    }
    if (Object.hasOwn(constants, name)) return constants[name]
    throw new ExpressionError(this.#text, start, `expected a value, found the name ${name}`)
  }

  #string(quote: string): string {
    const start = this.#at
    for (; this.#at < this.#text.length; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++
      else if (this.#text.startsWith(quote, this.#at)) {
        this.#at += quote.length
        return this.#text.slice(start, this.#at - quote.length).replace(/\\(.)/gs, '$1')
      } else if (quote.length === 1 && this.#text[this.#at] === '\n') break
    }
    throw new ExpressionError(this.#text, start, `a text in ${quote}…${quote} does not end`)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #takes(character: string): boolean {
    this.#match(BLANK)
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #expect(character: string, expected = `"${character}"`): void {
    if (!this.#takes(character)) throw this.#error(`expected ${expected}, found ${this.#found()}`)
  }

  #found(): string {
    const rest = this.#text.slice(this.#at, this.#at + 20).split('\n')[0]
    return rest === '' ? 'the end' : JSON.stringify(rest)
  }

  #error(problem: string): ExpressionError {
    return new ExpressionError(this.#text, this.#at, problem)
  }
}

/** Whether a parsed value is a dict. */
export const isDict = (value: PythonValue): value is PythonDict =>
  typeof value === 'object' && value !== null && 'entries' in value && value.entries instanceof Map
