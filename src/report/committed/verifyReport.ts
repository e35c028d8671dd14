/** Whether a committed report is what its records give, and these what they should be. */
import { join } from 'node:path'
import { readIfThere } from '../../system/readable.ts'
import type { RunRecord } from '../runRecord.ts'
import { checkedFiles, differences } from './committed.ts'
import { contradictions } from './contradictions.ts'
import type { Difference } from './difference.ts'
import { lookUpAgain } from './lookUpAgain.ts'
import { readReport, type SpaceOf } from './records.ts'

export interface Finding {
  /** The report, or the store or run that was named. */
  readonly report: string
  readonly runs: number
  /** Recomputed; absent where records alone were checked. */
  readonly files?: number
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

/**
 * Whether runs are what their names and jobs say, and their numbers those of the lookup table.
 * @param place that was named: a store or a run
 */
export async function verifyRecords(place: string, runs: readonly RunRecord[]): Promise<Finding> {
  const again = await lookUpAgain(runs)
  const found = [...contradictions(runs), ...(again?.differences ?? [])]
  return {
    report: place,
    runs: runs.length,
    ...(again && { lookedUpAgain: again.architectures }),
    // A report has its runs in a folder of their own.
    differences: found.map(({ file, lines }) => ({ file: file.replace(/^runs\//, ''), lines })),
  }
}

/** Of the files as they are committed; one that is missing has no line. */
function changes(report: string, recomputed: ReadonlyMap<string, string>): readonly Difference[] {
  return [...recomputed].flatMap(([file, expected]) => {
    const committed = readIfThere(join(report, file))?.toString('utf8') ?? ''
    const lines = differences(file, committed, expected)
    return lines.length === 0 ? [] : [{ file, lines }]
  })
}
