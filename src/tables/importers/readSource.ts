/** Reads a published source of any format. The format is found by looking, never by the file's name. */
import { stat } from 'node:fs/promises'
import { BenchError } from '../../core/errors.ts'
import type { ImportContext } from '../content.ts'
import type { Imported } from './imported.ts'
import type { Mapping } from './mapping.ts'
import { openSource, type SourceFile } from './sourceFile.ts'

export interface ReadOptions extends ImportContext {
  readonly mapping: Mapping
  /** Keep per-epoch curves where the source has them. */
  readonly withCurves: boolean
  /** Threads. */
  readonly jobs: number
  /** Where batches of records are kept until the table is written; absent: flat files only are read. */
  readonly partsFolder?: string
  /** Told how many architectures are read. @param total undefined where it is not known before the end */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/**
 * Reads in this process; `readLimited` is for sources that nobody has looked at yet. Each importer is loaded when its
 * format is found.
 * @throws BenchError `bad-input` with the place of what is wrong in the source
 */
export async function readSource(path: string, options: ReadOptions): Promise<Imported> {
  const { mapping, partsFolder } = options
  if (partsFolder !== undefined && (await isFolder(path))) {
    const { recordFolder } = await import('./recordFiles.ts')
    const { importNats } = await import('./natsBench.ts')
    return importNats(await recordFolder(path), { ...options, partsFolder })
  }
  const file = await openSource(path)
  if (file.head.toString('latin1', 0, 4) === 'PAR1') {
    checkUnpacked(file)
    const { importParquet } = await import('./parquet.ts')
    return { content: await importParquet(file, mapping, options) }
  }
  if (partsFolder !== undefined) {
    if (file.head.toString('latin1', 257, 262) === 'ustar') {
      const { recordArchive } = await import('./recordFiles.ts')
      const { importNats } = await import('./natsBench.ts')
      return importNats(recordArchive(file), { ...options, partsFolder })
    }
    const { isPickle, isZip, importPickleFile } = await import('./pickleFile.ts')
    if (isZip(file.head) || isPickle(file.head)) {
      checkUnpacked(file)
      return importPickleFile(file, { ...options, partsFolder })
    }
  }
  checkText(file)
  const { importCsv } = await import('./csv.ts')
  return { content: await importCsv(file, mapping, options) }
}

/** Formats that are not read front to back in one go. @throws BenchError `bad-input` where the file is gzipped */
function checkUnpacked({ name, isGzipped }: SourceFile): void {
  if (isGzipped) throw new BenchError('bad-input', `${name} is gzipped; unpack it first: gunzip ${name}`)
}

/** What is no text is no CSV file, either. @throws BenchError `bad-input` that says what it is, where that is known */
function checkText({ name, head }: SourceFile): void {
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

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
