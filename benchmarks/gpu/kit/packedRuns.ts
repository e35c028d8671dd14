/** Packs the searches of a visit into a tar file that may leave the machine, and unpacks it on the next visit. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError } from '../../../src/core/errors.ts'

/** Largest size of a packed file, below the 16 MiB that may leave the machine. */
export const MOST_BYTES = 15.5 * 2 ** 20
/** Bytes that a file takes in a tar archive besides its contents. */
const TAR_OVERHEAD = 1536
const CHECKPOINT = 'checkpoint'

/**
 * Chooses the files of a store to pack: the records of all runs, and checkpoints, smallest first, as far as they fit.
 * Locks stay: on another machine nobody holds them.
 */
export function filesToPack(files: readonly { readonly path: string; readonly bytes: number }[], most = MOST_BYTES) {
  const isCheckpoint = ({ path }: { path: string }) => path.split('/').at(-1) === CHECKPOINT
  const records = files.filter((file) => !isCheckpoint(file) && !/(^|\/)lock$/.test(file.path))
  const checkpoints = files.filter(isCheckpoint).toSorted((a, b) => a.bytes - b.bytes)
  let left = most
  return [...records, ...checkpoints].filter(({ bytes }) => {
    const isFitting = bytes + TAR_OVERHEAD <= left
    if (isFitting) left -= bytes + TAR_OVERHEAD
    return isFitting
  })
}

/** Writes the runs of a store to a tar file, as far as they fit. */
export function packRuns(store: string, target: string): void {
  if (!existsSync(store)) return
  const files = readdirSync(store, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((path) => ({ path: path.slice(store.length + 1), bytes: statSync(path).size }))
  const { status, stderr } = spawnSync('tar', ['-cf', target, '-C', store, '-T', '-'], {
    input: filesToPack(files)
      .map(({ path }) => `${path}\n`)
      .join(''),
    encoding: 'utf8',
  })
  if (status !== 0) throw new BenchError('failed', `cannot write ${target}: ${stderr.trim()}`)
}

/** Unpacks the runs of an earlier visit into a store. Runs that are there stay as they are. */
export function unpackRuns(file: string, store: string): void {
  mkdirSync(store, { recursive: true })
  const { status, stderr } = spawnSync('tar', ['-xf', file, '-C', store, '--skip-old-files'], { encoding: 'utf8' })
  if (status !== 0) throw new BenchError('corrupt', `cannot unpack ${file}: ${stderr.trim().split('\n')[0]}`)
}
