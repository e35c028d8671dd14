/**
 * Writes the metrics of each epoch, while a search or training runs, to files that other programs watch: JSON Lines,
 * and event files of TensorBoard. A log can be truncated to the epoch of a checkpoint, so that a resumed run writes no
 * epoch twice.
 */
import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { unknownName } from '../core/names.ts'
import { appendWhole, writeAtomically } from './atomicFile.ts'
import { isThere, readIfThere } from './readable.ts'

/** Formats of progress logs, as named after `--log`. */
export const LOG_FORMATS = ['jsonl', 'tensorboard'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** Parses the formats of progress logs, separated by commas. @throws BenchError `unknown-name` */
export const parseLogFormats = (names: readonly string[]): readonly LogFormat[] =>
  [...new Set(names)].map((name) => {
    const format = LOG_FORMATS.find((known) => known === name)
    if (format === undefined) throw unknownName('log format', name, LOG_FORMATS)
    return format
  })

/** The metrics of one epoch, or of what a run found. */
export interface LogEntry {
  /** Number of the epoch, from 0; of what a run found, the number of its epochs. */
  readonly step: number
  /** Single values by name, such as `loss/train`; undefined ones are left out. */
  readonly scalars: Readonly<Record<string, number | undefined>>
  /** Lists of values by name, such as the architecture parameters `alpha`. */
  readonly histograms?: Readonly<Record<string, readonly number[]>>
}

/** Name of the log file in each format. TensorBoard looks for `tfevents` in file names. */
export const LOG_FILES: Readonly<Record<LogFormat, string>> = {
  jsonl: 'log.jsonl',
  tensorboard: 'events.out.tfevents.0.bench',
}

/** A log format: functions that encode an entry and that find where the entries of a file end. */
interface Encoding {
  /** Returns the bytes at the beginning of a log file. */
  start(): Uint8Array
  encode(entry: LogEntry): Uint8Array
  /**
   * Returns the number of bytes at the beginning of a file that hold the entries of these steps; undefined if one of
   * them is missing.
   */
  lengthOf(bytes: Buffer, steps: readonly number[]): number | undefined
}

/** Returns whether anything was measured. A black-box search, for example, has no loss and no accuracy of an epoch. */
const hasValues = ({ scalars, histograms }: LogEntry): boolean =>
  histograms !== undefined || Object.values(scalars).some((value) => value !== undefined)

/** The log files of one search or training. A file without an entry is not written. */
export class ProgressLog {
  readonly #files: readonly { readonly path: string; readonly encoding: Encoding }[]

  /**
   * Opens the log files in a folder to continue after the `earlier` epochs: removes later entries, which an interrupted
   * attempt wrote after its last checkpoint. Writes files anew that lack earlier entries.
   * @param earlier the entries of all finished epochs
   */
  constructor(folder: string, formats: readonly LogFormat[], earlier: readonly LogEntry[]) {
    this.#files = formats.map((format) => ({ path: join(folder, LOG_FILES[format]), encoding: ENCODINGS[format] }))
    const kept = earlier.filter(hasValues)
    const steps = kept.map(({ step }) => step)
    for (const { path, encoding } of this.#files) {
      const bytes = readIfThere(path)
      const length = bytes && encoding.lengthOf(bytes, steps)
      if (kept.length === 0) rmSync(path, { force: true })
      else if (length !== undefined) truncateSync(path, length)
      else writeAtomically(path, [encoding.start(), ...kept.map((entry) => encoding.encode(entry))])
    }
  }

  /** Adds the metrics of the next epoch, or of what the run found, to the log files of all formats. */
  add(entry: LogEntry): void {
    if (!hasValues(entry)) return
    for (const { path, encoding } of this.#files) {
      if (isThere(path)) appendWhole(path, encoding.encode(entry))
      else writeAtomically(path, [encoding.start(), encoding.encode(entry)])
    }
  }
}

/** JSON Lines: one object for each epoch. Its wall-clock time is not part of any result. */
const jsonLines: Encoding = {
  start: () => new Uint8Array(),
  encode: ({ step, scalars, histograms }) =>
    Buffer.from(`${JSON.stringify({ time: new Date().toISOString(), step, ...scalars, ...histograms })}\n`),
  lengthOf(bytes, steps) {
    let end = 0
    for (const step of steps) {
      const next = bytes.indexOf(10, end) + 1
      if (next === 0 || stepOfLine(bytes.toString('utf8', end, next)) !== step) return undefined
      end = next
    }
    return end
  },
}

function stepOfLine(line: string): unknown {
  try {
    return JSON.parse(line)?.step
  } catch {
    return undefined
  }
}

/**
 * TensorBoard's event files: TFRecords (length, its checksum, content, its checksum) with the protocol buffer messages
 * `Event` of tensorflow/core/util/event.proto. The first record has the version of the format.
 */
const eventFile: Encoding = {
  start: () => tfRecord(event(undefined, (message) => message.tag(3, LENGTH).string('brain.Event:2'))),
  encode: ({ step, scalars, histograms = {} }) =>
    tfRecord(event(step, (message) => summary(message, scalars, histograms))),
  lengthOf(bytes, steps) {
    let end = 0
    // The record of the version, which has no step, comes first.
    for (const expected of [undefined, ...steps]) {
      const record = recordAt(bytes, end)
      if (record === undefined || stepOfEvent(record) !== expected) return undefined
      end += record.length + 16
    }
    return end
  },
}

const ENCODINGS: Readonly<Record<LogFormat, Encoding>> = { jsonl: jsonLines, tensorboard: eventFile }

const LENGTH = WireType.LengthDelimited
const FIXED = WireType.Bit64

/** Returns the bytes of an `Event` at the present time. @param step number of the epoch; absent for the version */
function event(step: number | undefined, content: (message: BinaryWriter) => void): Uint8Array {
  const message = new BinaryWriter()
  message.tag(1, FIXED).double(Date.now() / 1000)
  if (step !== undefined) message.tag(2, WireType.Varint).int64(step)
  content(message)
  return message.finish()
}

/** Writes the field `summary` of an event: one value for each finite scalar and one for each histogram. */
function summary(message: BinaryWriter, scalars: LogEntry['scalars'], histograms: Required<LogEntry>['histograms']) {
  message.tag(5, LENGTH).fork()
  for (const [name, value] of Object.entries(scalars)) {
    if (value === undefined) continue
    message.tag(1, LENGTH).fork().tag(1, LENGTH).string(name).tag(2, WireType.Bit32).float(value).join()
  }
  for (const [name, values] of Object.entries(histograms)) {
    message.tag(1, LENGTH).fork().tag(1, LENGTH).string(name).tag(5, LENGTH).fork()
    histogram(message, values)
    message.join().join()
  }
  message.join()
}

const BUCKETS = 30

/** Writes the fields of a `HistogramProto`: buckets of equal width between the smallest and the largest value. */
function histogram(message: BinaryWriter, values: readonly number[]): void {
  const [min, max] = [Math.min(...values), Math.max(...values)]
  const width = (max - min) / BUCKETS || 1
  const counts = new Array<number>(BUCKETS).fill(0)
  for (const value of values) counts[Math.min(BUCKETS - 1, Math.floor((value - min) / width))]++
  const limits = counts.map((_, i) => min + (i + 1) * width)
  const sum = values.reduce((total, value) => total + value, 0)
  const squares = values.reduce((total, value) => total + value * value, 0)
  for (const [i, number] of [min, max, values.length, sum, squares].entries()) message.tag(i + 1, FIXED).double(number)
  for (const [field, numbers] of [
    [6, limits],
    [7, counts],
  ] as const) {
    message.tag(field, LENGTH).fork()
    for (const number of numbers) message.double(number)
    message.join()
  }
}

/** Returns the step (epoch) of an `Event`; undefined if it has none. */
function stepOfEvent(bytes: Uint8Array): number | undefined {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 2) return Number(reader.int64())
    reader.skip(type, field)
  }
  return undefined
}

/** Returns a TFRecord: length, masked CRC-32C of the length, content, masked CRC-32C of the content. */
function tfRecord(content: Uint8Array): Uint8Array {
  const record = Buffer.alloc(content.length + 16)
  record.writeBigUInt64LE(BigInt(content.length), 0)
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8)
  record.set(content, 12)
  record.writeUInt32LE(maskedCrc32c(content), 12 + content.length)
  return record
}

/**
 * Returns the content of the TFRecord at an offset; undefined if there is no complete record with correct checksums.
 */
function recordAt(bytes: Buffer, offset: number): Uint8Array | undefined {
  if (offset + 16 > bytes.length) return undefined
  const length = Number(bytes.readBigUInt64LE(offset))
  if (bytes.readUInt32LE(offset + 8) !== maskedCrc32c(bytes.subarray(offset, offset + 8))) return undefined
  if (offset + 16 + length > bytes.length) return undefined
  const content = bytes.subarray(offset + 12, offset + 12 + length)
  return bytes.readUInt32LE(offset + 12 + length) === maskedCrc32c(content) ? content : undefined
}

let table: Uint32Array | undefined

/** Returns the CRC-32C (Castagnoli) of some bytes, masked (rotated and shifted) as TFRecords store it. */
export function maskedCrc32c(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let crc = n
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    return crc
  })
  let crc = ~0
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8)
  const whole = ~crc >>> 0
  return (((whole >>> 15) | (whole << 17)) + 0xa282ead8) >>> 0
}
