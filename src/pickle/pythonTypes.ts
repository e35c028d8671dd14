/**
 * The complete list of Python types and functions that a pickle may name, and how each becomes plain data. A pickle
 * with any other name is refused. No Python code is ever run.
 */
import { Dtype, NdArray, TorchStorageType, TorchTensor } from './values.ts'

/** A Python type or function that a pickle may name, and how the arguments of a call of it become plain data. */
export interface PythonType {
  readonly name: string
  /**
   * Converts the arguments of a call of this Python type or function to plain data; returns undefined if the arguments
   * are invalid.
   */
  make(args: readonly unknown[], spend: Spend): unknown
}

/**
 * Counts bytes towards the memory limit of a pickle, in addition to the size of the pickle itself.
 * @throws BenchError if the limit is exceeded
 */
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
  // Network weights, which NATS-Bench's full release contains. They are skipped.
  ...entry(([bytes]) => (bytes instanceof Uint8Array ? null : undefined), 'torch.storage._load_from_bytes'),
  ...entry(makeTensor, 'torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_tensor'),
  ...['Float', 'Double', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool'].flatMap((kind) =>
    entry(() => undefined, `torch.${kind}Storage`),
  ),
])

/** Returns the Python type with this module and name; undefined if it is not on the list of permitted names. */
export function pythonType(module: string, name: string): PythonType | TorchStorageType | undefined {
  const type = types.get(`${module}.${name}`)
  return type !== undefined && module === 'torch' && name.endsWith('Storage') ? new TorchStorageType(type.name) : type
}

/**
 * Sets the state of an object in a pickle, as `object.__setstate__(state)` does in Python. Returns false if the state
 * does not fit the object.
 */
export function setState(object: unknown, state: unknown): boolean {
  if (object instanceof Dtype) {
    if (!Array.isArray(state) || typeof state[1] !== 'string') return false
    object.setByteOrder(state[1])
    return true
  }
  if (object instanceof NdArray) return setArrayState(object, state)
  // Attributes of an OrderedDict, such as PyTorch's _metadata, do not change its items.
  return object instanceof Map && (state instanceof Map || Array.isArray(state))
}

/**
 * Sets the state of a NumPy array to the tuple (version, shape, dtype, Fortran order, bytes). Returns false if the
 * tuple is malformed.
 */
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

/**
 * Returns the bytes that Python's `_codecs.encode(text, 'latin1')` returns. Pickles of protocols below 3 contain bytes
 * in this form.
 */
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

/** Makes a NumPy array from (bytes, dtype, shape, order), the form in pickles of protocol 5. */
function arrayOfBytes([data, dtype, shape, order]: readonly unknown[]): unknown {
  const array = new NdArray()
  return setArrayState(array, [shape, dtype, order === 'F', data]) ? array : undefined
}

/** Makes a PyTorch tensor from the arguments of `_rebuild_tensor`: (storage, offset, shape, stride, …). */
function makeTensor([storage, offset, shape]: readonly unknown[]): unknown {
  return typeof offset === 'number' && isShape(shape) ? new TorchTensor(storage, offset, shape) : undefined
}
