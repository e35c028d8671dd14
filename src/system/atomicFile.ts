/** Writes files completely or not at all, even if the disk is full or the process is killed. */
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { removeAbandonedBeside, temporaryPath } from './temporaryFile.ts'

/**
 * Content to write to a file: one text or byte array, or several parts that are written one after the other, so that
 * large content need not be copied into one buffer.
 */
type Content = string | Uint8Array | readonly Uint8Array[]

/**
 * Writes a file atomically: writes a temporary file beside the target, syncs it, and renames it to the target. Creates
 * missing folders.
 *
 * @throws BenchError `failed` if the disk is full, `bad-input` if the path cannot be written; the target is then
 * unchanged
 */
export function writeAtomically(path: string, content: Content): void {
  writeAllAtomically([{ path, content }])
}

/**
 * Writes several files that belong together: writes and syncs all temporary files before it renames the first to its
 * target.
 * @param beforeRenaming called between writing and renaming, to remove the files that the new ones replace
 */
export function writeAllAtomically(
  files: readonly { path: string; content: Content }[],
  beforeRenaming: () => void = () => {},
): void {
  try {
    for (const { path, content } of files) writeSynced(temporaryPath(path), content)
    beforeRenaming()
    for (const { path } of files) renameSync(temporaryPath(path), path)
  } catch (cause) {
    for (const { path } of files) removeIfThere(temporaryPath(path))
    throw writeFailure(files.map(({ path }) => path).join(' and '), cause as NodeJS.ErrnoException)
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncFolder(folder)
}

/**
 * Replaces a file's content atomically and keeps its owner and permissions.
 * @returns false if the folder is not writable or the owner cannot be kept; the file is then unchanged
 */
export function replaceAtomically(path: string, content: Uint8Array, { mode, uid, gid }: Stats): boolean {
  const temporary = temporaryPath(path)
  try {
    writeSynced(temporary, content)
    const written = statSync(temporary)
    if (written.uid !== uid || written.gid !== gid) chownSync(temporary, uid, gid)
    chmodSync(temporary, mode & 0o7777)
    renameSync(temporary, path)
  } catch (error) {
    removeIfThere(temporary)
    // EBUSY: the file is mounted into a container by itself.
    if (['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
  syncFolder(dirname(path))
  return true
}

/**
 * Appends a text or bytes to a file, which is created if missing, and syncs it.
 * @throws the errors of `writeAtomically`; the file then has its former length
 */
export function appendWhole(path: string, content: string | Uint8Array): void {
  try {
    const file = openSync(path, 'a')
    try {
      appendTo(file, typeof content === 'string' ? Buffer.from(content) : content)
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    throw writeFailure(path, cause as NodeJS.ErrnoException)
  }
}

function appendTo(file: number, bytes: Uint8Array): void {
  const { size } = fstatSync(file)
  try {
    writeFully(file, bytes)
    fsyncSync(file)
  } catch (error) {
    ftruncateSync(file, size)
    throw error
  }
}

/** Writes all bytes at the current position of an open file, in as many calls of `writeSync` as it takes. */
export function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const written = writeSome(file, bytes, done)
    if (written === 0) throw Object.assign(new Error('ENOSPC: nothing more is taken'), { code: 'ENOSPC' })
    done += written
  }
}

/**
 * Writes some of the bytes in one call of `writeSync`, and waits while a non-blocking pipe is full. Returns the number
 * of bytes written.
 */
function writeSome(file: number, bytes: Uint8Array, from: number): number {
  for (;;) {
    try {
      return writeSync(file, bytes, from)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

/**
 * Creates a folder and its missing parents. (`mkdir` with `recursive` does not return in folders such as `/proc`, where
 * nothing can be created.)
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (isFolder(path)) return
    const above = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path || isFolder(above)) throw error
    makeFolder(above)
    makeFolder(path)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/**
 * Error codes of failed writes that are faults or limits of the machine; all other codes mean that the user named an
 * unsuitable path.
 */
const MACHINE_FAULTS = ['EPIPE', 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']

/** Returns the error for a failed write: `failed` for a fault of the machine, such as a full disk, else `bad-input`. */
export function writeFailure(path: string, cause: NodeJS.ErrnoException): BenchError {
  const isMachine = MACHINE_FAULTS.includes(cause.code ?? '')
  return new BenchError(isMachine ? 'failed' : 'bad-input', `cannot write ${path}: ${cause.message}`, { cause })
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Nothing can be removed, for example since the parent is a file; the first error is the one to report.
  }
}

function writeSynced(path: string, content: Content): void {
  makeFolder(dirname(path))
  const file = openSync(path, 'w')
  try {
    // Frees disk space that the content may need.
    removeAbandonedBeside(path)
    if (Array.isArray(content)) for (const part of content) writeFully(file, part)
    else writeFileSync(file, content as string | Uint8Array)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Syncs a folder, so that a file renamed in it keeps its new name after a crash of the machine. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    fsyncSync(folder)
    closeSync(folder)
  } catch {
    // Windows refuses to open folders; the rename is then as durable as the file system makes it.
  }
}
