/** Reads a published source of any format, in this process or in one with limits of memory and time. */
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../../core/errors.ts'
import { runLimited } from '../../system/limitedProcess.ts'
import type { ImportContext } from '../content.ts'
import type { Imported } from './importParts.ts'
import type { Mapping } from './mapping.ts'
import { openSource, type Source } from './sourceFile.ts'

export interface ReadOptions extends ImportContext {
  readonly mapping: Mapping
  /** Whether to keep per-epoch curves where the source has them. */
  readonly withCurves: boolean
  /** Number of worker threads. */
  readonly jobs: number
  /** Plugins that bring the space, for a process of its own, as after `--plugin`. */
  readonly plugins?: readonly string[]
  /**
   * Folder that keeps batches of records until the table is written. Absent: only flat files (CSV, Parquet) are read.
   */
  readonly partsFolder?: string
  /** Told how many architectures have been read. @param total undefined where only reading to the end tells it */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/** Options of an importer that keeps what it has read on disk. */
type RecordOptions = ReadOptions & { readonly partsFolder: string }

/** One source format. Its code is loaded only when a source is compared with it. */
type Importer = {
  /** Tells from the first bytes whether a source has this format; its name does not count. */
  matches(source: Source): boolean | Promise<boolean>
} & (
  | { readonly kind: 'flat'; read(source: Source, options: ReadOptions): Promise<Imported> }
  | { readonly kind: 'records'; read(source: Source, options: RecordOptions): Promise<Imported> }
)

/** All formats, in the order in which a source is compared with them. */
const importers: readonly Importer[] = [
  {
    kind: 'records',
    matches: ({ isFolder }) => isFolder,
    async read({ path }, options) {
      const { importNats, recordFolder } = await import('./natsBench.ts')
      return importNats(await recordFolder(path), options)
    },
  },
  {
    kind: 'flat',
    matches: ({ head }) => head.toString('latin1', 0, 4) === 'PAR1',
    async read(source, options) {
      requireUnpacked(source)
      const { importParquet } = await import('./parquet.ts')
      return { content: await importParquet(source, options.mapping, options) }
    },
  },
  {
    kind: 'records',
    matches: ({ head }) => head.toString('latin1', 257, 262) === 'ustar',
    async read(source, options) {
      const { importNats, recordArchive } = await import('./natsBench.ts')
      return importNats(recordArchive(source), options)
    },
  },
  {
    kind: 'records',
    async matches({ head }) {
      const { isPickle, isZip } = await import('./pickleFile.ts')
      return isZip(head) || isPickle(head)
    },
    async read(source, options) {
      requireUnpacked(source)
      const { importPickleFile } = await import('./pickleFile.ts')
      return importPickleFile(source, options)
    },
  },
  {
    kind: 'flat',
    matches: () => true,
    async read(source, options) {
      requireText(source)
      const { importCsv } = await import('./csv.ts')
      return { content: await importCsv(source, options.mapping, options) }
    },
  },
]

/**
 * Reads a source in this process. Use `readLimited` for a file of unknown origin.
 * @throws BenchError `bad-input` with the place in the source that is at fault
 */
export async function readSource(path: string, options: ReadOptions): Promise<Imported> {
  const { partsFolder } = options
  const source = await openSource(path, { folders: partsFolder !== undefined })
  for (const importer of importers) {
    if (importer.kind === 'flat') {
      if (await importer.matches(source)) return importer.read(source, options)
    } else if (partsFolder !== undefined && (await importer.matches(source))) {
      return importer.read(source, { ...options, partsFolder })
    }
  }
  throw new BenchError('bad-input', `${source.name} has no known format`)
}

/** Refuses gzip for the formats that are read with random access. @throws BenchError `bad-input` */
function requireUnpacked({ name, isGzipped }: Source): void {
  if (isGzipped) throw new BenchError('bad-input', `${name} is gzipped; unpack it first: gunzip ${name}`)
}

/** Refuses a file that cannot be CSV. @throws BenchError `bad-input` that says what the file is, where that is known */
function requireText({ name, head }: Source): void {
  const start = head.toString('latin1')
  const refuse = (what: string) => new BenchError('bad-input', `${name} ${what}`)
  if (/^\s*<(!doctype|html)/i.test(start)) throw refuse('is a web page, not a table; fetch the file itself')
  if (start.startsWith('ARROW1'))
    throw refuse('is an Arrow file; where it has a manifest, name its path in place of a table')
  if (start.startsWith('BZh')) throw refuse('is one bzip2 file; name the folder or the tar archive of the release')
  if (/^(\xff\xfe|\xfe\xff)/.test(start)) throw refuse('is text in UTF-16; save it in UTF-8')
  if (head.includes(0))
    throw refuse('has no format that is known: NATS-Bench folder or tar, .pth, pickle, Parquet, CSV')
}

/** The message that tells the worker process of `readLimited` what to read. */
export interface ReadRequest extends Omit<ReadOptions, 'space' | 'onProgress'> {
  readonly path: string
  /** Name of a built-in space. */
  readonly space: string
}

/** The message that tells how many architectures the worker process has read. */
export type ReadProgress = readonly [done: number, total: number | undefined]

/** Path of the compiled worker module. Also used when running from source, since Node 20 runs no TypeScript. */
const WORKER = fileURLToPath(new URL('../../../dist/tables/importers/readWorker.js', import.meta.url))

/**
 * Reads a source in a process of its own, under limits of memory and time (`system/limitedProcess.ts`).
 * @param options their space must be built in, because the process looks it up by name
 * @throws BenchError as `readSource`; `bad-input` with the name of the limit that was exceeded
 */
export function readLimited(path: string, { space, onProgress, ...options }: ReadOptions): Promise<Imported> {
  return runLimited<ReadRequest, ReadProgress, Imported>({
    module: WORKER,
    request: { ...options, path, space: space.name },
    file: basename(path),
    memory: 'source-gib',
    seconds: 'source-seconds',
    onProgress: ([done, total]) => onProgress?.(done, total),
  })
}
