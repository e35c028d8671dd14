/** The manifest beside a table, `NAME.manifest.json`: what the table is, where it came from, and how to read it. */

import { BenchError } from '../core/errors.ts'
import { printable } from '../core/plainText.ts'
import type { Recipe } from './build/recipe.ts'

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
    const found = JSON.stringify(manifest.schema)
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

/** What keeps a value from being a manifest. Written out because a schema library would double the time of opening. */
function firstProblem(manifest: Partial<Manifest>): string | undefined {
  if (typeof manifest !== 'object' || manifest === null) return 'not a manifest'
  const { schema, name, space, rows, source, table, curves, columns, oracles, notes } = manifest
  if (schema === undefined) return 'not a manifest: it has no schema version'
  if (typeof name !== 'string' || typeof space !== 'string') return 'the manifest has no name or space'
  if (!Number.isInteger(rows)) return 'the manifest has no number of rows'
  if (typeof source?.sha256 !== 'string') return 'the manifest names no source'
  if (!isFileEntry(table)) return 'the manifest names no table file'
  if (curves !== undefined && !isFileEntry(curves)) return 'the manifest names no file of curves'
  if (!Array.isArray(columns)) return 'the manifest lists no columns'
  if (typeof oracles !== 'object' || oracles === null) return 'the manifest has no oracles'
  if (!Array.isArray(notes)) return 'the manifest has no notes'
  const bad = columns.find((column) => !isColumnEntry(column))
  if (bad !== undefined) return `column ${JSON.stringify(bad?.name)} of the manifest is malformed`
  const end = ([at, length]: ByteRange) => at + length
  const outside = columns.find(({ buffers }) =>
    (Object.values(buffers) as ByteRange[]).some((r) => end(r) > table.bytes),
  )
  return outside === undefined ? undefined : `column "${outside.name}" of the manifest lies outside of the table`
}

const isFileEntry = (entry?: Partial<FileEntry>): entry is FileEntry =>
  typeof entry?.file === 'string' && typeof entry.sha256 === 'string' && Number.isInteger(entry.bytes)

const isColumnEntry = (entry?: Partial<ColumnEntry>): boolean =>
  typeof entry?.name === 'string' &&
  typeof entry.sha256 === 'string' &&
  ['int32', 'float32', 'float64', 'utf8'].includes(entry.type ?? '') &&
  isRange(entry.buffers?.values) &&
  [entry.buffers?.validity, entry.buffers?.offsets].every((range) => range === undefined || isRange(range))

/** Two numbers that are none below zero. */
export const isRange = (range?: ByteRange): boolean =>
  Array.isArray(range) && range.length === 2 && range.every((n) => Number.isInteger(n) && n >= 0)
