/**
 * The closed list of what a pickle may name, each with its meaning in data. A pickle that names anything else is
 * refused; nothing that it names is ever looked up or run.
 */
import { Dtype, NdArray, TorchStorageType, TorchTensor } from './values.ts'

/** A name that a pickle may hold, and what calling it with arguments stands for. */
export interface PythonType {
  readonly name: string
  /** @returns undefined where the arguments are not those that the type takes */
  make(args: readonly unknown[], spend: Spend): unknown
}

/** Counts bytes of memory that a call takes beyond the pickle's own; throws when it is too much. */
export type Spend = (bytes: number) => void

const entry = (make: PythonType['make'], ...names: readonly string[]) =>
  names.map((name) => [name, { name, make }] as const)

const inBuiltins = (name: string): string[] => [`builtins.${name}`, `__builtin__.${name}`]
const inNumpy = (name: string): string[] => [`numpy.core.${name}`, `numpy._core.${name}`]

const types: ReadonlyMap<string, PythonType> = new Map([
  ...entry(makeMap, 'collections.OrderedDict', ...inBuiltins('dict')),
  ...entry(makeSet, ...inBuiltins('set'), ...inBuiltins('frozenset')),
  ...entry(makeList, ...inBuiltins('list'), ...inBuiltins('tuple'), 'torch.Size'),
  ...entry(makeBytes, ...inBuiltins('bytearray'), ...inBuiltins('bytes')),
  ...entry(encode, '_codecs.encode'),
  ...entry(makeScalar, ...inNumpy('multiarray.scalar')),
  ...entry(() => new NdArray(), ...inNumpy('multiarray._reconstruct')),
  ...entry(arrayOfBytes, ...inNumpy('numeric._frombuffer')),
  ...entry(([code]) => (typeof code === 'string' ? new Dtype(code) : undefined), 'numpy.dtype'),
  ...entry(() => undefined, 'numpy.ndarray'),
  // The weights of a network, which are passed over; NATS-Bench's full release has them.
  ...entry(([bytes]) => (bytes instanceof Uint8Array ? null : undefined), 'torch.storage._load_from_bytes'),
  ...entry(makeTensor, 'torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_tensor'),
  ...['Float', 'Double', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool'].flatMap((kind) =>
    entry(() => undefined, `torch.${kind}Storage`),
  ),
])

/** The type of this name, a storage type of PyTorch's, or undefined where the name is not on the list. */
export function pythonType(module: string, name: string): PythonType | TorchStorageType | undefined {
  const type = types.get(`${module}.${name}`)
  return type !== undefined && module === 'torch' && name.endsWith('Storage') ? new TorchStorageType(type.name) : type
}

/**
 * What `object.__setstate__(state)` stands for.
 * @returns false where the object takes no such state
 */
export function setState(object: unknown, state: unknown): boolean {
  if (object instanceof Dtype) {
    if (!Array.isArray(state) || typeof state[1] !== 'string') return false
    object.setByteOrder(state[1])
    return true
  }
  if (object instanceof NdArray) return setArrayState(object, state)
  // Attributes of an OrderedDict, as PyTorch's _metadata, say nothing about its items.
  return object instanceof Map && (state instanceof Map || Array.isArray(state))
}

/** (version, shape, dtype, Fortran order, bytes) */
function setArrayState(array: NdArray, state: unknown): boolean {
  if (!Array.isArray(state)) return false
  const [shape, dtype, fortran, data] = state.slice(-4)
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
  if (!isShape(shape) || !(dtype instanceof Dtype) || !(bytes instanceof Uint8Array)) return false
  if (dtype.bytes * shape.reduce((product, n) => product * n, 1) !== bytes.byteLength) return false
  Object.assign(array, { shape, dtype, fortran: fortran === true, data: bytes })
  return true
}

const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)

function makeMap(args: readonly unknown[], spend: Spend): unknown {
  const [items = []] = args
  if (items instanceof Map) return items
  if (!Array.isArray(items) || !items.every((item) => Array.isArray(item) && item.length === 2)) return undefined
  spend(64 * items.length)
  return new Map(items as [unknown, unknown][])
}

function makeSet(args: readonly unknown[], spend: Spend): unknown {
  const [items = []] = args
  if (!Array.isArray(items)) return undefined
  spend(64 * items.length)
  return new Set(items)
}

function makeList(args: readonly unknown[]): unknown {
  const [items = []] = args
  return Array.isArray(items) ? items : undefined
}

function makeBytes(args: readonly unknown[], spend: Spend): unknown {
  const [data = new Uint8Array(0), encoding] = args
  if (typeof data === 'string' && encoding === 'latin-1') return encode([data, 'latin1'], spend)
  return data instanceof Uint8Array ? data : undefined
}

/** How protocols below 3 write bytes: as text, to be encoded. */
function encode([text, encoding]: readonly unknown[], spend: Spend): unknown {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) return undefined
  spend(text.length)
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

function makeScalar([dtype, data]: readonly unknown[]): unknown {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
  if (!(dtype instanceof Dtype) || !(bytes instanceof Uint8Array) || bytes.byteLength !== dtype.bytes) return undefined
  return dtype.read(bytes)?.[0]
}

/** (bytes, dtype, shape, order): how protocol 5 writes arrays. */
function arrayOfBytes([data, dtype, shape, order]: readonly unknown[]): unknown {
  const array = new NdArray()
  return setArrayState(array, [shape, dtype, order === 'F', data]) ? array : undefined
}

/** (storage, offset, shape, stride, …) */
function makeTensor([storage, offset, shape]: readonly unknown[]): unknown {
  return typeof offset === 'number' && isShape(shape) ? new TorchTensor(storage, offset, shape) : undefined
}
