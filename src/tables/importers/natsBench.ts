/**
 * Imports NATS-Bench's topology benchmark from a folder or tar archive of files `NNNNNN.pickle.pbz2`, one for each
 * architecture. Several threads read the files in batches. Each batch is written to disk until the table is complete,
 * so an interrupted import resumes with the next batch.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { BenchError } from '../../core/errors.ts'
import { canonicalJson } from '../../system/json.ts'
import { beyondLimit, checkLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'
import { checkComplete, type ImportContext } from '../content.ts'
import { assemble } from './assemble.ts'
import { type Imported, openParts, type Part, type Parts } from './importParts.ts'
import type { Mapping } from './mapping.ts'
import type { RecordFile } from './readRecords.ts'
import { openReaders } from './recordReaders.ts'
import type { Source } from './sourceFile.ts'

export interface NatsOptions extends ImportContext {
  /** Number of worker threads that read record files. */
  readonly jobs: number
  readonly withCurves: boolean
  /** Number of NATS-Bench record files that a worker thread reads per message; absent: 50. */
  readonly batchSize?: number
  /** Folder with the batches read so far, which are kept until the import is complete. */
  readonly partsFolder: string
  readonly mapping: Mapping
  /**
   * Called with the number of NATS-Bench record files read so far.
   * @param total number of all record files; undefined if it is known only after reading the whole archive
   */
  onProgress?(done: number, total: number | undefined): void
}

/** Notes for the manifest of every table that is imported from records of NAS-Bench-201 or NATS-Bench. */
export const RECORD_NOTES = [
  'Accuracies and losses are those after the last epoch; "mean" is the mean over the seeds that exist.',
  'FLOPs are multiply-accumulates, as NAS-Bench-201 counts them. Seconds are those of the release, re-estimated by its authors and equal for all seeds.',
]

/**
 * Returns the content of a table, imported from NATS-Bench's record files. After an error in one file, the batches on
 * disk are kept, so that the import can resume. After an error in the folder or archive as a whole, they are deleted.
 * @throws BenchError `bad-input` that names the faulty record file
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

/**
 * Returns all batches of architecture records, in the order of the files. Reads only batches that an earlier,
 * interrupted import has not written to disk.
 */
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
      // Errors are thrown where the promise is awaited.
      counted.catch(() => undefined)
      reading.push(counted)
      // Only one batch more than there are threads is in memory.
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

/** Returns the SHA-256 of a batch of record files and of the accuracy units that the user's mapping states. */
function sha256Of(files: readonly RecordFile[], accuracies: Mapping['accuracies']): string {
  const hash = createHash('sha256')
  if (accuracies !== undefined) hash.update(canonicalJson(accuracies))
  for (const { name, bytes } of files) hash.update(name).update(bytes)
  return hash.digest('hex')
}

/** The record files in a NATS-Bench folder or archive, read one at a time. */
export interface RecordFiles {
  readonly name: string
  /**
   * Indices of the architectures that have a record file; undefined if they are known only after reading the whole
   * archive.
   */
  readonly indices?: Int32Array
  files(): AsyncIterable<RecordFile>
}

const RECORD = /^\d{6}\.pickle\.pbz2$/

/**
 * Opens a folder of NATS-Bench record files, which are read in the order of the numbers in their names.
 * @throws BenchError `bad-input` if the folder has none
 */
export async function recordFolder(path: string): Promise<RecordFiles> {
  const names = (await readdir(path)).filter((name) => RECORD.test(name)).sort()
  if (names.length === 0) {
    throw new BenchError('bad-input', `${path} holds no NNNNNN.pickle.pbz2; name the folder of a NATS-Bench release`)
  }
  return {
    name: basename(path),
    indices: Int32Array.from(names, (name) => Number.parseInt(name, 10)),
    async *files() {
      for (const name of names) yield { name, bytes: await readRecord(join(path, name)) }
    },
  }
}

async function readRecord(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new BenchError('bad-input', `${path} is not a file; expected a record of the release`)
    checkSize(found.size, path)
    countWork()
    return Uint8Array.from(await readFile(path))
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    throw new BenchError('missing', `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}

/**
 * Opens a tar archive of NATS-Bench record files, which are read in the order of the archive.
 * @throws BenchError `bad-input` for paths that lead outside the archive, links in place of record files, and truncated
 * archives
 */
export function recordArchive(source: Source): RecordFiles {
  return {
    name: source.name,
    async *files() {
      const unpack = extract()
      const unpacked = pipeline(source.stream(), unpack)
      unpacked.catch(() => undefined)
      try {
        for await (const entry of unpack) {
          const name = checkedName(entry.header.name, source.name)
          const chunks = RECORD.test(name)
            ? await contents(entry as unknown as Readable, entry.header.type, `${source.name}: ${name}`)
            : undefined
          entry.resume()
          if (chunks !== undefined) yield { name, bytes: chunks }
        }
        await unpacked
      } catch (cause) {
        if (cause instanceof BenchError) throw cause
        const { message } = cause as Error
        throw new BenchError('bad-input', `${source.name} is not a whole tar archive: ${message}`, { cause })
      }
    },
  }
}

/**
 * Returns the name without folders of a file in a tar archive.
 * @throws BenchError `bad-input` if the path leads outside the archive
 */
function checkedName(path: string, archive: string): string {
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new BenchError('bad-input', `${archive} holds "${path}", which leads out of it; it is not a release`)
  }
  return basename(path)
}

async function contents(
  entry: Readable,
  type: string | null | undefined,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (type !== 'file' && type !== 'contiguous-file')
    throw new BenchError('bad-input', `${name} is not a file but a ${type}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of entry as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    checkSize(bytes, name)
    chunks.push(chunk)
  }
  return Uint8Array.from(Buffer.concat(chunks))
}

function checkSize(bytes: number, name: string): void {
  if (bytes > limitOf('record-mib') * 2 ** 20) throw beyondLimit('record-mib', `${name} is too large for a record`)
}
