/** Imports a lookup table from a published benchmark file, which is a local file or is downloaded first. */
import { createHash } from 'node:crypto'
import { access, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { checkUrl, type DownloadOptions, downloadFor } from '../data/download.ts'
import { cores } from '../system/cores.ts'
import { userFolder } from '../system/userFolder.ts'
import { curvesOf, type Imported, removeParts } from './importers/importParts.ts'
import { checkSpace, identityMapping, type Mapping } from './importers/mapping.ts'
import type { Manifest } from './manifest.ts'
import { knownSource, type TableSource } from './sources.ts'
import type { SpaceIndex } from './spaceIndex.ts'
import { embeddedTables, userTables } from './tableFolders.ts'
import { writeCurves } from './writeCurves.ts'
import { writeTable } from './writeTable.ts'

export interface ImportOptions {
  /** Name of the table that the import writes. */
  readonly as: string
  readonly space: SpaceIndex
  /** Plugins that define the table's search space: files or packages, as after `--plugin`. */
  readonly plugins?: readonly string[]
  /** Folder that the imported table is written to; absent: the folder of the user's tables. */
  readonly folder?: string
  readonly mapping?: Mapping
  /** Whether the import accepts a source that lacks architectures of the search space; absent: no. */
  readonly partial?: boolean
  /** Whether the table gets per-epoch training curves if the source has them; absent: yes. */
  readonly curves?: boolean
  /** Number of worker threads that read the imported file; absent: one for each core. */
  readonly jobs?: number
  /**
   * Whether the source is read in a separate process, which is killed if it needs too much memory or time; absent: yes.
   */
  readonly isolated?: boolean
  /**
   * Called with the number of architectures read so far.
   * @param total number of architectures in the imported file; undefined if it is known only after reading the whole
   * file
   */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/**
 * Imports a published benchmark file and writes it as a table. If the import fails, an earlier table of the same name
 * stays unchanged.
 * @throws BenchError `bad-input` that names the faulty line, row or record of the file
 */
export async function importTable(source: string, options: ImportOptions): Promise<Manifest> {
  const { as, space, folder = userTables(), mapping = identityMapping } = options
  await checkTableName(as)
  checkSpace(mapping, space.name)
  const imported = await read(source, join(folder, `.${as}.import`), mapping, options)
  const curves = curvesOf(imported)
  const written = curves === undefined ? undefined : await writeCurves(folder, as, curves)
  const manifest = writeTable(folder, as, space, imported.content, written)
  removeParts(imported)
  return manifest
}

async function read(path: string, partsFolder: string, mapping: Mapping, options: ImportOptions): Promise<Imported> {
  const { space, plugins, partial = false, curves = true, jobs = cores(), isolated = true, onProgress } = options
  const request = {
    ...{ space, partial, mapping, jobs, withCurves: curves, partsFolder },
    ...(plugins && { plugins }),
    ...(onProgress && { onProgress }),
  }
  if (isolated) {
    const { readLimited } = await import('./importers/readSource.ts')
    return readLimited(path, request)
  }
  const { readSource } = await import('./importers/readSource.ts')
  return readSource(path, request)
}

/**
 * Checks that a table with this name may be written.
 * @throws BenchError `bad-input` if the name is malformed or is that of a table that comes with the package
 */
export async function checkTableName(name: string): Promise<void> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new BenchError('bad-input', `"${name}" is not a table name; use letters, digits, "-", "_" and "."`)
  }
  const embedded = await access(join(embeddedTables, `${name}.manifest.json`)).then(
    () => true,
    () => false,
  )
  if (embedded) throw new BenchError('bad-input', `table ${name} comes with the package; choose another name`)
}

export interface FetchTableOptions extends Omit<ImportOptions, 'onProgress'> {
  /** URL to download the benchmark file from, instead of the one in `tables/sources.yaml`. */
  readonly url?: string
  readonly sha256?: string
  readonly onDownload?: DownloadOptions['onProgress']
  readonly onImport?: ImportOptions['onProgress']
  readonly onWait?: DownloadOptions['onWait']
  readonly attempts?: number
  readonly pauseMs?: number
}

/**
 * Downloads a published benchmark file and imports it as a table. The file is kept until the import is complete, so
 * that an interrupted download or import can resume.
 * @throws BenchError `unknown-name` that suggests the most similar known name; any error of the download or the import
 */
export async function fetchTable(name: string, options: FetchTableOptions): Promise<Manifest> {
  const source = options.url === undefined ? knownSource(name) : ownSource(options.url)
  const { onDownload, onImport, onWait, attempts, pauseMs, sha256 = source.sha256 } = options
  // A folder for each address, so that a partial download is never continued with another file.
  const folder = userFolder('downloads', createHash('sha256').update(source.url).digest('hex').slice(0, 12))
  const target = join(folder, source.file)
  const wait = { lockFile: `${folder}.lock`, ...(onWait && { onWait }) }
  return downloadFor(
    { url: source.url, sha256, target, onProgress: onDownload, attempts, pauseMs, ...wait },
    async ({ path }) => {
      const manifest = await importTable(path, { ...options, ...(onImport && { onProgress: onImport }) })
      await rm(folder, { recursive: true, force: true })
      return manifest
    },
  )
}

function ownSource(url: string): Pick<TableSource, 'url' | 'file' | 'sha256'> {
  checkUrl(url)
  const file = basename(new URL(url).pathname)
  if (file === '') throw new BenchError('bad-input', `${url} names no file`)
  return { url, file }
}
