/** The machine that a pickle is a program for: a stack, marks on it, and a memo of objects to be named again. */
import type { PickleInput } from './pickleInput.ts'
import { type PythonType, pythonType, setState } from './pythonTypes.ts'
import type { TorchStorageType } from './torch.ts'

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

/** Of containers and copies that are held at a time; text and numbers are as large as the pickle itself. */
const MOST_BYTES = 2 ** 28
const CONTAINER_BYTES = 200
const MOST_ENTRIES = 2 ** 24 - 1
const LONGEST_INTEGER = 32

export class PickleMachine {
  readonly input: PickleInput
  readonly #options: PickleOptions
  readonly #stack: unknown[] = []
  readonly #marks: number[] = []
  readonly #memo = new Map<number, unknown>()
  /** Of the dicts that `onDict` may let go of: what was remembered and spent when each began. */
  readonly #began = new WeakMap<Map<unknown, unknown>, { readonly recent: number; readonly spent: number }>()
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
    if (this.#stack.length > MOST_ENTRIES) this.fail('piles up more than can be data')
    this.#stack.push(value)
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('takes from an empty stack')
    return this.#stack.pop()
  }

  top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('takes from an empty stack')
    return this.#stack.at(-1)
  }

  popMany(count: number): unknown[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) this.fail('takes from an empty stack')
    return this.#stack.splice(this.#stack.length - count)
  }

  popMark(): unknown[] {
    const mark = this.#marks.pop() ?? this.fail('ends a group that it never began')
    return this.#stack.splice(mark)
  }

  /** Under the next number. */
  memoize(): void {
    this.remember(this.#memo.size + this.#forgotten)
  }

  remember(key: number): void {
    if (!Number.isSafeInteger(key) || key < 0) this.fail('remembers an object under no number')
    if (this.#memo.size >= MOST_ENTRIES) this.fail('remembers more objects than can be held')
    this.#memo.set(key, this.top())
    if (this.#options.onDict !== undefined) this.#recent.push(key)
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
    this.#spend(CONTAINER_BYTES)
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
    const dict = this.top()
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.fail('sets items of what is no dict')
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
    if (this.#options.onDict?.(dict)) this.#forgetInside(dict)
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
    }
  }

  append(items: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) this.fail('appends to what is no list')
    for (const item of items) list.push(item)
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top()
    if (!(set instanceof Set)) this.fail('adds to what is no set')
    for (const item of items) set.add(item)
  }

  global(module: unknown, name: unknown): PythonType | TorchStorageType {
    const type = typeof module === 'string' && typeof name === 'string' ? pythonType(module, name) : undefined
    return type ?? this.fail(`names ${String(module)}.${String(name)}, which is no type of data; nothing was run`)
  }

  call(type: unknown, args: unknown): unknown {
    if (!isPythonType(type) || !Array.isArray(args)) return this.fail('calls what is no type of data; nothing was run')
    const made = type.make(args, (bytes) => this.#spend(bytes))
    if (made === undefined) this.fail(`makes a ${type.name} of what is none`)
    return made instanceof Map ? this.#followed(made) : made
  }

  /** `object.__setstate__(state)` */
  build(): void {
    const state = this.pop()
    if (!setState(this.top(), state)) this.fail('sets a state that is none of its object')
  }

  mark(): void {
    if (this.#marks.length > MOST_ENTRIES) this.fail('piles up more than can be data')
    this.#marks.push(this.#stack.length)
  }

  /** Python lets POP take a mark, too. */
  popOne(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
    else this.pop()
  }

  #spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent > MOST_BYTES) this.fail('asks for more memory than its size explains')
  }

  persistent(id: unknown): unknown {
    if (this.#options.persistent === undefined) this.fail('names an object outside of itself')
    return this.#options.persistent(id)
  }

  /** Two's complement, little endian. */
  integer(bytes: number): number | bigint {
    if (bytes > LONGEST_INTEGER) this.fail(`holds an integer of ${bytes} bytes`)
    const digits = this.input.bytes(bytes)
    const unsigned = digits.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    return shrink(BigInt.asIntN(8 * bytes, unsigned))
  }

  number(text: string): number | bigint {
    if (!/^[+-]?\d{1,80}$/.test(text)) this.fail('holds a malformed integer')
    return shrink(BigInt(text.replace(/^\+/, '')))
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
