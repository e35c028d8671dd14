/** NumPy's scalars and arrays, as their pickles describe them. */

/** Element type, as `<f8`; without it, what NumPy calls `dtype`. */
export class Dtype {
  readonly code: string
  #bigEndian = false

  constructor(code: string) {
    this.code = code.replace(/^[<>=|]/, '')
    this.#bigEndian = code.startsWith('>')
  }

  setByteOrder(order: string): void {
    this.#bigEndian = order === '>'
  }

  get bytes(): number {
    return READERS[this.code]?.bytes ?? 0
  }

  /** The elements' numbers; undefined for element types that are no numbers. */
  read(data: Uint8Array): number[] | undefined {
    const reader = READERS[this.code]
    if (reader === undefined || data.byteLength % reader.bytes !== 0) return undefined
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    const count = data.byteLength / reader.bytes
    return Array.from({ length: count }, (_, i) => reader.read(view, i * reader.bytes, !this.#bigEndian))
  }
}

interface Reader {
  readonly bytes: number
  read(view: DataView, at: number, littleEndian: boolean): number
}

const READERS: Readonly<Record<string, Reader | undefined>> = {
  b1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
}

/** An array: its bytes as they lie in the pickle, row-major unless `fortran`. */
export class NdArray {
  dtype = new Dtype('f8')
  shape: readonly number[] = []
  fortran = false
  data: Uint8Array = new Uint8Array(0)

  /** All elements in the order in which they lie. */
  numbers(): number[] | undefined {
    return this.dtype.read(this.data)
  }
}

/** The kind of a storage, as `torch.FloatStorage`. */
export class TorchStorageType {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

export interface TorchStorage {
  readonly type: string
  /** Names the bytes within the file. */
  readonly key: string
  readonly elements: number
}

export class TorchTensor {
  readonly storage: unknown
  readonly offset: number
  readonly shape: readonly number[]

  constructor(storage: unknown, offset: number, shape: readonly number[]) {
    this.storage = storage
    this.offset = offset
    this.shape = shape
  }
}

/** `('storage', type, key, location, elements, …)`, what PyTorch saves in place of a storage; else undefined. */
export function torchStorage(id: unknown): TorchStorage | undefined {
  if (!Array.isArray(id) || id[0] !== 'storage' || !(id[1] instanceof TorchStorageType)) return undefined
  const [, type, key, , elements] = id as [string, TorchStorageType, unknown, unknown, unknown]
  if (typeof elements !== 'number' || (typeof key !== 'string' && typeof key !== 'number')) return undefined
  return { type: type.name, key: String(key), elements }
}

const LONGEST_TEXT = 80

/** `None`, a number, a short text in quotes, or what kind of object it is. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'string') return `"${shortened(value)}"`
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Map) return 'a dict'
  if (value instanceof Set) return 'a set'
  if (value instanceof Uint8Array) return 'bytes'
  return value instanceof NdArray ? 'an array' : 'an object'
}

export const shortened = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
