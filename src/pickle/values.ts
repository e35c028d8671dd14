/**
 * The JavaScript classes for NumPy arrays and PyTorch tensors in a pickle, and the description of a pickle's objects in
 * error messages.
 */

/** NumPy's `dtype`: element type and byte order of an array, such as `<f8`. */
export class Dtype {
  /** Element type of the NumPy array without its byte order, such as `f8`. */
  readonly code: string
  #bigEndian = false

  constructor(code: string) {
    this.code = code.replace(/^[<>=|]/, '')
    this.#bigEndian = code.startsWith('>')
  }

  setByteOrder(order: string): void {
    this.#bigEndian = order === '>'
  }

  /** Number of bytes of one element of the NumPy array; 0 if the element type is not numeric. */
  get bytes(): number {
    return READERS[this.code]?.bytes ?? 0
  }

  /** Converts the raw bytes of a NumPy array to numbers; returns undefined if the element type is not numeric. */
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

/** A NumPy array in a pickle. Its elements are kept as raw bytes: row-major, or column-major if `fortran` is true. */
export class NdArray {
  dtype = new Dtype('f8')
  shape: readonly number[] = []
  fortran = false
  data: Uint8Array = new Uint8Array(0)

  /** Returns all elements of the array, in the order of the raw bytes; undefined if the element type is not numeric. */
  numbers(): number[] | undefined {
    return this.dtype.read(this.data)
  }
}

/** A PyTorch storage class that a pickle names, such as `torch.FloatStorage`. */
export class TorchStorageType {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** The storage (memory block) that a PyTorch tensor is a view of. Its bytes are not read but stay in the file. */
export interface TorchStorage {
  /** Name of the PyTorch storage class, such as `torch.FloatStorage`. */
  readonly type: string
  /** Name of the storage's entry in the PyTorch file, which contains its bytes. */
  readonly key: string
  readonly elements: number
}

/** A PyTorch tensor in a pickle: a view of a storage (memory block). */
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

/**
 * Returns the PyTorch storage that a persistent id `('storage', type, key, location, elements, …)` describes; undefined
 * for any other value.
 */
export function torchStorage(id: unknown): TorchStorage | undefined {
  if (!Array.isArray(id) || id[0] !== 'storage' || !(id[1] instanceof TorchStorageType)) return undefined
  const [, type, key, , elements] = id as [string, TorchStorageType, unknown, unknown, unknown]
  if (typeof elements !== 'number' || (typeof key !== 'string' && typeof key !== 'number')) return undefined
  return { type: type.name, key: String(key), elements }
}

const LONGEST_TEXT = 80

/**
 * Describes an object of a pickle for an error message: `None`, a number, a short text in quotes, or the kind of
 * object. Contents of containers are left out, since a list may contain itself.
 */
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

/** Returns a text for an error message, cut off after 80 characters. */
export const shortened = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
