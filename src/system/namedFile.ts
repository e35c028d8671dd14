/**
 * Writes to a path that a user named: follows symbolic links, writes into pipes and devices, and replaces a regular
 * file atomically if possible, with its permissions kept.
 */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { replaceAtomically, writeAtomically, writeFailure, writeFully } from './atomicFile.ts'
import { temporaryPath } from './temporaryFile.ts'

/**
 * Writes the content to the path and creates missing folders.
 * @throws BenchError `failed` if the disk is full or a pipe has no reader, `bad-input` if the path cannot be written
 */
export function writeNamedFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  try {
    refuseFolder(path)
    writeTo(resolve(path), bytes)
  } catch (error) {
    throw error instanceof BenchError ? error : writeFailure(path, error as NodeJS.ErrnoException)
  }
}

/**
 * Throws the error that `writeNamedFile` would throw for this path, so that a command can fail before its work instead
 * of after it. Leaves no file at `path`.
 * @throws BenchError `bad-input` if `path` is a folder or nothing can be written there
 */
export function checkNamedFile(path: string): void {
  try {
    refuseFolder(path)
    const { place, descriptor } = targetOf(resolve(path))
    if (descriptor !== undefined) return
    const found = statSync(place, { throwIfNoEntry: false })
    if (found?.isFile()) closeSync(openSync(place, constants.O_WRONLY))
    else if (found === undefined) tryWriting(place)
  } catch (error) {
    throw error instanceof BenchError ? error : writeFailure(path, error as NodeJS.ErrnoException)
  }
}

/**
 * Checks that a file can be created: writes an empty file into the nearest existing folder above `path`, and removes
 * it.
 */
function tryWriting(path: string): void {
  let folder = dirname(path)
  while (statSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder)
  const file = temporaryPath(join(folder, '.bench'))
  closeSync(openSync(file, 'wx'))
  rmSync(file)
}

function refuseFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() || (found === undefined && path.endsWith('/'))) {
    throw new BenchError('bad-input', `${path} is a folder; name a file in it`)
  }
}

function writeTo(path: string, bytes: Uint8Array): void {
  const found = statSync(path, { throwIfNoEntry: false })
  const { place, descriptor } = targetOf(path)
  if (descriptor !== undefined) writeFully(descriptor, bytes)
  else if (found === undefined) writeAtomically(place, bytes)
  else if (found.isFile()) exchange(place, bytes, found)
  else writeInto(place, bytes)
}

/** Largest number of symbolic links that are followed one after the other, as in Linux. */
const MOST_LINKS = 40

/**
 * Follows the symbolic links of a path. Returns the final path or, if the path stands for an open file of this process
 * as `/dev/stdout` does, also its file descriptor.
 */
function targetOf(path: string): { readonly place: string; readonly descriptor?: number } {
  let place = path
  for (let links = 0; links <= MOST_LINKS; links++) {
    const folder = realFolder(dirname(place))
    if (folder === realFolder('/proc/self/fd')) return { place, descriptor: Number(basename(place)) }
    // The link of another process's descriptor may have no path.
    if (folder.startsWith('/proc/')) return { place }
    place = join(folder, basename(place))
    if (!isLink(place)) return { place }
    place = resolve(folder, readlinkSync(place))
  }
  throw new BenchError('bad-input', `${path} leads through more than ${MOST_LINKS} links`)
}

function realFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false

/**
 * Replaces the content of a regular file: atomically by renaming, or in place if the file has several hard links or
 * another owner.
 */
function exchange(path: string, bytes: Uint8Array, found: Stats): void {
  // Fails without permission to write to the file: renaming alone would not check it.
  closeSync(openSync(path, constants.O_WRONLY))
  if (found.nlink > 1 || !replaceAtomically(path, bytes, found)) writeInto(path, bytes, constants.O_TRUNC)
}

/** Writes bytes into an existing file in place, which is not atomic. */
function writeInto(path: string, bytes: Uint8Array, flags = 0): void {
  const file = openSync(path, constants.O_WRONLY | flags)
  try {
    writeFully(file, bytes)
  } finally {
    closeSync(file)
  }
}
