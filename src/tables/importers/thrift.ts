/**
 * Decodes the compact protocol of Apache Thrift, in which the directory and page headers of Parquet files are encoded.
 * Every length is checked against the number of remaining bytes.
 */

export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct
/** A struct decoded from Thrift's compact protocol: values by field id. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

const DEEPEST = 32
const LONGEST_VARINT = 10

/**
 * Decodes the Thrift struct that begins at byte `start`. Returns the struct and the offset of its end.
 * @throws RangeError if the struct is malformed
 */
export function readThrift(bytes: Uint8Array, start: number): { readonly struct: ThriftStruct; readonly end: number } {
  const reader = new Reader(bytes, start)
  return { struct: reader.struct(0), end: reader.at }
}

class Reader {
  at: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  struct(depth: number): ThriftStruct {
    if (depth > DEEPEST) throw new RangeError(`structures more than ${DEEPEST} deep`)
    const fields = new Map<number, ThriftValue>()
    for (let field = 0; ; ) {
      const head = this.#byte()
      const type = head & 15
      if (type === 0) return fields
      field = head >> 4 === 0 ? this.#integer() : field + (head >> 4)
      fields.set(field, this.#value(type, depth))
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return type === 1
      case 3:
        return this.#byte()
      case 4:
      case 5:
      case 6:
        return this.#integer()
      case 7:
        return this.#double()
      case 8:
        return this.#binary()
      case 9:
        return this.#list(depth)
      case 12:
        return this.struct(depth + 1)
      default:
        throw new RangeError(`a value of unknown type ${type}`)
    }
  }

  #byte(): number {
    if (this.at >= this.#bytes.length) throw new RangeError('a structure that never ends')
    return this.#bytes[this.at++]
  }

  #varint(): bigint {
    let value = 0n
    for (let i = 0; i < LONGEST_VARINT; i++) {
      const byte = this.#byte()
      value |= BigInt(byte & 127) << BigInt(7 * i)
      if (byte < 128) return value
    }
    throw new RangeError(`a number of more than ${LONGEST_VARINT} bytes`)
  }

  /** Reads the next integer of the struct: a variable-length integer in zigzag encoding (0, −1, 1, −2, …). */
  #integer(): number {
    const value = this.#varint()
    return Number((value >> 1n) ^ -(value & 1n))
  }

  #double(): number {
    const bytes = this.#take(8)
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true)
  }

  #binary(): Uint8Array {
    return this.#take(Number(this.#varint()))
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.at) throw new RangeError('a text that is longer than the file')
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  #list(depth: number): ThriftValue[] {
    const head = this.#byte()
    const size = head >> 4 === 15 ? Number(this.#varint()) : head >> 4
    // Each item has a byte at least.
    if (size > this.#bytes.length - this.at) throw new RangeError('a list that is longer than the file')
    const type = head & 15
    return Array.from({ length: size }, () => (type <= 2 ? this.#byte() === 1 : this.#value(type, depth + 1)))
  }
}
