/** From a published source to a table of one's own. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { access, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { checkUrl, type DownloadOptions, downloadFor } from '../data/download.ts'
import { cores } from '../system/cores.ts'
import { userFolder } from '../system/userFolder.ts'
import { curvesOf, type Imported, removeParts } from './importers/importParts.ts'
import { checkSpace, identityMapping, type Mapping } from './importers/mapping.ts'
import type { Manifest } from './manifest.ts'
import type { SpaceIndex } from './spaceIndex.ts'
import { embeddedTables, userTables } from './tableFolders.ts'
import { writeCurves } from './writeCurves.ts'
import { writeTable } from './writeTable.ts'

export interface ImportOptions {
  /** Name of the table. */
  readonly as: string
  readonly space: SpaceIndex
  /** Where it is written; absent: the user's tables. */
  readonly folder?: string
  readonly mapping?: Mapping
  /** Accept fewer rows than the space has architectures. */
  readonly partial?: boolean
  /** Keep per-epoch curves where the source has them; absent: yes. */
  readonly curves?: boolean
  /** Threads; absent: one for each core. */
  readonly jobs?: number
  /** Read in a process of its own, which is ended at a limit; absent: yes. */
  readonly isolated?: boolean
  /** Told how many architectures are read. @param total undefined where it is not known before the end */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/** @throws BenchError `bad-input` with the place of what is wrong in the source; an earlier table then stays */
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
  const { space, partial = false, curves = true, jobs = cores(), isolated = true, onProgress } = options
  const request = { space, partial, mapping, jobs, withCurves: curves, partsFolder, ...(onProgress && { onProgress }) }
  if (isolated) {
    const { readLimited } = await import('./importers/readSource.ts')
    return readLimited(path, request)
  }
  const { readSource } = await import('./importers/readSource.ts')
  return readSource(path, request)
}

/** @throws BenchError `bad-input` where it is no name for a table, or that of an embedded one */
export async function checkTableName(name: string): Promise<void> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new BenchError('bad-input', `"${name}" is no table name; use letters, digits, "-", "_" and "."`)
  }
  const embedded = await access(join(embeddedTables, `${name}.manifest.json`)).then(
    () => true,
    () => false,
  )
  if (embedded) throw new BenchError('bad-input', `table ${name} comes with the package; choose another name`)
}

const Source = z
  .strictObject({
    description: z.string(),
    url: z.url(),
    file: z.string(),
    sha256: z.string().optional(),
    page: z.url(),
    space: z.string(),
  })
  .readonly()

export type TableSource = z.infer<typeof Source>

export interface FetchTableOptions extends Omit<ImportOptions, 'onProgress'> {
  /** Instead of the known source. */
  readonly url?: string
  readonly sha256?: string
  readonly onDownload?: DownloadOptions['onProgress']
  readonly onImport?: ImportOptions['onProgress']
  readonly onWait?: DownloadOptions['onWait']
  readonly attempts?: number
  readonly pauseMs?: number
}

/** Known sources by name: `tables/sources.yaml`. */
export function tableSources(): Readonly<Record<string, TableSource>> {
  return z.record(z.string(), Source).parse(parse(readFileSync(join(embeddedTables, 'sources.yaml'), 'utf8')))
}

/**
 * Downloads, checks and imports. What was downloaded is kept until the import is done, so that either can go on.
 * @throws BenchError `unknown-name` with the nearest source; what the download or the import objects to
 */
export async function fetchTable(name: string, options: FetchTableOptions): Promise<Manifest> {
  const source = options.url === undefined ? knownSource(name) : ownSource(options.url)
  const { onDownload, onImport, onWait, attempts, pauseMs, sha256 = source.sha256 } = options
  // A folder for each address: the import names the file, and a part is never continued with another.
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

function knownSource(name: string): Pick<TableSource, 'url' | 'file' | 'sha256'> {
  const sources = tableSources()
  if (sources[name] === undefined) throw unknownName('table to fetch', name, Object.keys(sources))
  return sources[name]
}

function ownSource(url: string): Pick<TableSource, 'url' | 'file' | 'sha256'> {
  checkUrl(url)
  const file = basename(new URL(url).pathname)
  if (file === '') throw new BenchError('bad-input', `${url} names no file`)
  return { url, file }
}
