/** The compressed part of the work: from a release's files to numbers and curves. Runs in worker threads. */
import Bzip2 from '@foxglove/wasm-bz2'
import { BenchError } from '../../core/errors.ts'
import { PickleInput } from '../../pickle/pickleInput.ts'
import { readPickle } from '../../pickle/readPickle.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'
import { encodeCurves } from '../writeCurves.ts'
import { AccuracyUnits } from './accuracyUnits.ts'
import { architectureRuns, runReader } from './benchmarkRecords.ts'
import type { Mapping } from './mapping.ts'
import type { RecordFile } from './natsBench.ts'
import { type ArchitectureRuns, numbersOf, type RunNumbers } from './trainingRuns.ts'

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

const FIRST_GUESS = 1 << 20
const OUTPUT_FULL = -8
/** More does not fit beside the rest into the memory of the WebAssembly module. */
const MOST_BYTES = 2 ** 30

let loading: ReturnType<typeof Bzip2.init> | undefined

/** The module puts itself in charge of all of the process's uncaught errors; that is not its business. */
async function load(): ReturnType<typeof Bzip2.init> {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')))
  const decoder = await Bzip2.init()
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (!before[i].has(listener)) process.removeListener(event, listener)
    }
  })
  return decoder
}

/**
 * @param name for messages
 * @throws BenchError `bad-input` where the data is damaged, or longer than the limit of a record when decompressed
 */
export async function bunzip2(data: Uint8Array, name: string): Promise<Uint8Array<ArrayBuffer>> {
  loading ??= load()
  const decoder = await loading
  const most = Math.min(limitOf('record-mib') * 2 ** 20, MOST_BYTES)
  for (let size = Math.min(most, Math.max(FIRST_GUESS, 8 * data.byteLength)); ; size = Math.min(most, 4 * size)) {
    try {
      return new Uint8Array(decoder.decompress(data, size))
    } catch (cause) {
      if (!isFull(cause))
        throw new BenchError('bad-input', `${name} is damaged: it is not a whole bzip2 file`, { cause })
      if (size >= most) throw beyondLimit('record-mib', `${name} expands to more than ${most / 2 ** 20} MiB`)
    }
  }
}

const isFull = (cause: unknown): boolean => String(cause).includes(String(OUTPUT_FULL))
