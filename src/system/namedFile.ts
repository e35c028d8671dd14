/**
 * Writing to a file that a user named. What stands there keeps its type, its target and its permissions: a symbolic
 * link is
 * followed, and a pipe or a device is written into. Regular files are exchanged as a whole where that is possible.
 */
import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { replaceAtomically, writeAtomically, writeFailure, writeFully } from './atomicFile.ts'

/**
 * Writes the content to `path`; missing folders are made.
 * @throws BenchError `failed` where the disk is full or nobody reads the pipe, `bad-input` where nothing can be written
 */
export function writeNamedFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  try {
    writeTo(resolve(path), bytes, path.endsWith('/'))
  } catch (error) {
    throw error instanceof BenchError ? error : writeFailure(path, error as NodeJS.ErrnoException)
  }
}

function writeTo(path: string, bytes: Uint8Array, isFolder: boolean): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() || (found === undefined && isFolder)) {
    throw new BenchError('bad-input', `${path} is a folder; name a file in it`)
  }
  const { place, descriptor } = targetOf(path)
  if (descriptor !== undefined) writeFully(descriptor, bytes)
  else if (found === undefined) writeAtomically(place, bytes)
  else if (found.isFile()) exchange(place, bytes, found)
  else writeInto(place, bytes)
}

/** As many links as Linux follows. */
const MOST_LINKS = 40

/** Where a path leads to, links followed; a descriptor of this process where it is one, as `/dev/stdout` is. */
function targetOf(path: string): { readonly place: string; readonly descriptor?: number } {
  let place = path
  for (let links = 0; links <= MOST_LINKS; links++) {
    const folder = realFolder(dirname(place))
    if (folder === realFolder('/proc/self/fd')) return { place, descriptor: Number(basename(place)) }
    // A descriptor of another process: its link has no target that could be named.
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

/** As a whole by renaming, unless that would change more than the content. */
function exchange(path: string, bytes: Uint8Array, found: Stats): void {
  // Whoever may not write to the file may not exchange it, either.
  closeSync(openSync(path, constants.O_WRONLY))
  if (found.nlink > 1 || !replaceAtomically(path, bytes, found)) writeInto(path, bytes, constants.O_TRUNC)
}

/** Not atomic: there is but the one file, pipe or device. */
function writeInto(path: string, bytes: Uint8Array, flags = 0): void {
  const file = openSync(path, constants.O_WRONLY | flags)
  try {
    writeFully(file, bytes)
  } finally {
    closeSync(file)
  }
}
