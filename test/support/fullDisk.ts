/**
 * Disks that are full for real: a small file system in memory, or a limit on the size of files that the kernel
 * enforces.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** What goes before a command so that the kernel cuts its files off at this size (EFBIG). */
export const withFileLimit = (bytes: number): readonly string[] => ['prlimit', `--fsize=${bytes}`]

export const canLimitFiles = spawnSync('prlimit', ['--fsize=1000000', 'true']).status === 0

/** Only root may mount. */
export const canMount = process.getuid?.() === 0 && process.platform === 'linux'

/** A file system of its own, to be removed by `remove`. */
export function smallDisk(parent: string, bytes: number): { readonly folder: string; remove(): void } {
  const folder = join(parent, 'small-disk')
  mkdirSync(folder, { recursive: true })
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  if (status !== 0) throw new Error(`no small disk: ${stderr}`)
  return { folder, remove: () => void spawnSync('umount', ['--lazy', folder]) }
}
