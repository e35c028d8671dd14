/**
 * The result of an importer, and the files on disk with batches of architecture records from which an interrupted
 * import resumes.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../../system/atomicFile.ts'
import type { TableContent } from '../content.ts'
import type { CurvesBatch } from '../writeCurves.ts'
import type { ReadRecords, RecordRow } from './readRecords.ts'

/**
 * The result of an importer. It contains only plain data, since it may be sent from the separate process that read the
 * source.
 */
export interface Imported {
  readonly content: TableContent
  /** The folder with the batch files that this import has written; absent if it wrote none. */
  readonly parts?: KeptParts
}

export interface KeptParts {
  readonly folder: string
  /**
   * Files with batches of training curves (values per epoch), by ascending architecture index. Absent if the source has
   * no curves or the user does not want them.
   */
  readonly curves?: readonly KeptCurves[]
}

export interface KeptCurves {
  readonly range: CurvesBatch['range']
  readonly path: string
}

/**
 * Returns the batches of training curves of an import, each read from disk when it is needed; undefined if there are no
 * curves.
 */
export function curvesOf({ parts }: Imported): Iterable<CurvesBatch> | undefined {
  return parts?.curves === undefined ? undefined : readCurves(parts.curves)
}

function* readCurves(kept: readonly KeptCurves[]): Generator<CurvesBatch> {
  for (const { range, path } of kept) yield { range, bytes: readFileSync(path) }
}

/** Deletes the batch files of an import; called after the table is written. */
export function removeParts({ parts }: Imported): void {
  if (parts !== undefined) rmSync(parts.folder, { recursive: true, force: true })
}

/** A batch of architecture records that an import has written to disk. */
export interface Part {
  /** SHA-256 of the part of the imported source from which this batch was read. */
  readonly sha256: string
  /** Number of architectures in this batch. */
  readonly count: number
  /** Path of the file with the training curves of this batch. */
  readonly curvesPath: string
  rows(): readonly RecordRow[]
}

/** The batch files of an import, from which it resumes after an interruption. */
export interface Parts {
  readonly folder: string
  /** Returns batch number `at` if an earlier import wrote it for a source with this hash; else undefined. */
  find(at: number, sha256: string, withCurves: boolean): Part | undefined
  /** Writes batch number `at` to disk. */
  keep(at: number, sha256: string, read: ReadRecords): Part
  remove(): void
}

/** Version of the batch files' content; raised whenever the same source would give other batches. */
const VERSION = 2

/** Content of the file with the rows of one batch. */
interface KeptPart {
  readonly version: number
  readonly sha256: string
  /** SHA-256 of the batch's rows and curves, by which a damaged file is detected. */
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
