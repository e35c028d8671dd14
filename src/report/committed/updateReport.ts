/** A committed report written again from its own records, as after a change of how tables and figures look. */
import { join, resolve } from 'node:path'
import { writeAllAtomically } from '../../core/atomicFile.ts'
import { computedFiles } from './committed.ts'
import { readReport } from './records.ts'
import type { VerifyOptions } from './verifyReport.ts'

/** The records stay as they are. @throws BenchError `missing` or `corrupt` where the report cannot be recomputed */
export async function updateReport(report: string, { spaceOf, references }: VerifyOptions): Promise<void> {
  const { recipe, runs, space } = await readReport(report, spaceOf)
  const files = await computedFiles(runs, recipe, { space, references })
  writeAllAtomically([...files].map(([name, content]) => ({ path: resolve(join(report, name)), content })))
}
