/**
 * Defines, reads and checks the manifest of a lookup table, `NAME.manifest.json`: the table's origin, and the position
 * of each column in the table's Arrow file.
 */
import { BenchError } from '../core/errors.ts'
import { printable } from '../core/plainText.ts'
import { isAccuracy } from './columnNames.ts'
import type { Recipe } from './recipe.ts'

/** Version of the format of manifest files that this program reads and writes. */
export const MANIFEST_SCHEMA = 1

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA
  readonly name: string
  /** Name of the search space to which the table's architectures belong. */
  readonly space: string
  /**
   * Number of architectures in the table's search space, of which the table may lack some; null if the space is not
   * enumerable.
   */
  readonly architectures: number | null
  readonly rows: number
  readonly source: Source
  /** Notes that a reader needs to understand the table's values. */
  readonly notes: readonly string[]
  readonly table: FileEntry
  /** The file with training curves (values per epoch) in the folder of the table; absent if the table has none. */
  readonly curves?: CurvesEntry
  readonly columns: readonly ColumnEntry[]
  /**
   * For tables built by `bench tables build`: the settings of all trainings, with which missing architectures can be
   * trained, too.
   */
  readonly recipe?: Recipe
  /**
   * For each dataset that can be searched on: how the table answers a black-box search's query, and the simulated
   * seconds that the query costs.
   */
  readonly oracles: Readonly<Record<string, OracleRule>>
}

/** The origin of a lookup table: the file that it was imported from, or the build. */
export interface Source {
  /**
   * Format of the file that the table was made from: `csv`, `nats-bench`, …; `built` if the table was trained by this
   * program.
   */
  readonly format: string
  readonly name: string
  readonly sha256: string
}

/** Name, size and SHA-256 of one of a table's files. */
export interface FileEntry {
  /** Name of the file, which is in the same folder as the manifest. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * Returns the two names that a table's Arrow file may have. A new version of the table is written under the name that
 * the old version does not use.
 */
export const tableFileNames = (name: string): readonly [string, string] => [`${name}.arrow`, `${name}@2.arrow`]

/** The file with a table's training curves. */
export interface CurvesEntry extends FileEntry {
  readonly batches: readonly CurvesBlock[]
  /**
   * Which training curves the file contains: dataset, split and number of epochs, such as `cifar10-valid/x-valid/12`.
   */
  readonly of: readonly string[]
}

/** One Arrow record batch in the file of training curves, which can be read and checked without the others. */
export interface CurvesBlock {
  /** Lowest and highest index of the architectures whose curves are in the batch. */
  readonly range: readonly [lowest: number, highest: number]
  readonly bytes: ByteRange
  readonly sha256: string
}

export type ColumnType = 'int32' | 'float32' | 'float64' | 'utf8'

/** One column of a table's Arrow file, as the manifest describes it. */
export interface ColumnEntry {
  readonly name: string
  readonly type: ColumnType
  /** Number of rows without a value in this column. */
  readonly missing: number
  /** For a column of means over training seeds: the seeds that were averaged, if known. */
  readonly seeds?: readonly number[]
  /** SHA-256 of the column's Arrow buffers, hashed in the order validity, offsets, values. */
  readonly sha256: string
  /** Byte ranges of the column's Arrow buffers in the table's file, by which it can be read without Arrow's library. */
  readonly buffers: {
    readonly validity?: ByteRange
    /** For a text column: byte range of the buffer with the offset at which the text of each row starts. */
    readonly offsets?: ByteRange
    readonly values: ByteRange
  }
}

/** A part of a file: offset from the start of the file, and length, both in bytes. */
export type ByteRange = readonly [offset: number, length: number]

/** Which table columns answer a query of a black-box search, and from which its cost is computed. */
export interface OracleRule {
  /** Name of the column with the validation accuracies that the search gets as answers. */
  readonly accuracy: string
  /** Cost of a query in simulated seconds: the sum of factor × column over this list. */
  readonly seconds: readonly { readonly column: string; readonly factor: number; readonly meaning: string }[]
}

/** Formats a manifest file: JSON with one space of indentation. */
export const formatManifest = (manifest: Manifest): string => printable(`${JSON.stringify(manifest, null, 1)}\n`)

/**
 * Parses and checks a manifest file.
 * @throws BenchError `corrupt` if the text is malformed, `unsupported` if it has another format version
 */
export function parseManifest(text: string, path: string): Manifest {
  const manifest = parseJson(text, path) as Partial<Manifest>
  if (manifest?.schema !== undefined && manifest.schema !== MANIFEST_SCHEMA) {
    const found = typeof manifest.schema === 'object' ? 'of unknown form' : JSON.stringify(manifest.schema)
    throw new BenchError('unsupported', `${path}: manifest schema ${found}, expected ${MANIFEST_SCHEMA}; import again`)
  }
  const problem = firstProblem(manifest)
  if (problem !== undefined) throw new BenchError('corrupt', `${path}: ${problem}; import the table again`)
  return manifest as Manifest
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BenchError('corrupt', `${path} is not a table's manifest (no valid JSON); import again`, { cause })
  }
}

/** Returns whether a value from a JSON file is valid for a field of the manifest. */
type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isNumber: Check = (value) => Number.isFinite(value)
const isFlag: Check = (value) => typeof value === 'boolean'
/** Accepts a file name without a path. */
const isFileName: Check = (value) => typeof value === 'string' && /^[^/\\]+$/.test(value) && !/^\.*$/.test(value)
const isOneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)
const isOptional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const isOrNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const isRecordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check)

function isObjectOf(fields: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(fields)
  return (value) => isObject(value) && names.every((name) => fields[name](value[name]))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Accepts a pair of integers of at least 0, such as offset and length of a column's bytes. */
const isRange: Check = (range) => Array.isArray(range) && range.length === 2 && range.every(isCount)

const fileEntry = { file: isFileName, sha256: isText, bytes: isCount }

const isColumn = isObjectOf({
  name: isText,
  type: isOneOf('int32', 'float32', 'float64', 'utf8'),
  missing: isCount,
  seeds: isOptional(isListOf(isCount)),
  sha256: isText,
  buffers: isObjectOf({ validity: isOptional(isRange), offsets: isOptional(isRange), values: isRange }),
})

const isOracle = isObjectOf({
  accuracy: (value) => isText(value) && isAccuracy(value as string),
  seconds: isListOf(isObjectOf({ column: isText, factor: isNumber, meaning: isText })),
})

const isRecipe = isObjectOf({
  version: isCount,
  space: isText,
  dataset: isObjectOf({ name: isText, contentHash: isText }),
  executor: isObjectOf({ backend: isText, executor: isText }),
  network: isObjectOf({ channels: isCount, depth: isCount }),
  batchSize: isCount,
  training: isObjectOf({
    epochs: isCount,
    learningRate: isNumber,
    learningRateMin: isNumber,
    sgd: isObjectOf({ momentum: isNumber, nesterov: isFlag, weightDecay: isNumber, clipNorm: isOrNull(isNumber) }),
  }),
  data: isObject,
  share: isFlag,
  seeds: isListOf(isCount),
})

/** For each field of a table's manifest: its name, the check of its value, and the message if the check fails. */
const fields: readonly (readonly [keyof Manifest, Check, string])[] = [
  ['name', isText, 'has no name'],
  ['space', isText, 'has no space'],
  ['architectures', isOrNull(isCount), 'has no number of architectures'],
  ['rows', isCount, 'has no number of rows'],
  ['source', isObjectOf({ format: isText, name: isText, sha256: isText }), 'names no source'],
  ['notes', isListOf(isText), 'has no notes'],
  ['table', isObjectOf(fileEntry), 'names no table file'],
  [
    'curves',
    isOptional(
      isObjectOf({
        ...fileEntry,
        batches: isListOf(isObjectOf({ range: isRange, bytes: isRange, sha256: isText })),
        of: isListOf(isText),
      }),
    ),
    'does not say where the curves are',
  ],
  ['columns', Array.isArray, 'lists no columns'],
  ['recipe', isOptional(isRecipe), 'has no whole recipe'],
  ['oracles', isRecordOf(isOracle), 'has no oracles'],
]

/**
 * Returns the message of the first invalid field in a table's manifest; undefined if all are valid. No schema library
 * is used, since loading it would double the time to open a table.
 */
function firstProblem(manifest: Partial<Manifest>): string | undefined {
  if (!isObject(manifest)) return 'not a manifest'
  if (manifest.schema === undefined) return 'not a manifest: it has no schema version'
  const wrong = fields.find(([name, check]) => !check(manifest[name]))
  if (wrong !== undefined) return `the manifest ${wrong[2]}`
  const { columns, table } = manifest as Manifest
  const bad = columns.findIndex((column) => !isColumn(column))
  if (bad !== -1) return `column ${bad + 1} of the manifest is malformed`
  // Taking ranges apart as [offset, length] would take longer than all other checks: V8 has not compiled them yet.
  const isOutside = (range: ByteRange | undefined) => range !== undefined && range[0] + range[1] > table.bytes
  const outside = columns.find(
    ({ buffers }) => isOutside(buffers.values) || isOutside(buffers.offsets) || isOutside(buffers.validity),
  )
  return outside === undefined ? undefined : `column "${outside.name}" of the manifest lies outside of the table`
}
