/** The result of an importer, and the files that keep finished batches of records until the table is written. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../../system/atomicFile.ts'
import type { TableContent } from '../content.ts'
import type { CurvesBatch } from '../writeCurves.ts'
import type { ReadRecords, RecordRow } from './readRecords.ts'

/** The result of an importer. It is plain data, since it is sent by the process that read the source. */
export interface Imported {
  readonly content: TableContent
  /** The folder with the batches that were kept on disk, if any. */
  readonly parts?: KeptParts
}

export interface KeptParts {
  readonly folder: string
  /** Batches of curves by ascending index. Absent if the source has no curves, or they are not wanted. */
  readonly curves?: readonly KeptCurves[]
}

export interface KeptCurves {
  readonly range: CurvesBatch['range']
  readonly path: string
}

/** Returns the batches of curves, read one after the other; undefined if there are none. */
export function curvesOf({ parts }: Imported): Iterable<CurvesBatch> | undefined {
  return parts?.curves === undefined ? undefined : readCurves(parts.curves)
}

function* readCurves(kept: readonly KeptCurves[]): Generator<CurvesBatch> {
  for (const { range, path } of kept) yield { range, bytes: readFileSync(path) }
}

/** Deletes the batches on disk, after the table is written. */
export function removeParts({ parts }: Imported): void {
  if (parts !== undefined) rmSync(parts.folder, { recursive: true, force: true })
}

/** A batch of records on disk. */
export interface Part {
  /** Hash of the source of the batch. */
  readonly sha256: string
  /** Number of architectures. */
  readonly count: number
  /** File with the curves of the batch. */
  readonly curvesPath: string
  rows(): readonly RecordRow[]
}

/** The batches of an import on disk, with which an interrupted import resumes. */
export interface Parts {
  readonly folder: string
  /** Returns the batch of this number if an earlier import has read it from the same source, else undefined. */
  find(at: number, sha256: string, withCurves: boolean): Part | undefined
  /** Writes a batch to disk. */
  keep(at: number, sha256: string, read: ReadRecords): Part
  remove(): void
}

/** Version of the batch files, raised whenever the same source gives another batch. */
const VERSION = 2

/** The content of a batch file. */
interface KeptPart {
  readonly version: number
  readonly sha256: string
  /** SHA-256 of the rows and the curves, by which a damaged file is noticed. */
  readonly content: string
  readonly rows: readonly RecordRow[]
}

/** Opens the folder of an import's batches. */
export function openParts(folder: string): Parts {
  const rowsPath = (at: number) => join(folder, `${at}.json`)
  const curvesPath = (at: number) => join(folder, `${at}.curves`)
  const read = (at: number): KeptPart => JSON.parse(readFileSync(rowsPath(at), 'utf8'))
  const part = (at: number, sha256: string, count: number): Part => ({
    sha256,
    count,
    curvesPath: curvesPath(at),
    rows: () => read(at).rows,
  })
  return {
    folder,
    find(at, sha256, withCurves) {
      if (!existsSync(rowsPath(at)) || (withCurves && !existsSync(curvesPath(at)))) return undefined
      try {
        const { version, rows, ...kept } = read(at)
        const isWhole = version === VERSION && kept.sha256 === sha256 && kept.content === hashOf(rows, curvesPath(at))
        return isWhole ? part(at, sha256, rows.length) : undefined
      } catch {
        // Damaged: it is read again from the source.
        return undefined
      }
    },
    keep(at, sha256, { rows, curves }) {
      if (curves.byteLength > 0) writeAtomically(curvesPath(at), curves)
      else rmSync(curvesPath(at), { force: true })
      // Last, for it is what `find` looks for.
      const kept: KeptPart = { version: VERSION, sha256, content: hashOf(rows, curvesPath(at)), rows }
      writeAtomically(rowsPath(at), JSON.stringify(kept))
      return part(at, sha256, rows.length)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function hashOf(rows: readonly RecordRow[], curvesPath: string): string {
  const hash = createHash('sha256').update(JSON.stringify(rows))
  if (existsSync(curvesPath)) hash.update(readFileSync(curvesPath))
  return hash.digest('hex')
}
