/** Downloads a published dataset into the folder in which `openDataset` looks for it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { loadYaml } from '../core/lazyPackages.ts'
import { unknownName } from '../core/names.ts'
import { makeFolder } from '../system/atomicFile.ts'
import { fileHash } from '../system/checksums.ts'
import { LimitError } from '../system/limits.ts'
import { removeAbandonedBeside, temporaryPath } from '../system/temporaryFile.ts'
import { userFolder } from '../system/userFolder.ts'
import type { Dataset } from './dataset.ts'
import { datasetFolder, knownName } from './datasetNames.ts'
import { checkUrl, type DownloadOptions, downloadFor } from './download.ts'
import { unpackArchive } from './files/tarArchive.ts'
import { openDataset } from './openDataset.ts'

const Source = z.object({
  url: z.url().optional(),
  sha256: z.string().optional(),
  page: z.url().optional(),
})

export type DatasetSource = z.infer<typeof Source>

export interface FetchOptions
  extends Pick<DownloadOptions, 'onProgress' | 'attempts' | 'pauseMs' | 'stallMs' | 'onWait'> {
  /** Address from which to download the dataset; absent: the address in `configs/datasets.yaml`. */
  readonly url?: string
  readonly sha256?: string
  /** Called with a line for the user if the dataset is on this machine already and `url` or `sha256` has no effect. */
  readonly onIdle?: (line: string) => void
  /** Folder into which to unpack the dataset; absent: its folder in the user's data folder. */
  readonly to?: string
}

/** Reads from `configs/datasets.yaml` where each dataset can be downloaded. */
function datasetSources(): Readonly<Record<string, DatasetSource>> {
  const file = fileURLToPath(new URL('../../configs/datasets.yaml', import.meta.url))
  return z.record(z.string(), Source).parse(loadYaml().parse(readFileSync(file, 'utf8')))
}

/** Returns the names of the datasets of which it is known where they are offered. */
export const fetchableDatasets = (): readonly string[] => Object.keys(datasetSources())

/**
 * Downloads, checks, unpacks and opens a dataset. The folder gets its final name only after the dataset could be
 * opened. A dataset that is on this machine already is only opened. The archive is removed once it is unpacked or its
 * content proves faulty; after any other failure, such as a full disk or a limit, the next call unpacks it.
 * @throws BenchError `unknown-name`; `missing` for a dataset without a public address; any error of the download or the
 * reader
 */
export async function fetchDataset(typed: string, options: FetchOptions = {}): Promise<Dataset> {
  const sources = datasetSources()
  const name = knownName(typed)
  if (sources[name] === undefined) throw unknownName('dataset to fetch', typed, Object.keys(sources))
  const folder = options.to ?? datasetFolder(name)
  if (await hasFiles(folder)) {
    const idle = (['url', 'sha256'] as const).filter((option) => options[option] !== undefined)
    const words = idle.map((option) => `--${option}`).join(' and ')
    if (idle.length > 0) options.onIdle?.(`${folder} has files already, so ${words} did nothing; move it away first`)
    return openDataset(name, { folder })
  }
  const source = options.url === undefined ? publicSource(name, sources[name]) : ownSource(options.url)
  const target = userFolder('downloads', archiveName(name, source.url))
  // An archive that an earlier call kept is complete: its download was, and its name stands for the address.
  const sha256 = options.sha256 ?? source.sha256 ?? (await fileHash(target).catch(() => undefined))
  await downloadFor(
    { ...options, ...source, sha256, target },
    async ({ path }) => {
      try {
        await unpackChecked(name, path, folder)
      } catch (error) {
        if (isFaultOfContent(error)) await rm(path)
        throw error
      }
      await rm(path)
      return true
    },
    async () => (await hasFiles(folder)) || undefined,
  )
  return openDataset(name, { folder })
}

/**
 * Returns whether unpacking failed because of what the archive holds, so that it would fail again: not because of a
 * limit, which can be raised, nor because of this machine, such as its full disk.
 */
const isFaultOfContent = (error: unknown): boolean =>
  error instanceof BenchError && error.code !== 'failed' && !(error instanceof LimitError)

function publicSource(name: string, { url, sha256, page }: DatasetSource): { url: string; sha256?: string } {
  if (url !== undefined) return { url, sha256 }
  throw new BenchError(
    'missing',
    `${name} has no public address; get it at ${page}, unpack it and name the folder with --data, or name a copy with --url`,
  )
}

function ownSource(url: string): { url: string; sha256?: string } {
  checkUrl(url)
  return { url }
}

/**
 * Returns the name under which to store a downloaded archive. Each address has a name of its own, so that a partial
 * download from one address is never continued from another.
 */
function archiveName(name: string, url: string): string {
  const ending = new URL(url).pathname.endsWith('.tar') ? 'tar' : 'tar.gz'
  return `${name}-${createHash('sha256').update(url).digest('hex').slice(0, 12)}.${ending}`
}

/**
 * Unpacks the archive into a temporary folder beside `folder`, checks that the dataset opens, then renames the
 * temporary folder to `folder`.
 */
async function unpackChecked(name: string, archive: string, folder: string): Promise<void> {
  const beside = temporaryPath(folder)
  try {
    makeFolder(beside)
    removeAbandonedBeside(beside)
    await unpackArchive(archive, beside)
    await openDataset(name, { folder: beside })
    await rm(folder, { recursive: true, force: true })
    await rename(beside, folder)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

async function hasFiles(folder: string): Promise<boolean> {
  return readdir(folder).then(
    (files) => files.length > 0,
    () => false,
  )
}
