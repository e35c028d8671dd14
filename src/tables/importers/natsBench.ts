/**
 * The topology release of NATS-Bench: `NNNNNN.pickle.pbz2`, one record an architecture, in a folder or a tar archive.
 * Records are read in batches, several at a time; each batch is kept on disk until the table is whole, so an import that
 * was interrupted goes on where it was.
 */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { BenchError } from '../../core/errors.ts'
import { checkComplete, type ImportContext } from '../content.ts'
import type { CurvesBatch } from '../curvesFile.ts'
import type { Imported } from './imported.ts'
import { openParts, type Part } from './importParts.ts'
import type { RecordRow } from './readRecords.ts'
import type { RecordFile, RecordFiles } from './recordFiles.ts'
import { openReaders } from './recordReaders.ts'
import { columnsOf } from './runColumns.ts'

export interface NatsOptions extends ImportContext {
  /** Threads. */
  readonly jobs: number
  readonly withCurves: boolean
  /** Records that are read, and kept, together; absent: 125. */
  readonly batchSize?: number
  /** Where batches are kept until the import is done. */
  readonly partsFolder: string
  /** @param total undefined where it is not known before the end */
  onProgress?(done: number, total: number | undefined): void
}

const NOTES = [
  'Accuracies and losses are those after the last epoch; "mean" is the mean over the seeds that exist.',
  'FLOPs are multiply-accumulates, as NAS-Bench-201 counts them. Seconds are those of the release, re-estimated by its authors and equal for all seeds.',
]

/** @throws BenchError `bad-input` that names the record at fault */
export async function importNats(source: RecordFiles, options: NatsOptions): Promise<Imported> {
  const parts = await readAll(source, options)
  const rows = parts.flatMap((part) => part.rows).sort((a, b) => a.index - b.index)
  checkRows(rows, options)
  const index = Int32Array.from(rows, (row) => row.index)
  checkComplete(index, options, source.name)
  const hash = createHash('sha256')
  for (const { sha256 } of parts) hash.update(sha256)
  return {
    content: {
      index,
      arch: rows.map(({ arch }) => options.space.canonical(arch)),
      numbers: columnsOf(rows.map(({ numbers }) => numbers)),
      texts: [],
      source: { format: 'nats-bench', name: source.name, sha256: hash.digest('hex') },
      notes: NOTES,
    },
    ...(options.withCurves ? { curves: () => curveBatches(parts) } : {}),
    done: () => rm(options.partsFolder, { recursive: true, force: true }),
  }
}

function* curveBatches(parts: readonly Part[]): Generator<CurvesBatch> {
  const batches = parts.map((part) => {
    const indices = part.rows.map(({ index }) => index)
    return { part, range: [Math.min(...indices), Math.max(...indices)] as const }
  })
  for (const { part, range } of batches.sort((a, b) => a.range[0] - b.range[0])) yield { range, bytes: part.curves() }
}

/** Every batch, read or found from an earlier attempt, in the order of the source. */
async function readAll(source: RecordFiles, options: NatsOptions): Promise<Part[]> {
  const { jobs, withCurves, batchSize = 125, onProgress } = options
  const parts = openParts(options.partsFolder)
  const readers = await openReaders(jobs)
  const reading: Promise<Part>[] = []
  let done = 0
  try {
    for await (const files of batches(source, batchSize)) {
      const sha256 = sha256Of(files)
      const at = reading.length
      const part = parts.find(at, sha256, withCurves)
      const read =
        part === undefined ? readers.read({ files, withCurves }).then((r) => parts.keep(at, sha256, r)) : part
      const counted = Promise.resolve(read).then((kept) => {
        done += kept.rows.length
        onProgress?.(done, source.count)
        return kept
      })
      // A failure is thrown where it is awaited.
      counted.catch(() => undefined)
      reading.push(counted)
      // As many batches wait as there are threads: the rest stays where it is.
      await reading.at(-2 * jobs)
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

function sha256Of(files: readonly RecordFile[]): string {
  const hash = createHash('sha256')
  for (const { name, bytes } of files) hash.update(name).update(bytes)
  return hash.digest('hex')
}

/** Each record is where the space's order has it, under its own number, and only once. */
function checkRows(rows: readonly RecordRow[], { space }: ImportContext): void {
  rows.forEach(({ name, index, arch }, i) => {
    const own = Number.parseInt(name, 10)
    const expected = space.indexOf(arch)
    if (index !== own) throw new BenchError('bad-input', `${name} holds the record of architecture ${index}`)
    if (index !== expected) {
      throw new BenchError(
        'bad-input',
        `${name}: architecture ${arch} is #${expected} of ${space.name}, found ${index}`,
      )
    }
    if (rows[i - 1]?.index === index) throw new BenchError('bad-input', `${name} stands twice in the release`)
  })
}
