/** What an import has already read, kept beside the table that is to be, a file a batch of records. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../../core/atomicFile.ts'
import type { ReadRecords, RecordRow } from './readRecords.ts'

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

export function openParts(folder: string): Parts {
  const rowsPath = (at: number) => join(folder, `${at}.json`)
  const curvesPath = (at: number) => join(folder, `${at}.curves`)
  const read = (at: number) => JSON.parse(readFileSync(rowsPath(at), 'utf8'))
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
      const kept = readOrUndefined(() => read(at))
      return kept?.version === VERSION && kept.sha256 === sha256 ? part(at, sha256, kept.rows.length) : undefined
    },
    keep(at, sha256, { rows, curves }) {
      if (curves.byteLength > 0) writeAtomically(curvesPath(at), curves)
      // Last, for it is what `find` looks for.
      writeAtomically(rowsPath(at), JSON.stringify({ version: VERSION, sha256, rows }))
      return part(at, sha256, rows.length)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A part that is damaged is read again from its source. */
function readOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
