/** Gets the source of a table from where it is published, and imports it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { checkUrl, type DownloadOptions, downloadFor } from '../data/fetch/download.ts'
import { userFolder } from '../system/userFolder.ts'
import { type ImportOptions, importTable } from './importTable.ts'
import type { Manifest } from './manifest.ts'
import { embeddedTables } from './tableFolders.ts'

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
