/** Files under one root, be it a folder or an archive: what the readers of datasets look into. */
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
  /** As the user named it. */
  readonly root: string
  /** Relative to the root, with slashes, sorted. Hidden files are left out, and whatever is no file: pipes and devices. */
  readonly paths: readonly string[]
  /** Relative paths of the folders, empty ones too. */
  readonly folders: readonly string[]
  /**
   * The content of a file.
   * @param limit bounds its size; absent: `dataset-gib`
   * @throws BenchError `missing` where it cannot be read, `bad-input` beyond the limit
   */
  read(path: string, limit?: SizeLimit): Promise<Buffer>
  /** How to call a file in a message. */
  locate(path: string): string
  /** Changes when a file does: a hash of the archive, or `fingerprintOf` the folder's files. */
  fingerprint(): Promise<string>
}

export type SizeLimit = Extract<LimitName, 'dataset-gib' | 'image-mib'>

/** Folders are looked into this deep: split / class / file, under one folder more for unpacked archives. */
const DEPTH = 4

/** The files of a folder. @throws BenchError `missing` */
export async function openFolder(folder: string): Promise<FileTree> {
  const found = await walk(folder, '', DEPTH)
  const paths = found.filter((file) => !file.endsWith('/')).sort()
  return rooted({
    root: folder,
    paths,
    folders: found.filter((file) => file.endsWith('/')).map((file) => file.slice(0, -1)),
    read: (file, limit) => readBounded(path.join(folder, file), limit),
    locate: (file) => path.join(folder, file),
    fingerprint: () => fingerprintOf(folder, paths),
  })
}

/**
 * The tree seen from its one top folder, where all files lie under one, as in unpacked archives; a lone `train/` is part of
 * a dataset's own layout.
 */
export function rooted(tree: FileTree): FileTree {
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

/** The bytes of a file. @throws BenchError `missing`, or `bad-input` where they are more than the limit */
export async function readBounded(file: string, limit: SizeLimit = 'dataset-gib'): Promise<Buffer> {
  try {
    requireSize(file, (await stat(file)).size, limit)
    return await readFile(file)
  } catch (cause) {
    throw cause instanceof BenchError ? cause : unreadable(file, cause)
  }
}

/** @throws BenchError `bad-input` for a file that is larger than the limit */
export function requireSize(file: string, bytes: number, limit: SizeLimit): void {
  const unit = limit === 'image-mib' ? 2 ** 20 : 2 ** 30
  if (bytes <= limitOf(limit) * unit) return
  throw beyondLimit(limit, `${file} has ${(bytes / unit).toFixed(1)} ${limit === 'image-mib' ? 'MiB' : 'GiB'}`)
}

/** Files, and folders with a slash at their end. */
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

/** A link is what it leads to; one that leads nowhere is a file that cannot be read. */
async function kindOf(entry: Dirent, file: string): Promise<'file' | 'folder' | 'other'> {
  const found = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry
  if (found === undefined || found.isFile()) return 'file'
  return found.isDirectory() ? 'folder' : 'other'
}

/** In which a second change of a file may have the time of the first: the tick of a file system's clock, generously. */
const TICK_MS = 3000
const AT_ONCE = 32

/**
 * Changes when one of the files does, or its place: a hash of their paths, sizes, inodes, and times of change, of the
 * content as well as of the inode, which no program can set. The bytes of files that changed just now count, too.
 * @param paths relative to the folder
 */
export async function fingerprintOf(folder: string, paths: readonly string[]): Promise<string> {
  const limit = pLimit(AT_ONCE)
  const marks = await Promise.all(paths.map((file) => limit(markOf, path.join(folder, file))))
  return hashOfLines(paths.map((file, i) => `${file}\n${marks[i]}`))
}

async function markOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  if (found === undefined) return 'missing'
  const { size, ino, mtimeNs, ctimeNs, ctimeMs } = found
  const mark = [size, ino, mtimeNs, ctimeNs].join(' ')
  return Number(ctimeMs) < Date.now() - TICK_MS ? mark : `${mark} ${await fileHash(file)}`
}

/** SHA-256 of lines, hexadecimal. */
export function hashOfLines(lines: Iterable<string>): string {
  const hash = createHash('sha256')
  for (const line of lines) hash.update(`${line}\n`)
  return hash.digest('hex')
}
