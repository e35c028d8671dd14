/** From a name or a path to an open table, whose columns are read when they are asked for. */
import { closeSync, openSync, readSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { fileHash } from '../core/fileHash.ts'
import { beyondLimit, limitOf } from '../core/limits.ts'
import { unknownName } from '../core/names.ts'
import { isThere, listIfThere } from '../core/readable.ts'
import type { ReadRange } from './columns.ts'
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
  await checkSize(file, manifest.table)
  return new Table(manifest, rangesOf(file))
}

/** Compares the whole file with the manifest's hash. @throws as `openTable` */
export async function verifyTable(nameOrPath: string, options: OpenOptions = {}): Promise<Manifest> {
  const path = await manifestPath(nameOrPath, options)
  const { manifest } = await openTable(path)
  for (const entry of [manifest.table, manifest.curves]) {
    if (entry !== undefined) await checkHash(join(dirname(path), entry.file), entry)
  }
  return manifest
}

/** The manifest alone. @throws as `openTable` */
export async function openManifest(nameOrPath: string, options: OpenOptions = {}): Promise<Manifest> {
  return readManifest(await manifestPath(nameOrPath, options))
}

/** Names of all tables in the folders, in the order in which they are looked up. */
export async function listTables({ folders = tableFolders() }: OpenOptions = {}): Promise<string[]> {
  const names = folders.flatMap((folder) => {
    const files = (listIfThere(folder) ?? []).map((entry) => entry.name)
    return files.filter((file) => file.endsWith(MANIFEST)).map((file) => file.slice(0, -MANIFEST.length))
  })
  return [...new Set(names)]
}

/** Whether a table is meant by its path, and not by its name. */
export const isTablePath = (nameOrPath: string): boolean =>
  nameOrPath.endsWith('.arrow') || nameOrPath.endsWith(MANIFEST)

/** @throws BenchError `unknown-name` with the nearest table, or `missing` */
export async function manifestPath(nameOrPath: string, { folders = tableFolders() }: OpenOptions): Promise<string> {
  if (nameOrPath.endsWith(MANIFEST)) return nameOrPath
  if (nameOrPath.endsWith('.arrow')) return nameOrPath.replace(/(@2)?\.arrow$/, MANIFEST)
  if (nameOrPath.includes('/')) {
    throw new BenchError('bad-input', `"${nameOrPath}" is neither a table's name nor the path of an .arrow file`)
  }
  for (const folder of folders) {
    const path = join(folder, `${nameOrPath}${MANIFEST}`)
    if (isThere(path)) return path
  }
  throw unknownName('table', nameOrPath, await listTables({ folders }))
}

async function readManifest(path: string): Promise<Manifest> {
  const text = await readText(path).catch((cause) => {
    throw cause instanceof BenchError ? cause : unreadable(path, cause)
  })
  return parseManifest(text, path)
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > limitOf('directory-mib') * 2 ** 20)
    throw beyondLimit('directory-mib', `${path} is too long for a manifest`)
  return readFile(path, 'utf8')
}

function unreadable(path: string, cause: NodeJS.ErrnoException): BenchError {
  const found = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`
  return new BenchError('missing', `${path} ${found}; a table is an .arrow file with its .manifest.json`, { cause })
}

async function checkSize(path: string, { bytes }: FileEntry): Promise<void> {
  const { size } = await stat(path).catch((cause) => {
    throw unreadable(path, cause)
  })
  if (size === bytes) return
  throw new BenchError('corrupt', `${path} has ${size} bytes, its manifest says ${bytes}; import again`)
}

async function checkHash(path: string, entry: FileEntry): Promise<void> {
  await checkSize(path, entry)
  const sha256 = await fileHash(path)
  if (sha256 === entry.sha256) return
  throw new BenchError('corrupt', `${path} has SHA-256 ${sha256}, its manifest says ${entry.sha256}; import again`)
}

/** Parts of a file, which is not kept open between them. */
function rangesOf(path: string): ReadRange {
  return ([offset, length]) => {
    const bytes = new Uint8Array(length)
    const file = openSync(path, 'r')
    try {
      if (readSync(file, bytes, 0, length, offset) === length) return bytes
    } finally {
      closeSync(file)
    }
    throw new BenchError('corrupt', `${path} ends before ${offset + length} bytes; import the table again`)
  }
}
