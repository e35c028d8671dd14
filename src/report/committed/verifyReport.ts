/** Whether a committed report is what its records give, and these what they should be. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { checkedFiles, differences } from './committed.ts'
import { contradictions } from './contradictions.ts'
import type { Difference } from './difference.ts'
import { lookUpAgain } from './lookUpAgain.ts'
import { RECIPE, readReport, type SpaceOf } from './records.ts'

export interface Finding {
  readonly report: string
  readonly runs: number
  readonly files: number
  /** Architectures looked up again in the table itself; absent where the table is not here. */
  readonly lookedUpAgain?: number
  /** Empty where all is as committed. */
  readonly differences: readonly Difference[]
}

export interface VerifyOptions {
  readonly spaceOf: SpaceOf
  /** Algorithms that are fixed rows. */
  readonly references: ReadonlySet<string>
}

/** The folder itself, or the reports right inside it. @throws BenchError `missing` */
export function reportsIn(folder: string): readonly string[] {
  if (existsSync(join(folder, RECIPE))) return [folder]
  const inside = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).sort() : []
  const reports = inside.map((name) => join(folder, name)).filter((path) => existsSync(join(path, RECIPE)))
  if (reports.length > 0) return reports
  throw new BenchError('missing', `${folder} holds no report (no ${RECIPE}); \`bench report --folder\` writes one`)
}

/** @throws BenchError `missing` or `corrupt` where the report cannot be recomputed at all */
export async function verifyReport(report: string, { spaceOf, references }: VerifyOptions): Promise<Finding> {
  const { recipe, runs, space } = await readReport(report, spaceOf)
  const files = await checkedFiles(runs, recipe, { space, references })
  const again = await lookUpAgain(runs)
  return {
    report,
    runs: runs.length,
    files: files.size,
    ...(again && { lookedUpAgain: again.architectures }),
    differences: [...contradictions(runs), ...changes(report, files), ...(again?.differences ?? [])],
  }
}

/** Of the files as they are committed; one that is missing has no line. */
function changes(report: string, recomputed: ReadonlyMap<string, string>): readonly Difference[] {
  return [...recomputed].flatMap(([file, expected]) => {
    const path = join(report, file)
    const lines = differences(file, existsSync(path) ? readFileSync(path, 'utf8') : '', expected)
    return lines.length === 0 ? [] : [{ file, lines }]
  })
}
