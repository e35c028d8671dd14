/** What an importer hands over. */
import type { TableContent } from '../content.ts'
import type { CurvesBatch } from '../curvesFile.ts'

export interface Imported {
  readonly content: TableContent
  /** Absent where the source has none, or none were asked for. */
  readonly curves?: () => Iterable<CurvesBatch>
  /** Removes what was kept for going on after an interruption. */
  done?(): Promise<void>
}
