/**
 * Reads a published benchmark file of any supported format, in this process or in a separate one with limits on memory
 * and CPU time.
 */
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
  /** Whether to read training curves (values per epoch) if the source has them. */
  readonly withCurves: boolean
  /** Number of worker threads that read the source. */
  readonly jobs: number
  /**
   * Plugins that define the search space: files or packages, as after `--plugin`. Only a separate process needs them.
   */
  readonly plugins?: readonly string[]
  /**
   * Folder in which batches of architecture records are kept until the table is written. Absent: only CSV and Parquet
   * files can be read.
   */
  readonly partsFolder?: string
  /**
   * Called with the number of architectures read so far.
   * @param total number of architectures in the source; undefined if it is known only after reading the whole source
   */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/** Options of an importer that writes batches of architecture records to disk as it reads them. */
type RecordOptions = ReadOptions & { readonly partsFolder: string }

/** A format of benchmark files that can be imported. Its code is loaded only when a file is tested for the format. */
type Importer = {
  /** Returns whether a file has this format, from its first bytes and regardless of its name. */
  matches(source: Source): boolean | Promise<boolean>
} & (
  | { readonly kind: 'flat'; read(source: Source, options: ReadOptions): Promise<Imported> }
  | { readonly kind: 'records'; read(source: Source, options: RecordOptions): Promise<Imported> }
)

/** All formats that can be imported, in the order in which a file is tested for them. */
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
 * Reads a benchmark file in this process and returns its content. Use `readLimited` for a file of unknown origin.
 * @throws BenchError `bad-input` that names the faulty line, row or record of the file
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

/** Throws for a gzipped file of a format that cannot be read in sequence. @throws BenchError `bad-input` */
function requireUnpacked({ name, isGzipped }: Source): void {
  if (isGzipped) throw new BenchError('bad-input', `${name} is gzipped; unpack it first: gunzip ${name}`)
}

/**
 * Throws for a file that cannot be CSV because it is not text.
 * @throws BenchError `bad-input` that says what the file is, if its first bytes tell
 */
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

/** The message that tells the separate process of `readLimited` which file to read. */
export interface ReadRequest extends Omit<ReadOptions, 'space' | 'onProgress'> {
  readonly path: string
  /** Name of the built-in search space of the imported table. */
  readonly space: string
}

/** The message with which the separate process of `readLimited` reports how many architectures it has read. */
export type ReadProgress = readonly [done: number, total: number | undefined]

/**
 * Path of the compiled module that the separate process runs. The compiled one is used even when running from source,
 * since Node 20 runs no TypeScript.
 */
const WORKER = fileURLToPath(new URL('../../../dist/tables/importers/readWorker.js', import.meta.url))

/**
 * Reads a benchmark file in a separate process, with limits on memory and CPU time (`system/limitedProcess.ts`), and
 * returns its content.
 * @param options the search space must be built in, because the process looks it up by name
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
