/**
 * Opens lookup tables by name or path: finds and checks a table's manifest. Columns are read when they are first used.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { ReadRange } from './columns.ts'
import { type FileEntry, type Manifest, parseManifest } from './manifest.ts'
import { Table } from './table.ts'

const MANIFEST = '.manifest.json'
/**
 * Manifests of up to this many bytes are read without looking up the limit `directory-mib`, whose code takes time to
 * load.
 */
const USUAL_BYTES = 2 ** 20

export interface OpenOptions {
  /**
   * Folders in which a table's name is looked up, in this order; absent: the tables that come with the package, then
   * the user's.
   */
  readonly folders?: readonly string[]
}

/**
 * Opens a lookup table.
 * @param nameOrPath a table's name, or the path of its `.arrow` file or of its manifest
 * @throws BenchError `unknown-name`, `missing`, `unsupported`, or `corrupt` if the table's file and its manifest
 * disagree
 */
export async function openTable(nameOrPath: string, options: OpenOptions = {}): Promise<Table> {
  const path = await manifestPath(nameOrPath, options)
  const manifest = await readManifest(path)
  const file = join(dirname(path), manifest.table.file)
  checkSize(file, manifest.table)
  return new Table(manifest, rangesOf(file))
}

/**
 * Verifies a table: compares the SHA-256 of its file and of its file of curves with those in the manifest.
 * @throws BenchError as `openTable`
 */
export async function verifyTable(nameOrPath: string, options: OpenOptions = {}): Promise<Manifest> {
  const path = await manifestPath(nameOrPath, options)
  const { manifest } = await openTable(path)
  for (const entry of [manifest.table, manifest.curves]) {
    if (entry !== undefined) await checkHash(join(dirname(path), entry.file), entry)
  }
  return manifest
}

/** Returns the manifest of a table without opening the table itself. @throws BenchError as `openTable` */
export async function openManifest(nameOrPath: string, options: OpenOptions = {}): Promise<Manifest> {
  return readManifest(await manifestPath(nameOrPath, options))
}

/** Returns the names of all tables in the table folders, in the order in which a name is looked up. */
export async function listTables(options: OpenOptions = {}): Promise<string[]> {
  const { folders, listIfThere } = await placesOf(options)
  const names = folders.flatMap((folder) => {
    const files = (listIfThere(folder) ?? []).map((entry) => entry.name)
    return files.filter((file) => file.endsWith(MANIFEST)).map((file) => file.slice(0, -MANIFEST.length))
  })
  return [...new Set(names)]
}

/**
 * Returns the folders in which a table's name is looked up. The module that knows them is loaded only if the user gives
 * a name, since a path does not need it.
 */
async function placesOf({ folders }: OpenOptions) {
  const [{ isThere, listIfThere }, { tableFolders }] = await Promise.all([
    import('../system/readable.ts'),
    import('./tableFolders.ts'),
  ])
  return { folders: folders ?? tableFolders(), isThere, listIfThere }
}

/** Returns whether the user gave the path of a table rather than its name. */
export const isTablePath = (nameOrPath: string): boolean =>
  nameOrPath.endsWith('.arrow') || nameOrPath.endsWith(MANIFEST)

/**
 * Returns the path of a table's manifest.
 * @throws BenchError `unknown-name`, `missing` for a published table that is not on this machine, or `bad-input`
 */
export async function manifestPath(nameOrPath: string, options: OpenOptions): Promise<string> {
  if (nameOrPath.endsWith(MANIFEST)) return nameOrPath
  if (nameOrPath.endsWith('.arrow')) return nameOrPath.replace(/(@2)?\.arrow$/, MANIFEST)
  const { folders, isThere } = await placesOf(options)
  const found = folders.map((folder) => join(folder, `${nameOrPath}${MANIFEST}`)).find(isThere)
  if (found !== undefined) return found
  if (nameOrPath.includes('/') || isThere(nameOrPath)) {
    throw new BenchError('bad-input', `"${nameOrPath}" is neither a table's name nor the path of an .arrow file`)
  }
  const { unknownTable } = await import('./sources.ts')
  throw unknownTable(nameOrPath, await listTables({ folders }))
}

async function readManifest(path: string): Promise<Manifest> {
  if (sizeOf(path) > USUAL_BYTES) {
    const { beyondLimit, limitOf } = await import('../system/limits.ts')
    if (sizeOf(path) > limitOf('directory-mib') * 2 ** 20) {
      throw beyondLimit('directory-mib', `${path} is too long for a manifest`)
    }
  }
  return parseManifest(
    readable(path, () => readFileSync(path, 'utf8')),
    path,
  )
}

const sizeOf = (path: string): number => readable(path, () => statSync(path).size)

/** Calls `read`, which reads the file at `path`. @throws BenchError `missing` if that fails */
function readable<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException)
  }
}

function unreadable(path: string, cause: NodeJS.ErrnoException): BenchError {
  const found = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`
  return new BenchError('missing', `${path} ${found}; a table is an .arrow file with its .manifest.json`, { cause })
}

function checkSize(path: string, { bytes }: FileEntry): void {
  const size = sizeOf(path)
  if (size === bytes) return
  throw new BenchError('corrupt', `${path} has ${pluralize(size, 'byte')}, its manifest says ${bytes}; import again`)
}

async function checkHash(path: string, entry: FileEntry): Promise<void> {
  checkSize(path, entry)
  const { fileHash } = await import('../system/checksums.ts')
  const sha256 = await fileHash(path)
  if (sha256 === entry.sha256) return
  throw new BenchError('corrupt', `${path} has SHA-256 ${sha256}, its manifest says ${entry.sha256}; import again`)
}

/** Returns a function that reads byte ranges of a table's file. It opens and closes the file at every call. */
function rangesOf(path: string): ReadRange {
  return ([offset, length]) => {
    const bytes = new Uint8Array(length)
    const file = openSync(path, 'r')
    try {
      if (readSync(file, bytes, 0, length, offset) === length) return bytes
    } finally {
      closeSync(file)
    }
    throw new BenchError('corrupt', `${path} ends before ${pluralize(offset + length, 'byte')}; import the table again`)
  }
}
