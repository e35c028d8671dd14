/** PyTorch's tensors, as their pickles describe them: which storage, and where in it. The raw bytes stay in the file. */

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
