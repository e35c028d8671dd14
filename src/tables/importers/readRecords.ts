/** The compressed part of the work: from a release's files to numbers and curves. Runs in worker threads. */
import { BenchError } from '../../core/errors.ts'
import { PickleInput } from '../../pickle/pickleInput.ts'
import { readPickle } from '../../pickle/readPickle.ts'
import { encodeCurves } from '../curves.ts'
import { architectureRuns } from './archResults.ts'
import { bunzip2 } from './bzip2.ts'
import type { RecordFile } from './recordFiles.ts'
import { numbersOf, type RunNumbers } from './runColumns.ts'
import type { ArchitectureRuns } from './trainingRuns.ts'

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
  const records: NamedRuns[] = []
  for (const { name, bytes } of files) {
    const pickle = await bunzip2(bytes, name, MOST_RECORD_BYTES)
    const record = architectureRuns(readPickle(new PickleInput(name, pickle)), name)
    if (record.index !== Number.parseInt(name, 10)) {
      throw new BenchError('bad-input', `${name} holds the record of architecture ${record.index}`)
    }
    records.push({ name, ...record })
  }
  return summarised(records, withCurves)
}

/** Numbers and curves of architectures, named for messages. */
export function summarised(records: readonly NamedRuns[], withCurves: boolean): ReadRecords {
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

export interface NamedRuns extends ArchitectureRuns {
  readonly name: string
}
