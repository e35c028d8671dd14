/** The manifest beside a table, `NAME.manifest.json`: what the table is, where it came from, and how to read it. */

import { BenchError } from '../core/errors.ts'
import { printable } from '../core/plainText.ts'
import { isAccuracy } from './columnNames.ts'
import type { Recipe } from './recipe.ts'

export const MANIFEST_SCHEMA = 1

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA
  readonly name: string
  /** Search space whose architectures are the rows. */
  readonly space: string
  /** Architectures of the whole space; `rows` may be fewer. Null where the space is not enumerable. */
  readonly architectures: number | null
  readonly rows: number
  readonly source: Source
  /** What a reader must know to understand the numbers, a sentence each. */
  readonly notes: readonly string[]
  readonly table: FileEntry
  /** Per-epoch curves, a second and larger file. */
  readonly curves?: CurvesEntry
  readonly columns: readonly ColumnEntry[]
  /** Of tables that were built here: how every row was made, and how one that is missing can be. */
  readonly recipe?: Recipe
  /** By dataset searched on: what a black-box search is told, and what it pays. */
  readonly oracles: Readonly<Record<string, OracleRule>>
}

export interface Source {
  /** `csv`, `nats-bench`, `built`, … */
  readonly format: string
  readonly name: string
  readonly sha256: string
}

export interface FileEntry {
  /** Beside the manifest. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

/** What a table's file is called, and what its successor is called for the moment in which the first is exchanged. */
export const tableFileNames = (name: string): readonly [string, string] => [`${name}.arrow`, `${name}@2.arrow`]

export interface CurvesEntry extends FileEntry {
  readonly batches: readonly CurvesBlock[]
  /** Which trainings and splits there are curves of, as `cifar10-valid/x-valid/12`. */
  readonly of: readonly string[]
}

/** One record batch of the file, which is read and checked alone. */
export interface CurvesBlock {
  /** Of the architectures' indices in it. */
  readonly range: readonly [lowest: number, highest: number]
  readonly bytes: ByteRange
  readonly sha256: string
}

export type ColumnType = 'int32' | 'float32' | 'float64' | 'utf8'

export interface ColumnEntry {
  readonly name: string
  readonly type: ColumnType
  /** Rows without a value. */
  readonly missing: number
  /** Of a column of means: the training seeds that were averaged, where they exist. */
  readonly seeds?: readonly number[]
  /** Of the column's buffers: validity, offsets, values. */
  readonly sha256: string
  /** Where the column's Arrow buffers lie in the file, so that opening needs no Arrow library. */
  readonly buffers: {
    readonly validity?: ByteRange
    /** Of text: where each row's bytes start. */
    readonly offsets?: ByteRange
    readonly values: ByteRange
  }
}

/** Offset from the start of the file, and length, in bytes. */
export type ByteRange = readonly [offset: number, length: number]

export interface OracleRule {
  /** Column of validation accuracies. */
  readonly accuracy: string
  /** Seconds of one query: Σ factor · column. */
  readonly seconds: readonly { readonly column: string; readonly factor: number; readonly meaning: string }[]
}

export const formatManifest = (manifest: Manifest): string => printable(`${JSON.stringify(manifest, null, 1)}\n`)

/** @throws BenchError `corrupt` where the text is not a manifest, `unsupported` where it is one of another schema */
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

/** Whether a value is what a manifest holds in its place. */
type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isNumber: Check = (value) => Number.isFinite(value)
const isFlag: Check = (value) => typeof value === 'boolean'
/** Of a file beside the manifest, and nowhere else. */
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
  const entries = Object.entries(fields)
  return (value) => isObject(value) && entries.every(([name, check]) => check(value[name]))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Two numbers that are none below zero. */
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

/** Each field of a manifest, and what is wrong where it is not what it should be. */
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

/** What keeps a value from being a manifest. Written out because a schema library would double the time of opening. */
function firstProblem(manifest: Partial<Manifest>): string | undefined {
  if (!isObject(manifest)) return 'not a manifest'
  if (manifest.schema === undefined) return 'not a manifest: it has no schema version'
  const wrong = fields.find(([name, check]) => !check(manifest[name]))
  if (wrong !== undefined) return `the manifest ${wrong[2]}`
  const { columns, table } = manifest as Manifest
  const bad = columns.findIndex((column) => !isColumn(column))
  if (bad !== -1) return `column ${bad + 1} of the manifest is malformed`
  const end = ([at, length]: ByteRange) => at + length
  const outside = columns.find(({ buffers }) =>
    (Object.values(buffers) as ByteRange[]).some((r) => end(r) > table.bytes),
  )
  return outside === undefined ? undefined : `column "${outside.name}" of the manifest lies outside of the table`
}
