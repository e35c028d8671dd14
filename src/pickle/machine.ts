/** The machine that a pickle is a program for: a stack, marks on it, and a memo of objects to be named again. */
import { beyondLimit, limitOf } from '../system/limits.ts'
import type { PickleInput } from './pickleInput.ts'
import { type PythonType, pythonType, setState } from './pythonTypes.ts'
import { describe, shortened, type TorchStorageType } from './values.ts'

export interface PickleOptions {
  /**
   * Called when a dict has got items; it may empty the dict. Returning true says that the pickle will not name anything
   * of the dict's inside again, except types, and text that `keepsText` keeps: all else is then freed.
   */
  onDict?(dict: Map<unknown, unknown>): boolean
  keepsText?(text: string): boolean
  /** What stands for an object that the pickle only names (PyTorch's storages). Absent: such names are refused. */
  persistent?(id: unknown): unknown
}

/**
 * What is counted for the limit of memory: about what V8 takes. Text, bytes and numbers are not, for they are about as
 * large as the pickle itself.
 */
const CONTAINER_BYTES = 200
const LIST_ITEM_BYTES = 16
/** An entry of a dict, a set or the memo. */
const ENTRY_BYTES = 64

export class PickleMachine {
  readonly input: PickleInput
  /** 0 and 1 do not state theirs. */
  protocol = 0
  readonly #options: PickleOptions
  readonly #mostBytes = limitOf('pickle-mib') * 2 ** 20
  /** Objects on the stack, and marks. */
  readonly #mostStacked = Math.ceil(this.#mostBytes / ENTRY_BYTES)
  readonly #longestLine = limitOf('pickle-line-kib') * 2 ** 10
  readonly #longestInteger = limitOf('pickle-integer-bytes')
  readonly #stack: unknown[] = []
  readonly #marks: number[] = []
  readonly #memo = new Map<number, unknown>()
  /** Of the dicts that `onDict` may let go of: what was remembered and spent when each began. */
  readonly #began = new WeakMap<Map<unknown, unknown>, { readonly recent: number; readonly spent: number }>()
  /** Dicts that get their items one by one, as in protocol 0: they are complete when they are taken from the stack. */
  readonly #unfinished = new Set<unknown>()
  /** Keys of the memo that may be forgotten, in the order in which they came. */
  readonly #recent: number[] = []
  #forgotten = 0
  #spent = 0

  constructor(input: PickleInput, options: PickleOptions) {
    this.input = input
    this.#options = options
  }

  fail(problem: string): never {
    throw this.input.error(problem)
  }

  push(value: unknown): void {
    if (this.#stack.length >= this.#mostStacked) this.#needsTooMuch()
    this.#stack.push(value)
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('takes from an empty stack')
    const value = this.#stack.pop()
    this.#finish([value])
    return value
  }

  top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('takes from an empty stack')
    return this.#stack.at(-1)
  }

  popMany(count: number): unknown[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) this.fail('takes from an empty stack')
    return this.#finish(this.#stack.splice(this.#stack.length - count))
  }

  popMark(): unknown[] {
    const mark = this.#marks.pop() ?? this.fail('ends a group that it never began')
    return this.#finish(this.#stack.splice(mark))
  }

  /** The same values, of which none gets further items. The last was begun last. */
  #finish(values: unknown[]): unknown[] {
    if (this.#unfinished.size === 0) return values
    for (const value of values.toReversed()) {
      if (this.#unfinished.delete(value)) this.#complete(value as Map<unknown, unknown>)
    }
    return values
  }

  /** Under the next number. */
  memoize(): void {
    this.remember(this.#memo.size + this.#forgotten)
  }

  remember(key: number): void {
    if (!Number.isSafeInteger(key) || key < 0) this.fail('remembers an object under no number')
    if (!this.#memo.has(key)) {
      this.#spend(ENTRY_BYTES)
      if (this.#options.onDict !== undefined) this.#recent.push(key)
    }
    this.#memo.set(key, this.top())
  }

  recall(key: number): void {
    const value = this.#memo.get(key)
    if (value === undefined) this.fail(`names an object ${key} that it does not hold, or no longer`)
    this.push(value)
  }

  newDict(): Map<unknown, unknown> {
    return this.#followed(new Map())
  }

  newList(): unknown[] {
    this.#spend(CONTAINER_BYTES)
    return []
  }

  newSet(items: readonly unknown[]): Set<unknown> {
    this.#spend(CONTAINER_BYTES + ENTRY_BYTES * items.length)
    return new Set(items)
  }

  #followed(dict: Map<unknown, unknown>): Map<unknown, unknown> {
    if (this.#options.onDict !== undefined) {
      this.#began.set(dict, { recent: this.#recent.length, spent: this.#spent })
    }
    this.#spend(CONTAINER_BYTES)
    return dict
  }

  /** @param items key, value, key, value, … */
  setItems(items: readonly unknown[]): void {
    this.#complete(this.#withItems(items))
  }

  /** @param item key and value */
  setItem(item: readonly unknown[]): void {
    const dict = this.#withItems(item)
    if (this.protocol === 0) this.#unfinished.add(dict)
    else this.#complete(dict)
  }

  #complete(dict: Map<unknown, unknown>): void {
    if (this.#options.onDict?.(dict)) this.#forgetInside(dict)
  }

  /** The dict on top of the stack. */
  #withItems(items: readonly unknown[]): Map<unknown, unknown> {
    const dict = this.top()
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.fail('sets items of what is no dict')
    this.#spend((ENTRY_BYTES * items.length) / 2)
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
    return dict
  }

  /** Lets go of what was remembered since the dict began. */
  #forgetInside(dict: Map<unknown, unknown>): void {
    const since = this.#began.get(dict)
    if (since === undefined) return
    this.#spent = since.spent + CONTAINER_BYTES
    const { keepsText = () => true } = this.#options
    for (const key of this.#recent.splice(since.recent)) {
      const value = this.#memo.get(key)
      const forgettable = typeof value === 'string' ? !keepsText(value) : value !== dict && isContainer(value)
      if (forgettable && this.#memo.delete(key)) this.#forgotten++
      else this.#spend(ENTRY_BYTES)
    }
  }

  append(items: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) this.fail('appends to what is no list')
    this.#spend(LIST_ITEM_BYTES * items.length)
    for (const item of items) list.push(item)
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top()
    if (!(set instanceof Set)) this.fail('adds to what is no set')
    this.#spend(ENTRY_BYTES * items.length)
    for (const item of items) set.add(item)
  }

  global(module: unknown, name: unknown): PythonType | TorchStorageType {
    const type = typeof module === 'string' && typeof name === 'string' ? pythonType(module, name) : undefined
    if (type !== undefined) return type
    const named = [module, name].map((part) => (typeof part === 'string' ? shortened(part) : describe(part)))
    return this.fail(`names ${named.join('.')}, which is no type of data; nothing was run`)
  }

  call(type: unknown, args: unknown): unknown {
    if (!isPythonType(type) || !Array.isArray(args)) return this.fail('calls what is no type of data; nothing was run')
    const made = type.make(args, (bytes) => this.#spend(bytes))
    if (made === undefined) this.fail(`makes a ${type.name} of what is none`)
    if (!(made instanceof Map)) return made
    // Python 2 gives an OrderedDict its items when it is made.
    if (made.size > 0) this.#options.onDict?.(made)
    return this.#followed(made)
  }

  /** `object.__setstate__(state)` */
  build(): void {
    const state = this.pop()
    if (!setState(this.top(), state)) this.fail('sets a state that is none of its object')
  }

  mark(): void {
    if (this.#marks.length >= this.#mostStacked) this.#needsTooMuch()
    this.#marks.push(this.#stack.length)
  }

  /** Python lets POP take a mark, too. */
  popOne(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
    else this.pop()
  }

  #spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent > this.#mostBytes) this.#needsTooMuch()
  }

  #needsTooMuch(): never {
    throw beyondLimit('pickle-mib', `${this.input.place} needs too much memory for its lists, dicts and references`)
  }

  persistent(id: unknown): unknown {
    if (this.#options.persistent === undefined) this.fail('names an object outside of itself')
    return this.#options.persistent(id)
  }

  /** The rest of the line. */
  line(): string {
    const line = this.input.line(this.#longestLine)
    if (line === undefined) throw beyondLimit('pickle-line-kib', `${this.input.place} has too long a line`)
    return line
  }

  /** Two's complement, little endian. */
  integer(bytes: number): number | bigint {
    this.#checkInteger(bytes)
    const digits = this.input.bytes(bytes)
    const unsigned = digits.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    return shrink(BigInt.asIntN(8 * bytes, unsigned))
  }

  number(text: string): number | bigint {
    if (!/^[+-]?\d+$/.test(text)) this.fail('holds a malformed integer')
    // A decimal digit has 3.3 bits.
    this.#checkInteger(Math.floor((text.length * 3.3) / 8))
    return shrink(BigInt(text.replace(/^\+/, '')))
  }

  #checkInteger(bytes: number): void {
    if (bytes <= this.#longestInteger) return
    throw beyondLimit('pickle-integer-bytes', `${this.input.place} holds an integer of ${bytes} bytes`)
  }

  float(text: string): number {
    const special = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[text]
    const value = special ?? (text.trim() === '' ? Number.NaN : Number(text))
    if (special === undefined && Number.isNaN(value)) this.fail('holds a malformed number')
    return value
  }
}

/** Not the types that a pickle names once and uses all along. */
const isContainer = (value: unknown): boolean =>
  value instanceof Map || Array.isArray(value) || value instanceof Set || value instanceof Uint8Array

const isPythonType = (value: unknown): value is PythonType =>
  typeof value === 'object' && value !== null && 'make' in value && typeof value.make === 'function'

const shrink = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
