/** A tar archive, gzipped or not, as a tree of files in memory. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { BenchError } from '../core/errors.ts'
import { type FileTree, rooted } from './fileTree.ts'

export const isArchive = (file: string): boolean => /\.(tar|tar\.gz|tgz)$/.test(file)

/** More than this is not held in memory, whatever the archive says or expands to. */
const MOST_BYTES = 2 ** 31

/**
 * Reads a whole archive. Folders and hidden files are skipped.
 * @throws BenchError `bad-input` for entries that lead outside, links, and contents beyond 2 GiB; `corrupt` where it
 * cannot be read to its end
 */
export async function openArchive(file: string, mostBytes = MOST_BYTES): Promise<FileTree> {
  const contents = new Map<string, Buffer>()
  const folders = new Set<string>()
  const unpack = extract()
  const compressed = createReadStream(file)
  const unpacked = isGzip(file) ? pipeline(compressed, createGunzip(), unpack) : pipeline(compressed, unpack)
  unpacked.catch(() => undefined)
  let left = mostBytes
  try {
    for await (const entry of unpack) {
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) {
        left -= chunk.length
        if (left < 0) throw tooLarge(file, mostBytes)
        chunks.push(chunk)
      }
      const name = checkedName(entry.header, file)
      if (entry.header.type === 'file' && !isHidden(name)) contents.set(name, Buffer.concat(chunks))
      for (const folder of foldersOf(entry.header.type === 'directory' ? `${name}/` : name)) folders.add(folder)
    }
    await unpacked
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    throw new BenchError('corrupt', `${file} is not a whole tar archive: ${(cause as Error).message}`, { cause })
  }
  return rooted({
    root: file,
    paths: [...contents.keys()].sort(),
    folders: [...folders],
    read: async (name) => contents.get(name) ?? Buffer.alloc(0),
    locate: (name) => `${file}:${name}`,
    fingerprint: () => archiveFingerprint(file),
  })
}

/** SHA-256 of the archive's bytes, hexadecimal. */
export async function archiveFingerprint(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

const isGzip = (file: string): boolean => !file.endsWith('.tar')

/** The entry's path, if it stays inside. */
function checkedName({ name, type }: Header, file: string): string {
  const clean = path.posix.normalize(name.replaceAll('\\', '/')).replace(/\/$/, '')
  if (clean.startsWith('../') || clean === '..' || path.posix.isAbsolute(clean)) {
    throw new BenchError('bad-input', `${file}: entry "${name}" leads outside the archive; refused`)
  }
  if (type === 'symlink' || type === 'link') {
    throw new BenchError('bad-input', `${file}: entry "${name}" is a link; expected files only`)
  }
  return clean
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
