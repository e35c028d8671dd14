/** Files that are either the old ones or wholly the new ones, whenever the machine stops. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { BenchError } from './errors.ts'

/**
 * Writes to a temporary file beside the target, syncs it, and renames it over the target. Missing folders are made.
 *
 * @throws BenchError `failed` where the disk is full, `bad-input` where the place cannot be written to; the target is
 * then as it was
 */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  writeAllAtomically([{ path, content }])
}

/** Files that belong together: nothing is renamed before all of them are written and synced. */
export function writeAllAtomically(files: readonly { path: string; content: string | Uint8Array }[]): void {
  const temporary = (path: string) => `${path}.${process.pid}.tmp`
  try {
    for (const { path, content } of files) writeSynced(temporary(path), content)
    for (const { path } of files) renameSync(temporary(path), path)
  } catch (cause) {
    for (const { path } of files) removeIfThere(temporary(path))
    throw writeFailure(files.map(({ path }) => path).join(' and '), cause as NodeJS.ErrnoException)
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncFolder(folder)
}

/** A full disk is the machine's fault; a folder that cannot be written to is the one who named it's. */
export function writeFailure(path: string, cause: NodeJS.ErrnoException): BenchError {
  const machine = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE'].includes(cause.code ?? '')
  return new BenchError(machine ? 'failed' : 'bad-input', `cannot write ${path}: ${cause.message}`, { cause })
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Its folder is no folder: there is nothing to remove, and the first error is the one to report.
  }
}

function writeSynced(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'w')
  try {
    writeFileSync(file, content)
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
