/** Tar archives, gzipped or not: as a tree of files in memory, or unpacked to a folder. */
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { makeFolder, writeFailure } from '../../core/atomicFile.ts'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../core/fileHash.ts'
import { type FileTree, rooted } from './fileTree.ts'

export const isArchive = (file: string): boolean => /\.(tar|tar\.gz|tgz)$/.test(file)

/** More than this is not held in memory, whatever the archive says or expands to. */
const MOST_BYTES = 2 ** 31
/** How many times its own size an archive may take on disk. Images and their pixels stay far below. */
const MOST_EXPANSION = 100

/**
 * Reads a whole archive. Hidden files are skipped.
 * @throws BenchError `bad-input` for entries that lead outside, links, and contents beyond 2 GiB; `corrupt` where it
 * cannot be read to its end
 */
export async function openArchive(file: string, mostBytes = MOST_BYTES): Promise<FileTree> {
  const contents = new Map<string, Buffer>()
  const folders = new Set<string>()
  await eachEntry(file, mostBytes, async (name, isFolder, content) => {
    if (!isFolder && !isHidden(name)) contents.set(name, await bytesOf(content))
    for (const folder of foldersOf(isFolder ? `${name}/` : name)) folders.add(folder)
  })
  return rooted({
    root: file,
    paths: [...contents.keys()].sort(),
    folders: [...folders],
    read: async (name) => contents.get(name) ?? Buffer.alloc(0),
    locate: (name) => `${file}:${name}`,
    fingerprint: () => fileHash(file),
  })
}

/**
 * Writes all files of an archive into a folder.
 * @throws BenchError as `openArchive`; contents may take a hundred times the archive's size
 */
export async function unpackArchive(file: string, folder: string): Promise<void> {
  const { size } = await stat(file)
  await eachEntry(file, MOST_EXPANSION * size, async (name, isFolder, content) => {
    const target = path.join(folder, name)
    try {
      makeFolder(isFolder ? target : path.dirname(target))
      if (!isFolder) await pipeline(content, createWriteStream(target))
    } catch (cause) {
      throw isOfWriting(cause) ? writeFailure(target, cause) : cause
    }
  })
}

/** Not of reading the archive: a full disk does not make it a damaged one. */
const isOfWriting = (cause: unknown): cause is NodeJS.ErrnoException =>
  ['open', 'write', 'fsync', 'close', 'mkdir'].includes((cause as NodeJS.ErrnoException).syscall ?? '')

/** Calls `visit` with each file and folder in turn; what it does not read of the content is skipped. */
async function eachEntry(
  file: string,
  mostBytes: number,
  visit: (name: string, isFolder: boolean, content: Readable) => Promise<void>,
): Promise<void> {
  const unpack = extract()
  const bytes = createReadStream(file)
  const unpacked = file.endsWith('.tar') ? pipeline(bytes, unpack) : pipeline(bytes, createGunzip(), unpack)
  unpacked.catch(() => undefined)
  let left = mostBytes
  try {
    for await (const entry of unpack) {
      const { name, type, size = 0 } = entry.header
      left -= size
      if (left < 0) throw tooLarge(file, mostBytes)
      await visit(checkedName(name, type, file), type === 'directory', entry as unknown as Readable)
      entry.resume()
    }
    await unpacked
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    throw new BenchError('corrupt', `${file} is not a whole tar archive: ${(cause as Error).message}`, { cause })
  }
}

/** The entry's path, if it stays inside. */
function checkedName(name: string, type: string | null | undefined, file: string): string {
  const clean = path.posix.normalize(name.replaceAll('\\', '/')).replace(/\/$/, '')
  if (clean.startsWith('../') || clean === '..' || path.posix.isAbsolute(clean) || /^[a-z]:/i.test(clean)) {
    throw new BenchError('bad-input', `${file}: entry "${name}" leads outside the archive; refused`)
  }
  if (type !== 'file' && type !== 'directory' && type !== 'contiguous-file') {
    throw new BenchError('bad-input', `${file}: entry "${name}" is a ${type}; expected files and folders only`)
  }
  return clean
}

async function bytesOf(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function isHidden(name: string): boolean {
  return name.split('/').some((part) => part.startsWith('.'))
}

/** All folders above a path: `train/cat/1.jpg` → `train`, `train/cat`. */
function foldersOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/')).filter((folder) => !isHidden(folder))
}

function tooLarge(file: string, mostBytes: number): BenchError {
  const gibibytes = (mostBytes / 2 ** 30).toFixed(1)
  return new BenchError('bad-input', `${file} holds more than ${gibibytes} GiB; unpack it and give the folder instead`)
}
