/** What an import has already read, kept beside the table that is to be, a file a batch of records. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../../system/atomicFile.ts'
import type { TableContent } from '../content.ts'
import type { CurvesBatch } from '../writeCurves.ts'
import type { ReadRecords, RecordRow } from './readRecords.ts'

export interface Imported {
  readonly content: TableContent
  /** What was kept on disk while the source was read. */
  readonly parts?: KeptParts
}

export interface KeptParts {
  readonly folder: string
  /** Batches of curves, ascending. Absent where the source has none, or none were asked for. */
  readonly curves?: readonly KeptCurves[]
}

export interface KeptCurves {
  readonly range: CurvesBatch['range']
  readonly path: string
}

/** The batches of curves one after the other; undefined where there are none. */
export function curvesOf({ parts }: Imported): Iterable<CurvesBatch> | undefined {
  return parts?.curves === undefined ? undefined : readCurves(parts.curves)
}

function* readCurves(kept: readonly KeptCurves[]): Generator<CurvesBatch> {
  for (const { range, path } of kept) yield { range, bytes: readFileSync(path) }
}

/** Once the table is written. */
export function removeParts({ parts }: Imported): void {
  if (parts !== undefined) rmSync(parts.folder, { recursive: true, force: true })
}

export interface Part {
  /** Of the batch's source. */
  readonly sha256: string
  readonly count: number
  /** File of the batch's curves. */
  readonly curvesPath: string
  rows(): readonly RecordRow[]
}

export interface Parts {
  readonly folder: string
  /** The batch of this number, where it was read before from the same source. */
  find(at: number, sha256: string, withCurves: boolean): Part | undefined
  keep(at: number, sha256: string, read: ReadRecords): Part
  remove(): void
}

/** Raised whenever a batch of the same source is read to something else. */
const VERSION = 2

/** The file of a batch. */
interface KeptPart {
  readonly version: number
  readonly sha256: string
  /** Hash of the rows and the curves. */
  readonly content: string
  readonly rows: readonly RecordRow[]
}

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
