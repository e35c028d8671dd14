/**
 * Disks that are full for real: a small file system in memory, or a limit on the size of files that the kernel
 * enforces.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What goes before a command so that the kernel cuts its files off at this size (EFBIG). */
export const withFileLimit = (bytes: number): readonly string[] => ['prlimit', `--fsize=${bytes}`]

export const canLimitFiles = spawnSync('prlimit', ['--fsize=1000000', 'true']).status === 0

/** Whether this process may mount: root may on a machine of its own, but not in every container. */
export const canMount = mayMount()

function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'may-mount-'))
  const isMounted = process.getuid?.() === 0 && mount(folder, 4096).status === 0
  if (isMounted) spawnSync('umount', ['--lazy', folder])
  else console.warn('skipped: tests that mount a small disk, as root may on Linux')
  return isMounted
}

/** A file system of its own, to be removed by `remove`. */
export function smallDisk(parent: string, bytes: number): { readonly folder: string; remove(): void } {
  const folder = join(parent, 'small-disk')
  mkdirSync(folder, { recursive: true })
  const { status, stderr } = mount(folder, bytes)
  if (status !== 0) throw new Error(`no small disk: ${stderr}`)
  return { folder, remove: () => void spawnSync('umount', ['--lazy', folder]) }
}

function mount(folder: string, bytes: number) {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { encoding: 'utf8' })
}
