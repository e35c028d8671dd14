/** From a name or a path to an open table: milliseconds, and as much memory as the file has bytes. */
import { createHash } from 'node:crypto'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import type { FileBytes } from './columns.ts'
import { type FileEntry, type Manifest, parseManifest } from './manifest.ts'
import { Table } from './table.ts'
import { tableFolders } from './tableFolders.ts'

const MANIFEST = '.manifest.json'

export interface OpenOptions {
  /** Folders in which names are looked up, in this order; absent: the embedded tables, then the user's own. */
  readonly folders?: readonly string[]
}

/**
 * @param nameOrPath a table's name, or the path of its `.arrow` file or of its manifest
 * @throws BenchError `unknown-name`, `missing`, `unsupported` or, where file and manifest disagree, `corrupt`
 */
export async function openTable(nameOrPath: string, options: OpenOptions = {}): Promise<Table> {
  const path = await manifestPath(nameOrPath, options)
  const manifest = await readManifest(path)
  const file = join(dirname(path), manifest.table.file)
  return new Table(manifest, checked(await readBytes(file), manifest.table, file))
}

/** The manifest alone. @throws as `openTable` */
export async function openManifest(nameOrPath: string, options: OpenOptions = {}): Promise<Manifest> {
  return readManifest(await manifestPath(nameOrPath, options))
}

/** Names of all tables in the folders, in the order in which they are looked up. */
export async function listTables({ folders = tableFolders() }: OpenOptions = {}): Promise<string[]> {
  const listings = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))
  const names = listings.flatMap((files) =>
    files.filter((file) => file.endsWith(MANIFEST)).map((file) => file.slice(0, -MANIFEST.length)),
  )
  return [...new Set(names)]
}

/** @throws BenchError `unknown-name` with the nearest table, or `missing` */
export async function manifestPath(nameOrPath: string, { folders = tableFolders() }: OpenOptions): Promise<string> {
  if (nameOrPath.endsWith(MANIFEST)) return nameOrPath
  if (nameOrPath.endsWith('.arrow')) return `${nameOrPath.slice(0, -'.arrow'.length)}${MANIFEST}`
  if (nameOrPath.includes('/')) {
    throw new BenchError('bad-input', `"${nameOrPath}" is neither a table's name nor the path of an .arrow file`)
  }
  for (const folder of folders) {
    const path = join(folder, `${nameOrPath}${MANIFEST}`)
    if (await exists(path)) return path
  }
  throw unknownName('table', nameOrPath, await listTables({ folders }))
}

async function readManifest(path: string): Promise<Manifest> {
  return parseManifest((await readBytes(path)).toString('utf8'), path)
}

async function readBytes(path: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const found = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new BenchError('missing', `${path} ${found}; a table is an .arrow file with its .manifest.json`, { cause })
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** The bytes, if they are those that the manifest describes. */
function checked(bytes: Buffer<ArrayBuffer>, entry: FileEntry, path: string): FileBytes {
  if (bytes.toString('latin1', 0, 6) !== 'ARROW1') throw new BenchError('corrupt', `${path} is not an Arrow file`)
  if (bytes.byteLength !== entry.bytes) {
    throw new BenchError(
      'corrupt',
      `${path} has ${bytes.byteLength} bytes, its manifest says ${entry.bytes}; import again`,
    )
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 === entry.sha256) return bytes
  throw new BenchError('corrupt', `${path} has SHA-256 ${sha256}, its manifest says ${entry.sha256}; import again`)
}
