/** What an importer hands over: plain data, for it comes from the process that read the source. */
import { readFileSync, rmSync } from 'node:fs'
import type { TableContent } from '../content.ts'
import type { CurvesBatch } from '../curvesFile.ts'

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
