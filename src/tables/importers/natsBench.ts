/**
 * The topology release of NATS-Bench: `NNNNNN.pickle.pbz2`, one record an architecture, in a folder or a tar archive.
 * Records are read in batches, several at a time; each batch is kept on disk until the table is whole, so an import
 * that
 * was interrupted goes on where it was.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../system/json.ts'
import { checkLimit } from '../../system/limits.ts'
import { checkComplete, type ImportContext } from '../content.ts'
import { assemble } from './assemble.ts'
import type { Imported } from './imported.ts'
import { openParts, type Part, type Parts } from './importParts.ts'
import type { Mapping } from './mapping.ts'
import type { RecordFile, RecordFiles } from './recordFiles.ts'
import { openReaders } from './recordReaders.ts'

export interface NatsOptions extends ImportContext {
  /** Threads. */
  readonly jobs: number
  readonly withCurves: boolean
  /** Records that are read, and kept, together; absent: 50. */
  readonly batchSize?: number
  /** Where batches are kept until the import is done. */
  readonly partsFolder: string
  readonly mapping: Mapping
  /** @param total undefined where it is not known before the end */
  onProgress?(done: number, total: number | undefined): void
}

/** What a reader of any of the benchmark's records must know. */
export const RECORD_NOTES = [
  'Accuracies and losses are those after the last epoch; "mean" is the mean over the seeds that exist.',
  'FLOPs are multiply-accumulates, as NAS-Bench-201 counts them. Seconds are those of the release, re-estimated by its authors and equal for all seeds.',
]

/**
 * What was read is kept where a record is at fault, and removed where the release as a whole is.
 * @throws BenchError `bad-input` that names the record at fault
 */
export async function importNats(source: RecordFiles, options: NatsOptions): Promise<Imported> {
  if (source.indices !== undefined) checkComplete(source.indices, options, source.name)
  const parts = openParts(options.partsFolder)
  const batches = await readAll(source, parts, options)
  const hash = createHash('sha256')
  for (const { sha256 } of batches) hash.update(sha256)
  const found = { format: 'nats-bench', name: source.name, sha256: hash.digest('hex') }
  try {
    const { withCurves, mapping } = options
    const notes = [...RECORD_NOTES, ...mapping.notes]
    return assemble({ parts, batches, source: found, notes, withCurves, mapping }, options)
  } catch (error) {
    parts.remove()
    throw error
  }
}

/** Every batch, read or found from an earlier attempt, in the order of the source. */
async function readAll(source: RecordFiles, parts: Parts, options: NatsOptions): Promise<Part[]> {
  const { jobs, withCurves, batchSize = 50, mapping, onProgress } = options
  const { accuracies } = mapping
  const readers = await openReaders(jobs)
  const reading: Promise<Part>[] = []
  let done = 0
  try {
    for await (const files of batches(source, batchSize)) {
      const sha256 = sha256Of(files, accuracies)
      const at = reading.length
      const part = parts.find(at, sha256, withCurves)
      const read = part ?? readers.read({ files, withCurves, accuracies }).then((r) => parts.keep(at, sha256, r))
      const counted = Promise.resolve(read).then((kept) => {
        done += kept.count
        checkLimit('source-rows', done, source.name)
        onProgress?.(done, source.indices?.length)
        return kept
      })
      // A failure is thrown where it is awaited.
      counted.catch(() => undefined)
      reading.push(counted)
      // One batch waits while each thread has one: the rest stays where it is.
      await reading.at(-jobs - 1)
    }
    return await Promise.all(reading)
  } finally {
    await Promise.allSettled(reading)
    await readers.close()
  }
}

async function* batches({ files }: RecordFiles, size: number): AsyncGenerator<RecordFile[]> {
  let batch: RecordFile[] = []
  for await (const file of files()) {
    batch.push(file)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Computes the SHA-256 of a batch of record files and of the units that the mapping gives for them. */
function sha256Of(files: readonly RecordFile[], accuracies: Mapping['accuracies']): string {
  const hash = createHash('sha256')
  if (accuracies !== undefined) hash.update(canonicalJson(accuracies))
  for (const { name, bytes } of files) hash.update(name).update(bytes)
  return hash.digest('hex')
}
