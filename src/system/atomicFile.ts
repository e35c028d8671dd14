/** Writes that are whole or not there at all, whenever the disk is full or the machine stops. */
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

/** Of a file; in parts where it is too large to be copied together. */
type Content = string | Uint8Array | readonly Uint8Array[]

/**
 * Writes to a temporary file beside the target, syncs it, and renames it over the target. Missing folders are made.
 *
 * @throws BenchError `failed` where the disk is full, `bad-input` where the place cannot be written to; the target is
 * then as it was
 */
export function writeAtomically(path: string, content: Content): void {
  writeAllAtomically([{ path, content }])
}

/**
 * Files that belong together: nothing is renamed before all of them are written and synced; they are renamed in turn.
 * @param beforeRenaming removes what the new files take the place of
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
 * Exchanges a file's content as `writeAtomically` does, and keeps its owner and permissions.
 * @returns whether that can be done here; false where the folder takes no other file, or the owner cannot be kept
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
    // EBUSY: a single file that is mounted into a container.
    if (['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
  syncFolder(dirname(path))
  return true
}

/**
 * Appends to a file, which is made where there is none, and syncs it.
 * @throws BenchError as `writeAtomically`; the file then has the length that it had
 */
export function appendWhole(path: string, content: string): void {
  try {
    const file = openSync(path, 'a')
    try {
      appendTo(file, Buffer.from(content))
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

/** Writes all of the bytes at the file's position: one call of `writeSync` may take only a part of them. */
export function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const written = writeSome(file, bytes, done)
    if (written === 0) throw Object.assign(new Error('ENOSPC: nothing more is taken'), { code: 'ENOSPC' })
    done += written
  }
}

/** A pipe that another process made non-blocking is waited for. */
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
 * Makes a folder and those above it. (`mkdir` with `recursive` never returns where a parent exists and nothing can be made
 * in it, as in `/proc`.)
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

/** The machine's own limits and faults; everything else is the fault of who named the place. */
const MACHINE_FAULTS = ['EPIPE', 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']

/** A full disk is the machine's fault; a folder that cannot be written to is the one who named it's. */
export function writeFailure(path: string, cause: NodeJS.ErrnoException): BenchError {
  const isMachine = MACHINE_FAULTS.includes(cause.code ?? '')
  return new BenchError(isMachine ? 'failed' : 'bad-input', `cannot write ${path}: ${cause.message}`, { cause })
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Its folder is no folder: there is nothing to remove, and the first error is the one to report.
  }
}

function writeSynced(path: string, content: Content): void {
  makeFolder(dirname(path))
  const file = openSync(path, 'w')
  try {
    // Before the content, which may need the room that they take.
    removeAbandonedBeside(path)
    if (Array.isArray(content)) for (const part of content) writeFully(file, part)
    else writeFileSync(file, content as string | Uint8Array)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes the rename itself last; not every platform lets a folder be opened. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    fsyncSync(folder)
    closeSync(folder)
  } catch {
    // Windows refuses to open folders; the rename is then as durable as the file system makes it.
  }
}
