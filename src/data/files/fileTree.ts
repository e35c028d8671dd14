/** The files in a folder or archive, in the form in which the readers of datasets see them. */
import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../system/checksums.ts'
import { beyondLimit, type LimitName, limitOf } from '../../system/limits.ts'
import { isAbsence, unreadable } from '../../system/readable.ts'

export interface FileTree {
  /** Path of the folder or archive, as the user gave it. */
  readonly root: string
  /**
   * Paths of all files in the folder or archive: sorted, relative to the root, with slashes. Hidden files, pipes and
   * devices are left out.
   */
  readonly paths: readonly string[]
  /** Paths of all folders, including empty ones, relative to the root. */
  readonly folders: readonly string[]
  /**
   * Reads a file of the folder or archive.
   * @param limit name of the limit on the file's size; absent: `dataset-gib`
   * @throws BenchError `missing` if the file cannot be read, `bad-input` if it exceeds the limit
   */
  read(path: string, limit?: SizeLimit): Promise<Buffer>
  /** Returns the path of a file as the user would write it, for messages. */
  locate(path: string): string
  /**
   * Returns a hash that changes when a file changes or an empty folder is added: the hash of the archive, or
   * `fingerprintOf` the folder's files.
   */
  fingerprint(): Promise<string>
}

export type SizeLimit = Extract<LimitName, 'dataset-gib' | 'image-mib'>

/**
 * Depth to which folders are searched for files: split / class / file, under one more folder as in unpacked archives.
 */
const DEPTH = 4

/** Lists the files of a folder and of its subfolders. @throws BenchError `missing` */
export async function openFolder(folder: string): Promise<FileTree> {
  const found = (await walk(folder, '', DEPTH)).sort()
  const paths = found.filter((file) => !file.endsWith('/'))
  // What is in a folder follows it in the sorted list.
  const emptyFolders = found.filter((name, i) => name.endsWith('/') && !found[i + 1]?.startsWith(name))
  return withoutTopFolder({
    root: folder,
    paths,
    folders: found.filter((file) => file.endsWith('/')).map((file) => file.slice(0, -1)),
    read: (file, limit) => readBounded(path.join(folder, file), limit),
    locate: (file) => path.join(folder, file),
    fingerprint: () => fingerprintOf(folder, paths, emptyFolders),
  })
}

/**
 * If all files are in a single top folder, as in unpacked archives, returns the tree with that folder as the root; else
 * the tree itself. A single folder `train/` stays, since it is part of a dataset's layout.
 */
export function withoutTopFolder(tree: FileTree): FileTree {
  if (tree.paths.length === 0) return tree
  const [top] = tree.paths[0].split('/')
  const prefix = `${top}/`
  if (top === 'train' || !tree.paths.every((file) => file.startsWith(prefix))) return tree
  return {
    ...tree,
    paths: tree.paths.map((file) => file.slice(prefix.length)),
    folders: tree.folders.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    read: (file, limit) => tree.read(prefix + file, limit),
    locate: (file) => tree.locate(prefix + file),
  }
}

/**
 * Reads a file, unless it is too large.
 * @throws BenchError `missing` if the file cannot be read, `bad-input` if it exceeds the size limit
 */
export async function readBounded(file: string, limit: SizeLimit = 'dataset-gib'): Promise<Buffer> {
  try {
    requireSize(file, (await stat(file)).size, limit)
    return await readFile(file)
  } catch (cause) {
    throw cause instanceof BenchError ? cause : unreadable(file, cause)
  }
}

/** Checks a file's size against a limit. @throws BenchError `bad-input` */
export function requireSize(file: string, bytes: number, limit: SizeLimit): void {
  const unit = limit === 'image-mib' ? 2 ** 20 : 2 ** 30
  if (bytes <= limitOf(limit) * unit) return
  throw beyondLimit(limit, `${file} has ${(bytes / unit).toFixed(1)} ${limit === 'image-mib' ? 'MiB' : 'GiB'}`)
}

/** Lists files and folders under a folder, recursively. The paths of folders end with a slash. */
async function walk(folder: string, prefix: string, depth: number): Promise<string[]> {
  const entries = await readdir(path.join(folder, prefix), { withFileTypes: true }).catch((cause) => {
    throw isAbsence(cause)
      ? new BenchError('missing', `there is no folder ${path.join(folder, prefix)}`, { cause })
      : unreadable(path.join(folder, prefix), cause)
  })
  const visible = entries.filter(({ name }) => !name.startsWith('.'))
  const lists = await Promise.all(
    visible.map(async (entry) => {
      const file = prefix + entry.name
      const kind = await kindOf(entry, path.join(folder, file))
      if (kind === 'file') return [file]
      if (kind === 'other') return []
      return [`${file}/`, ...(depth > 1 ? await walk(folder, `${file}/`, depth - 1) : [])]
    }),
  )
  return lists.flat()
}

/** Returns the kind of a directory entry. A link has the kind of its target; a broken link counts as a file. */
async function kindOf(entry: Dirent, file: string): Promise<'file' | 'folder' | 'other'> {
  const found = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry
  if (found === undefined || found.isFile()) return 'file'
  return found.isDirectory() ? 'folder' : 'other'
}

/**
 * Time in milliseconds within which two changes of a file may have the same time stamp: the resolution of file systems'
 * clocks, with a margin.
 */
const TICK_MS = 3000
const AT_ONCE = 32

/**
 * Returns a hash that changes when one of the files changes or moves, or when an empty folder is added or removed. It
 * covers the files' paths, sizes and inodes, and the times at which content and inode changed last; programs cannot set
 * the latter. For files that changed within the last seconds, it also covers the bytes.
 * @param paths paths of the files, relative to the folder
 * @param emptyFolders paths of the folders without files, which end with a slash
 */
export async function fingerprintOf(
  folder: string,
  paths: readonly string[],
  emptyFolders: readonly string[] = [],
): Promise<string> {
  const limit = pLimit(AT_ONCE)
  const stamps = await Promise.all(paths.map((file) => limit(stampOf, path.join(folder, file))))
  return hashOfLines([...paths.map((file, i) => `${file}\n${stamps[i]}`), ...emptyFolders])
}

async function stampOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  if (found === undefined) return 'missing'
  const { size, ino, mtimeNs, ctimeNs, ctimeMs } = found
  const stamp = [size, ino, mtimeNs, ctimeNs].join(' ')
  return Number(ctimeMs) < Date.now() - TICK_MS ? stamp : `${stamp} ${await fileHash(file)}`
}

/** Returns the SHA-256 of a text of lines, each ended by a newline, in hexadecimal. */
export function hashOfLines(lines: Iterable<string>): string {
  const hash = createHash('sha256')
  for (const line of lines) hash.update(`${line}\n`)
  return hash.digest('hex')
}
