/** Reads tar archives, gzipped or not: into memory as a tree of files, or unpacked into a folder. */
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { Readable, Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { BenchError } from '../../core/errors.ts'
import { makeFolder, writeFailure } from '../../system/atomicFile.ts'
import { fileHash } from '../../system/checksums.ts'
import { DiskSpace } from '../../system/diskSpace.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { type FileTree, requireSize, withoutTopFolder } from './fileTree.ts'

export const isArchive = (file: string): boolean => /\.(tar|tar\.gz|tgz)$/.test(file)

/**
 * Most bytes of an archive that may pass without a file or folder in them. Long names take up to 4 MiB, and blocks of
 * zeros end the archive.
 */
const LONGEST_GAP = 8 * 2 ** 20
/**
 * Unpacked size, in bytes, up to which the limit `archive-ratio` (unpacked size / size of the archive) does not apply.
 */
const SMALL = 8 * 2 ** 20
/** Length of the longest path that file systems accept. */
const LONGEST_NAME = 4096

/**
 * Reads all files of an archive into memory. Hidden files are skipped.
 * @throws BenchError `bad-input` for links, for paths that lead outside the archive, and for contents beyond
 * `dataset-gib`; `corrupt` if the archive cannot be read to its end
 */
export async function openArchive(file: string): Promise<FileTree> {
  const contents = new Map<string, Buffer>()
  const folders = new Set<string>()
  const checkTotal = (bytes: number) => {
    if (bytes <= limitOf('dataset-gib') * 2 ** 30) return
    throw beyondLimit('dataset-gib', `${file} holds ${gibibytes(bytes)} or more`, 'unpack it and give the folder')
  }
  await eachEntry(file, checkTotal, async (name, isFolder, content) => {
    if (!isFolder && !isHidden(name)) contents.set(name, await bytesOf(content))
    for (const folder of foldersOf(isFolder ? `${name}/` : name)) folders.add(folder)
  })
  return withoutTopFolder({
    root: file,
    paths: [...contents.keys()].sort(),
    folders: [...folders],
    read: async (name, limit = 'dataset-gib') => {
      const bytes = contents.get(name) ?? Buffer.alloc(0)
      requireSize(`${file}:${name}`, bytes.length, limit)
      return bytes
    },
    locate: (name) => `${file}:${name}`,
    fingerprint: () => fileHash(file),
  })
}

/**
 * Unpacks all files of an archive into a folder.
 * @throws the errors of `openArchive`, with the limits `archive-gib` and `archive-ratio`; BenchError `failed` if the
 * disk is (nearly) full
 */
export async function unpackArchive(file: string, folder: string): Promise<void> {
  const { size } = await stat(file)
  const space = new DiskSpace(folder)
  const checkTotal = async (bytes: number) => {
    if (bytes > limitOf('archive-gib') * 2 ** 30) {
      throw beyondLimit('archive-gib', `${file} holds ${gibibytes(bytes)} or more`)
    }
    if (bytes > Math.max(SMALL, limitOf('archive-ratio') * size)) {
      throw beyondLimit('archive-ratio', `${file} holds more than ${Math.floor(bytes / size)} times its own size`)
    }
    await space.check(bytes)
  }
  await eachEntry(file, checkTotal, async (name, isFolder, content) => {
    const target = path.join(folder, name)
    try {
      makeFolder(isFolder ? target : path.dirname(target))
      // Read by iteration: only so is it noticed that the archive ended within the file.
      if (!isFolder) await pipeline(Readable.from(content), createWriteStream(target))
    } catch (cause) {
      throw isOfWriting(cause) ? writeFailure(target, cause) : cause
    }
  })
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/**
 * Returns whether an error arose when the files were written, not when the archive was read: a full disk must not be
 * reported as a damaged archive.
 */
const isOfWriting = (cause: unknown): cause is NodeJS.ErrnoException =>
  ['open', 'write', 'fsync', 'close', 'mkdir'].includes((cause as NodeJS.ErrnoException).syscall ?? '')

/**
 * Calls `visit` with each file and folder of an archive in turn. The content of a file that `visit` does not read is
 * skipped.
 * @param checkTotal called before each entry with the total of unpacked bytes including this entry; throws if there are
 * too many
 */
async function eachEntry(
  file: string,
  checkTotal: (bytes: number) => void | Promise<void>,
  visit: (name: string, isFolder: boolean, content: Readable) => Promise<void>,
): Promise<void> {
  const unpack = extract()
  let [end, entries] = [0, 0]
  const watched = new PassThroughCounter((bytes) =>
    bytes > end + LONGEST_GAP
      ? new BenchError(
          'corrupt',
          `${file} has ${LONGEST_GAP / 2 ** 20} MiB without a file in them; it is not a complete archive`,
        )
      : undefined,
  )
  const bytes = createReadStream(file)
  const unpacked = file.endsWith('.tar')
    ? pipeline(bytes, watched, unpack)
    : pipeline(bytes, createGunzip(), watched, unpack)
  unpacked.catch(() => undefined)
  try {
    for await (const entry of unpack) {
      const { name, type, size = 0, byteOffset } = entry.header as Header & { readonly byteOffset: number }
      const isFolder = type === 'directory'
      end = byteOffset + (isFolder ? 0 : Math.ceil(size / BLOCK) * BLOCK)
      entries++
      if (entries > limitOf('archive-files')) throw beyondLimit('archive-files', `${file} has ${entries} files or more`)
      await checkTotal(end)
      await visit(checkedName(name, type, file), isFolder, entry as unknown as Readable)
      entry.resume()
    }
    await unpacked
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    const { message } = cause as Error
    const reason = message === 'Stream was destroyed' ? 'it ends within a file' : message
    throw new BenchError('corrupt', `${file} is not a whole tar archive: ${reason}`, { cause })
  }
}

const BLOCK = 512

/** A stream that passes bytes on until `problem`, called with the number of bytes so far, returns an error. */
class PassThroughCounter extends Transform {
  readonly #problem: (bytes: number) => Error | undefined
  #bytes = 0

  constructor(problem: (bytes: number) => Error | undefined) {
    super()
    this.#problem = problem
  }

  override _transform(chunk: Buffer, _: string, done: TransformCallback): void {
    this.#bytes += chunk.length
    const error = this.#problem(this.#bytes)
    if (error === undefined) done(null, chunk)
    else done(error)
  }
}

/**
 * Returns the normalised path of a file or folder in an archive.
 * @throws BenchError `bad-input` if the path leads outside the archive or is a link
 */
function checkedName(name: string, type: string | null | undefined, file: string): string {
  if (name.length > LONGEST_NAME) {
    throw new BenchError('bad-input', `${file}: the name of an entry has ${name.length} characters; refused`)
  }
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

/** Returns the paths of all folders that contain a path: `train/cat/1.jpg` → `train`, `train/cat`. */
function foldersOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/')).filter((folder) => !isHidden(folder))
}
