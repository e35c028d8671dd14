/** The compressed part of the work: from a release's files to numbers and curves. Runs in worker threads. */
import { encodeCurves } from '../curves.ts'
import { PickleInput } from '../pickle/pickleInput.ts'
import { readPickle } from '../pickle/readPickle.ts'
import { architectureRuns } from './archResults.ts'
import { bunzip2 } from './bzip2.ts'
import type { RecordFile } from './recordFiles.ts'
import { numbersOf, type RunNumbers } from './runColumns.ts'

/** A batch of records, read. */
export interface ReadRecords {
  readonly rows: readonly RecordRow[]
  /** As `encodeCurves` gives them; empty where none were asked for. */
  readonly curves: Uint8Array
}

export interface RecordRow {
  readonly name: string
  readonly index: number
  readonly arch: string
  readonly numbers: RunNumbers
}

/** 200 times the largest record of the release. */
const MOST_RECORD_BYTES = 1 << 26

/** @throws BenchError `bad-input` that names the file and what is wrong in it */
export async function readRecords(files: readonly RecordFile[], withCurves: boolean): Promise<ReadRecords> {
  const records = []
  for (const { name, bytes } of files) {
    const pickle = await bunzip2(bytes, name, MOST_RECORD_BYTES)
    records.push({ name, ...architectureRuns(readPickle(new PickleInput(name, pickle)), name) })
  }
  return {
    rows: records.map((record) => ({
      name: record.name,
      index: record.index,
      arch: record.arch,
      numbers: numbersOf(record),
    })),
    curves: withCurves ? encodeCurves(records) : new Uint8Array(),
  }
}
