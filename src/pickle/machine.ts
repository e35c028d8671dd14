/**
 * Interprets a Python pickle. A pickle is a program for a stack machine: its instructions push objects on a stack,
 * group them by marks, and store objects in a numbered memo, from which later instructions get them.
 */
import { beyondLimit, limitOf } from '../system/limits.ts'
import type { PickleInput } from './pickleInput.ts'
import { type PythonType, pythonType, setState } from './pythonTypes.ts'
import { describe, shortened, type TorchStorageType } from './values.ts'

export interface PickleOptions {
  /**
   * Called with each Python dict of the pickle once it is complete; may empty the dict. Returns true if the pickle will
   * not refer to objects in this dict again, apart from types and the texts that `keepsText` accepts. All other
   * contents are then freed.
   */
  onDict?(dict: Map<unknown, unknown>): boolean
  /**
   * Returns whether the pickle may refer to a text again after `onDict` has freed the dict that contains it. Absent: it
   * may refer to any text.
   */
  keepsText?(text: string): boolean
  /**
   * Returns the value for a persistent id, by which a pickle refers to an object outside of it (in PyTorch files, a
   * tensor's storage). Absent: pickles with such ids are refused.
   */
  persistent?(id: unknown): unknown
}

/**
 * Estimated bytes of an empty container (dict, list, set) in V8. Containers and their entries count towards the memory
 * limit of a pickle; texts, bytes and numbers do not, since they take about as much memory as in the pickle itself.
 */
const CONTAINER_BYTES = 200
const LIST_ITEM_BYTES = 16
/** Estimated bytes of one entry of a dict, a set or the pickle's memo. */
const ENTRY_BYTES = 64

/** Executes the instructions of one Python pickle. */
export class PickleMachine {
  readonly input: PickleInput
  /** Protocol version of the pickle: 0 for protocols 0 and 1, since such pickles do not state their protocol. */
  protocol = 0
  readonly #options: PickleOptions
  readonly #mostBytes = limitOf('pickle-mib') * 2 ** 20
  /** Maximum number of objects on the pickle's stack, and maximum number of marks. */
  readonly #mostStacked = Math.ceil(this.#mostBytes / ENTRY_BYTES)
  readonly #longestLine = limitOf('pickle-line-kib') * 2 ** 10
  readonly #longestInteger = limitOf('pickle-integer-bytes')
  readonly #stack: unknown[] = []
  readonly #marks: number[] = []
  readonly #memo = new Map<number, unknown>()
  /**
   * For each dict that `onDict` may free: the length of `#recent` and the bytes counted towards the memory limit, both
   * from before the dict was created.
   */
  readonly #began = new WeakMap<Map<unknown, unknown>, { readonly recent: number; readonly spent: number }>()
  /**
   * Dicts that are still getting items one by one, as in pickles of protocol 0. A dict is complete when it leaves the
   * top of the stack.
   */
  readonly #unfinished = new Set<unknown>()
  /** Keys of memo entries that may be freed later, in the order in which they were stored. */
  readonly #recent: number[] = []
  #forgotten = 0
  #spent = 0

  constructor(input: PickleInput, options: PickleOptions) {
    this.input = input
    this.#options = options
  }

  /** Throws an error for a malformed pickle. @throws BenchError `bad-input` with the position in the pickle */
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
    const mark = this.#marks.pop() ?? this.fail('ends a group that was never begun')
    return this.#finish(this.#stack.splice(mark))
  }

  /**
   * Marks the dicts among these values that were still getting items as complete, the innermost first. Returns the
   * values.
   */
  #finish(values: unknown[]): unknown[] {
    if (this.#unfinished.size === 0) return values
    for (const value of values.toReversed()) {
      if (this.#unfinished.delete(value)) this.#complete(value as Map<unknown, unknown>)
    }
    return values
  }

  /** Stores the object on top of the stack in the memo, under the next unused key. */
  memoize(): void {
    this.remember(this.#memo.size + this.#forgotten)
  }

  /** Stores the object on top of the stack in the memo, under this key. */
  remember(key: number): void {
    if (!Number.isSafeInteger(key) || key < 0) this.fail('stores an object under an invalid number')
    if (!this.#memo.has(key)) {
      this.#spend(ENTRY_BYTES)
      if (this.#options.onDict !== undefined) this.#recent.push(key)
    }
    this.#memo.set(key, this.top())
  }

  /** Pushes the object that the memo has under this key on the stack. */
  recall(key: number): void {
    const value = this.#memo.get(key)
    if (value === undefined) this.fail(`names an object ${key} that it does not hold, or no longer`)
    this.push(value)
  }

  newDict(): Map<unknown, unknown> {
    return this.#tracked(new Map())
  }

  newList(): unknown[] {
    this.#spend(CONTAINER_BYTES)
    return []
  }

  newSet(items: readonly unknown[]): Set<unknown> {
    this.#spend(CONTAINER_BYTES + ENTRY_BYTES * items.length)
    return new Set(items)
  }

  /**
   * Records the size of the memo before a dict gets items, so that `onDict` can free all entries stored after this.
   * Returns the dict.
   */
  #tracked(dict: Map<unknown, unknown>): Map<unknown, unknown> {
    if (this.#options.onDict !== undefined) {
      this.#began.set(dict, { recent: this.#recent.length, spent: this.#spent })
    }
    this.#spend(CONTAINER_BYTES)
    return dict
  }

  /**
   * Adds all items to the Python dict on top of the stack. The dict is complete afterwards.
   * @param items key, value, key, value, …
   */
  setItems(items: readonly unknown[]): void {
    this.#complete(this.#withItems(items))
  }

  /** Adds one item to the Python dict on top of the stack. @param item key and value */
  setItem(item: readonly unknown[]): void {
    const dict = this.#withItems(item)
    if (this.protocol === 0) this.#unfinished.add(dict)
    else this.#complete(dict)
  }

  #complete(dict: Map<unknown, unknown>): void {
    if (this.#options.onDict?.(dict)) this.#forgetInside(dict)
  }

  /** Adds items to the Python dict on top of the stack, and returns the dict. */
  #withItems(items: readonly unknown[]): Map<unknown, unknown> {
    const dict = this.top()
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.fail('sets items of an object that is not a dict')
    this.#spend((ENTRY_BYTES * items.length) / 2)
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
    return dict
  }

  /** Frees the memo entries that were stored since the dict was created and that the pickle cannot refer to again. */
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
    if (!Array.isArray(list)) this.fail('appends to an object that is not a list')
    this.#spend(LIST_ITEM_BYTES * items.length)
    for (const item of items) list.push(item)
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top()
    if (!(set instanceof Set)) this.fail('adds to an object that is not a set')
    this.#spend(ENTRY_BYTES * items.length)
    for (const item of items) set.add(item)
  }

  /**
   * Returns the Python type with this module and name.
   * @throws BenchError `bad-input` if it is not one of the permitted types
   */
  global(module: unknown, name: unknown): PythonType | TorchStorageType {
    const type = typeof module === 'string' && typeof name === 'string' ? pythonType(module, name) : undefined
    if (type !== undefined) return type
    const named = [module, name].map((part) => (typeof part === 'string' ? shortened(part) : describe(part)))
    return this.fail(`names ${named.join('.')}, which is not a permitted type; nothing was run`)
  }

  /** Returns, as plain data, the result of calling a permitted Python type with these arguments. */
  call(type: unknown, args: unknown): unknown {
    if (!isPythonType(type) || !Array.isArray(args))
      return this.fail('calls an object that is not a permitted type; nothing was run')
    const made = type.make(args, (bytes) => this.#spend(bytes))
    if (made === undefined) this.fail(`makes a ${type.name} from unfit arguments`)
    if (!(made instanceof Map)) return made
    // Python 2 passes the items of an OrderedDict to its constructor.
    if (made.size > 0) this.#options.onDict?.(made)
    return this.#tracked(made)
  }

  /**
   * Executes the instruction BUILD: sets the state of the second object on the stack to the topmost object, as Python's
   * `object.__setstate__(state)` does.
   */
  build(): void {
    const state = this.pop()
    if (!setState(this.top(), state)) this.fail('sets a state that does not fit its object')
  }

  mark(): void {
    if (this.#marks.length >= this.#mostStacked) this.#needsTooMuch()
    this.#marks.push(this.#stack.length)
  }

  /** Executes the instruction POP, which removes the topmost object of the stack or, if a mark is on top, the mark. */
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

  /** Returns the value that the caller provides for a persistent id, which stands for an object outside the pickle. */
  persistent(id: unknown): unknown {
    if (this.#options.persistent === undefined) this.fail('refers to an object outside itself')
    return this.#options.persistent(id)
  }

  /** Reads the rest of the current line of the pickle, without the newline. */
  line(): string {
    const line = this.input.line(this.#longestLine)
    if (line === undefined) throw beyondLimit('pickle-line-kib', `${this.input.place} has too long a line`)
    return line
  }

  /** Reads a little-endian two's complement integer with this number of bytes from the pickle. */
  integer(bytes: number): number | bigint {
    this.#checkInteger(bytes)
    const digits = this.input.bytes(bytes)
    const unsigned = digits.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    return shrink(BigInt.asIntN(8 * bytes, unsigned))
  }

  /** Parses an integer in decimal notation. */
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

  /** Parses a floating-point number in decimal notation. */
  float(text: string): number {
    const special = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[text]
    const value = special ?? (text.trim() === '' ? Number.NaN : Number(text))
    if (special === undefined && Number.isNaN(value)) this.fail('holds a malformed number')
    return value
  }
}

/**
 * Returns whether a value is a container or bytes. Types are not containers, since a pickle may refer to them until its
 * end.
 */
const isContainer = (value: unknown): boolean =>
  value instanceof Map || Array.isArray(value) || value instanceof Set || value instanceof Uint8Array

const isPythonType = (value: unknown): value is PythonType =>
  typeof value === 'object' && value !== null && 'make' in value && typeof value.make === 'function'

/** Converts a bigint to a number if its magnitude is at most 2⁵³; returns larger ones unchanged. */
const shrink = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
