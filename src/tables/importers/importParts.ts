/** The result of an importer, and the batch files on disk with which an interrupted import resumes. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../../system/atomicFile.ts'
import type { TableContent } from '../content.ts'
import type { CurvesBatch } from '../writeCurves.ts'
import type { ReadRecords, RecordRow } from './readRecords.ts'

/**
 * The result of an importer. It contains plain data only, since a separate process may have read the source and sent
 * it.
 */
export interface Imported {
  readonly content: TableContent
  /** The folder with the batch files of this import; absent if the importer wrote none. */
  readonly parts?: KeptParts
}

export interface KeptParts {
  readonly folder: string
  /**
   * Files with batches of per-epoch curves, by ascending architecture index. Absent if the source has no curves, or the
   * user does not want them.
   */
  readonly curves?: readonly KeptCurves[]
}

export interface KeptCurves {
  readonly range: CurvesBatch['range']
  readonly path: string
}

/**
 * Returns the batches of per-epoch curves of an import, each read from disk when it is its turn; undefined if there are
 * none.
 */
export function curvesOf({ parts }: Imported): Iterable<CurvesBatch> | undefined {
  return parts?.curves === undefined ? undefined : readCurves(parts.curves)
}

function* readCurves(kept: readonly KeptCurves[]): Generator<CurvesBatch> {
  for (const { range, path } of kept) yield { range, bytes: readFileSync(path) }
}

/** Deletes the batch files of an import, once the table is written. */
export function removeParts({ parts }: Imported): void {
  if (parts !== undefined) rmSync(parts.folder, { recursive: true, force: true })
}

/** A batch of architecture records that an import has written to disk. */
export interface Part {
  /** SHA-256 of the part of the imported source that the batch of architecture records was read from. */
  readonly sha256: string
  /** Number of architectures in a batch that an import has written to disk. */
  readonly count: number
  /** Path of the file with the per-epoch curves of a batch of architectures. */
  readonly curvesPath: string
  rows(): readonly RecordRow[]
}

/** The batch files of an import, with which it resumes after an interruption. */
export interface Parts {
  readonly folder: string
  /** Returns batch number `at` if an earlier import has read it from a source with the same hash, else undefined. */
  find(at: number, sha256: string, withCurves: boolean): Part | undefined
  /** Writes batch number `at` to disk. */
  keep(at: number, sha256: string, read: ReadRecords): Part
  remove(): void
}

/** Version of an import's batch files on disk, raised whenever the same source would give another batch. */
const VERSION = 2

/** The content of the file with the rows of one batch of architecture records. */
interface KeptPart {
  readonly version: number
  readonly sha256: string
  /** SHA-256 of the rows and curves of a batch of architecture records, by which a damaged file is noticed. */
  readonly content: string
  readonly rows: readonly RecordRow[]
}

/** Opens the folder with the batch files of an import. */
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
