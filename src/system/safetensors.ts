/**
 * Reads and writes safetensors files, the format in which PyTorch programs exchange weights. Layout: 8 bytes with the
 * length of the header (little-endian), the header as JSON, then the tensors' values (little-endian). The header has
 * the type, shape and byte range of each tensor and, under `__metadata__`, named texts
 * (github.com/huggingface/safetensors: README). Only 32-bit floats are supported.
 */
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'

/** A tensor of 32-bit floats with its name. */
export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Entries of the tensor, row-major. */
  readonly values: Float32Array
}

/** The content of a safetensors file. */
export interface TensorFile {
  readonly tensors: readonly NamedTensor[]
  /** Named texts about the content, such as the class names of a network. */
  readonly metadata: Readonly<Record<string, string>>
}

/** The length of the header in bytes is a multiple of this number, so that the values are aligned in memory. */
const ALIGNMENT = 8
const METADATA = '__metadata__'

/** Returns the bytes of a safetensors file with the tensors in the given order. */
export function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array {
  let end = 0
  const entries = tensors.map(({ name, shape, values }) => {
    const begin = end
    end += 4 * values.length
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const
  })
  const json = Buffer.from(JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) }))
  const headerLength = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT
  const bytes = Buffer.alloc(8 + headerLength + end, ' ')
  bytes.writeBigUInt64LE(BigInt(headerLength))
  bytes.set(json, 8)
  let at = 8 + headerLength
  for (const { values } of tensors) {
    bytes.set(littleEndian(values), at)
    at += 4 * values.length
  }
  return bytes
}

/**
 * Returns the tensors and metadata of a safetensors file.
 * @param path path of the file, for messages
 * @throws BenchError `corrupt` that says what is wrong with the file; `unsupported` for other types than 32-bit floats
 */
export function decodeSafetensors(bytes: Uint8Array, path: string): TensorFile {
  const refuse = (problem: string): never => {
    throw new BenchError('corrupt', `${path} is no safetensors file: ${problem}; restore it from a copy`)
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.length < 8) refuse(`it has ${pluralize(view.length, 'byte')}`)
  const headerLength = view.readBigUInt64LE()
  if (headerLength > BigInt(view.length - 8)) refuse('its header is longer than the file')
  const data = view.subarray(8 + Number(headerLength))
  const { [METADATA]: metadata = {}, ...entries } =
    headerOf(view.toString('utf8', 8, 8 + Number(headerLength))) ?? refuse('its header is no JSON object')
  if (!isTexts(metadata)) refuse(`${METADATA} is not a list of texts by name`)
  let end = 0
  const tensors = Object.entries(entries).map(([name, entry]): NamedTensor => {
    const { dtype, shape, data_offsets: offsets } = entry as Partial<Entry>
    if (dtype !== 'F32' && typeof dtype === 'string') {
      throw new BenchError('unsupported', `${path}: tensor ${name} has type ${dtype}; only F32 can be read`)
    }
    if (dtype !== 'F32' || !isNaturals(shape) || !isNaturals(offsets) || offsets.length !== 2) {
      return refuse(`tensor ${name} has no type, shape and place`)
    }
    const [from, to] = offsets
    const length = shape.reduce((product, extent) => product * extent, 1)
    if (to - from !== 4 * length || to > data.length) {
      return refuse(`tensor ${name} of shape [${shape}] is at bytes ${from} to ${to} of ${data.length}`)
    }
    end += to - from
    return { name, shape, values: floatsIn(data, from, length) }
  })
  if (end !== data.length) refuse(`its tensors have ${pluralize(end, 'byte')} and it has ${data.length}`)
  return { tensors, metadata: metadata as Record<string, string> }
}

interface Entry {
  readonly dtype: unknown
  readonly shape: unknown
  readonly data_offsets: unknown
}

function headerOf(json: string): Record<string, unknown> | undefined {
  try {
    const header: unknown = JSON.parse(json)
    const isEntry = (entry: unknown) => typeof entry === 'object' && entry !== null
    return isEntry(header) && Object.values(header as object).every(isEntry)
      ? (header as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const isTexts = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')

const isNaturals = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0)

/** Whether this machine is little-endian, like the file. */
const IS_LITTLE = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** Returns the bytes of 32-bit floats in little-endian order. */
export function littleEndian({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  return IS_LITTLE ? bytes : Buffer.from(bytes).swap32()
}

/** Returns a copy of `length` floats from the data, beginning at byte `from`. */
function floatsIn(data: Uint8Array, from: number, length: number): Float32Array {
  const copy = Buffer.from(data.subarray(from, from + 4 * length))
  if (!IS_LITTLE) copy.swap32()
  return new Float32Array(copy.buffer.slice(copy.byteOffset, copy.byteOffset + 4 * length))
}
