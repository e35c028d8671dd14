/**
 * Reads the bytes of a pickle in sequence, from memory or from a part of a file; of a file, 1 MiB is in memory at a
 * time.
 */
import { readSync } from 'node:fs'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { countWork } from '../system/workCounter.ts'

const WINDOW_BYTES = 1 << 20

/** A part of an open file that contains a pickle; positions and lengths are in bytes. */
export interface FileSlice {
  readonly descriptor: number
  readonly offset: number
  readonly length: number
}

/**
 * Reads binary numbers, bytes and lines of text from a pickle in sequence. All methods throw BenchError `bad-input` if
 * the input ends too early.
 */
export class PickleInput {
  /** Name of the file that contains the pickle, for error messages. */
  readonly name: string
  readonly #file: FileSlice | undefined
  readonly #length: number
  #window: Buffer
  /** Position in the pickle of the first byte of `#window`, the part of the input that is in memory. */
  #windowStart = 0
  #at = 0
  #isExhausted = false

  constructor(name: string, source: Uint8Array | FileSlice) {
    this.name = name
    if (source instanceof Uint8Array) {
      this.#window = Buffer.from(source.buffer, source.byteOffset, source.byteLength)
      this.#length = source.byteLength
    } else {
      this.#file = source
      this.#window = Buffer.alloc(0)
      this.#length = source.length
    }
  }

  /** Number of bytes of the whole input. */
  get length(): number {
    return this.#length
  }

  /** Number of bytes of the input that were read so far. */
  get position(): number {
    return this.#windowStart + this.#at
  }

  byte(): number {
    if (this.#at >= this.#window.length) this.#fill(1)
    return this.#window[this.#at++]
  }

  uint16(): number {
    const at = this.#take(2)
    return this.#window.readUInt16LE(at)
  }

  int32(): number {
    const at = this.#take(4)
    return this.#window.readInt32LE(at)
  }

  uint32(): number {
    const at = this.#take(4)
    return this.#window.readUInt32LE(at)
  }

  /** Reads a little-endian integer of eight bytes. @throws BenchError `bad-input` if it exceeds 2⁵³ */
  uint64(): number {
    const at = this.#take(8)
    const value = Number(this.#window.readBigUInt64LE(at))
    if (!Number.isSafeInteger(value)) throw this.error('holds a length beyond its own')
    return value
  }

  /** Reads a big-endian double-precision number. */
  float64(): number {
    const at = this.#take(8)
    return this.#window.readDoubleBE(at)
  }

  utf8(bytes: number): string {
    const start = this.#take(bytes)
    return this.#window.toString('utf8', start, start + bytes)
  }

  latin1(bytes: number): string {
    const start = this.#take(bytes)
    return this.#window.toString('latin1', start, start + bytes)
  }

  /** Returns a copy of the next `count` bytes of the input. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    const start = this.#take(count)
    return Uint8Array.from(this.#window.subarray(start, start + count))
  }

  /** Returns the text up to the next newline; undefined if the line has more than `most` bytes. */
  line(most: number): string | undefined {
    for (let length = 64; ; length = Math.min(2 * length, most + 1)) {
      const available = Math.min(length, this.#length - this.position)
      this.#ensure(available)
      const end = this.#window.subarray(this.#at, this.#at + available).indexOf(10)
      if (end !== -1) {
        const text = this.#window.toString('latin1', this.#at, this.#at + end)
        this.#at += end + 1
        return text
      }
      if (available < length) throw this.#endsTooEarly('in the middle of a line')
      if (length > most) return undefined
    }
  }

  skip(bytes: number): void {
    if (bytes > this.#length - this.position) throw this.#endsTooEarly('too early')
    if (bytes <= this.#window.length - this.#at) {
      this.#at += bytes
      return
    }
    this.#windowStart = this.position + bytes
    this.#window = Buffer.alloc(0)
    this.#at = 0
  }

  /** Beginning of an error message about the current position in the input: `NAME, byte 31: the pickle`. */
  get place(): string {
    return `${this.name}, byte ${this.position}: the pickle`
  }

  /** Returns the error for a problem at the current position in the input. */
  error(problem: string): BenchError {
    return new BenchError('bad-input', `${this.place} ${problem}`)
  }

  /** Whether reading failed because the input ended too early, and not because its bytes are malformed. */
  get isExhausted(): boolean {
    return this.#isExhausted
  }

  #endsTooEarly(how: string): BenchError {
    this.#isExhausted = true
    return this.error(`ends ${how}`)
  }

  /**
   * Advances by this number of bytes and returns the offset in `#window` of the first of them. May replace `#window`.
   */
  #take(bytes: number): number {
    this.#ensure(bytes)
    const start = this.#at
    this.#at += bytes
    return start
  }

  #ensure(bytes: number): void {
    if (this.#window.length - this.#at < bytes) this.#fill(bytes)
  }

  /** Reads a new `#window` from the file, which starts at the current position and has at least `bytes` bytes. */
  #fill(bytes: number): void {
    const { position } = this
    const left = this.#length - position
    if (this.#file === undefined || bytes > left) {
      throw this.#endsTooEarly(`too early: ${pluralize(bytes, 'more byte')} expected, ${left} there`)
    }
    const window = Buffer.allocUnsafe(Math.min(left, Math.max(bytes, WINDOW_BYTES)))
    for (let filled = 0; filled < window.length; ) {
      const offset = this.#file.offset + position + filled
      const read = readSync(this.#file.descriptor, window, filled, window.length - filled, offset)
      if (read === 0) throw this.#endsTooEarly('too early: the file became shorter')
      filled += read
    }
    countWork()
    this.#window = window
    this.#windowStart = position
    this.#at = 0
  }
}
