/**
 * Decompresses NATS-Bench's record files, one for each architecture, and converts them to table rows and training
 * curves. Runs in worker threads.
 */
import Bzip2 from '@foxglove/wasm-bz2'
import { BenchError } from '../../core/errors.ts'
import { PickleInput } from '../../pickle/pickleInput.ts'
import { readPickle } from '../../pickle/readPickle.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'
import { encodeCurves } from '../writeCurves.ts'
import { architectureRuns, runReader } from './benchmarkRecords.ts'
import { AccuracyUnits, type Mapping } from './mapping.ts'
import { type ArchitectureRuns, numbersOf, type RunNumbers } from './trainingRuns.ts'

/** One bzip2-compressed NATS-Bench file with the record of one architecture. */
export interface RecordFile {
  /** Name of the record file, such as `000011.pickle.pbz2`. */
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The message that tells a worker thread which NATS-Bench record files to read. */
export interface RecordsRequest {
  readonly files: readonly RecordFile[]
  readonly withCurves: boolean
  readonly accuracies?: Mapping['accuracies']
}

/** Table rows and training curves (values per epoch) of a batch of architectures. */
export interface ReadRecords {
  readonly rows: readonly RecordRow[]
  /** Training curves of the batch, in the encoding of `encodeCurves`; empty if curves are not wanted. */
  readonly curves: Uint8Array
}

/** One architecture of an imported benchmark, with the values of its table row. */
export interface RecordRow {
  /** Name of the architecture's record in the imported benchmark file, for error messages. */
  readonly name: string
  readonly index: number
  readonly arch: string
  readonly numbers: RunNumbers
}

/**
 * Returns the table rows and training curves in a batch of NATS-Bench record files.
 * @throws BenchError `bad-input` that names the faulty file
 */
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

/** Returns the table rows and training curves of several architectures, computed from their trainings. */
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

/** The trainings of an architecture. `name` is its record's name in the imported file, for error messages. */
export interface NamedRuns extends ArchitectureRuns {
  readonly name: string
}

const FIRST_GUESS = 1 << 20
const OUTPUT_FULL = -8
/** Maximum size in bytes of a decompressed file, which has to fit into the memory of the bzip2 WebAssembly module. */
const MOST_BYTES = 2 ** 30

let loading: ReturnType<typeof Bzip2.init> | undefined

/** Loads the bzip2 WebAssembly module, and removes the handlers for uncaught errors that it installs in the process. */
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
 * Decompresses a bzip2 file and verifies its checksums.
 * @param name name of the file, for messages
 * @throws BenchError `bad-input` if the data is damaged, or expands beyond the limit `record-mib`
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
