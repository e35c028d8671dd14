/** Files under one root, be it a folder or an archive: what the readers of datasets look into. */
import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { BenchError } from '../../core/errors.ts'

export interface FileTree {
  /** As the user named it. */
  readonly root: string
  /** Relative to the root, with slashes, sorted. Hidden files are left out. */
  readonly paths: readonly string[]
  /** Relative paths of the folders, empty ones too. */
  readonly folders: readonly string[]
  read(path: string): Promise<Buffer>
  /** How to call a file in a message. */
  locate(path: string): string
  /** Changes when a file does: a hash of the archive, or of the folder's paths, sizes and times of change. */
  fingerprint(): Promise<string>
}

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
    read: (file) => readFile(path.join(folder, file)),
    locate: (file) => path.join(folder, file),
    fingerprint: () => folderFingerprint(folder, paths),
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
    read: (file) => tree.read(prefix + file),
    locate: (file) => tree.locate(prefix + file),
  }
}

/** Files, and folders with a slash at their end. */
async function walk(folder: string, prefix: string, depth: number): Promise<string[]> {
  const entries = await readdir(path.join(folder, prefix), { withFileTypes: true }).catch((cause) => {
    throw new BenchError('missing', `cannot read folder ${path.join(folder, prefix)}: ${cause.message}`, { cause })
  })
  const visible = entries.filter(({ name }) => !name.startsWith('.'))
  const lists = await Promise.all(
    visible.map(async (entry) => {
      const file = prefix + entry.name
      if (!(await isFolder(entry, path.join(folder, file)))) return [file]
      return [`${file}/`, ...(depth > 1 ? await walk(folder, `${file}/`, depth - 1) : [])]
    }),
  )
  return lists.flat()
}

async function isFolder(entry: Dirent, file: string): Promise<boolean> {
  return entry.isSymbolicLink() ? (await stat(file)).isDirectory() : entry.isDirectory()
}

async function folderFingerprint(folder: string, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of paths) {
    const { size, mtimeMs } = await stat(path.join(folder, file))
    hash.update(`${file}\n${size}\n${mtimeMs}\n`)
  }
  return hash.digest('hex')
}
