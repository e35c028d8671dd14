/** The compressed part of the work: from a release's files to numbers and curves. Runs in worker threads. */
import { BenchError } from '../../core/errors.ts'
import { PickleInput } from '../../pickle/pickleInput.ts'
import { readPickle } from '../../pickle/readPickle.ts'
import { countWork } from '../../system/workCounter.ts'
import { encodeCurves } from '../curves.ts'
import { AccuracyUnits } from './accuracyUnits.ts'
import { architectureRuns, runReader } from './archResults.ts'
import { bunzip2 } from './bzip2.ts'
import type { Mapping } from './mapping.ts'
import type { RecordFile } from './recordFiles.ts'
import { numbersOf, type RunNumbers } from './runColumns.ts'
import type { ArchitectureRuns } from './trainingRuns.ts'

/** What is to be read, in a form that can be sent to a thread. */
export interface RecordsRequest {
  readonly files: readonly RecordFile[]
  readonly withCurves: boolean
  readonly accuracies?: Mapping['accuracies']
}

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

/** @throws BenchError `bad-input` that names the file and what is wrong in it */
export async function readRecords(request: RecordsRequest): Promise<ReadRecords> {
  const units = new AccuracyUnits(request.accuracies)
  const records: NamedRuns[] = []
  for (const { name, bytes } of request.files) {
    const pickle = await bunzip2(bytes, name)
    const record = architectureRuns(readPickle(new PickleInput(name, pickle)), name, runReader())
    if (record.index !== Number.parseInt(name, 10)) {
      throw new BenchError('bad-input', `${name} holds the record of architecture ${record.index}`)
    }
    records.push({ name, ...record, runs: record.runs.map((run) => units.inPercent(run, name)) })
    countWork()
  }
  return summarised(records, request.withCurves)
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
