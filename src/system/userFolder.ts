/** Paths of the folders for a user's data: imported tables, fetched datasets, decoded images, caches. */
import { homedir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { BenchError } from '../core/errors.ts'

/**
 * Returns a path in the user's data folder: `$NAS_BENCH_HOME`, or `nas-bench-harness` in `$XDG_DATA_HOME` or
 * `~/.local/share`. A variable with an empty value counts as not set.
 * @throws BenchError `missing` if none is set and the user has no home folder
 */
export function userFolder(...parts: readonly string[]): string {
  const own = process.env.NAS_BENCH_HOME || join(xdgFolder('XDG_DATA_HOME', '.local/share'), 'nas-bench-harness')
  return join(own, ...parts)
}

/**
 * Returns a base folder of the XDG specification, by which empty and relative values of the variable are ignored.
 * @param usual default path below the home folder
 */
export function xdgFolder(variable: 'XDG_DATA_HOME' | 'XDG_CACHE_HOME', usual: string): string {
  const { [variable]: folder = '' } = process.env
  return isAbsolute(folder) ? folder : join(homeFolder(), usual)
}

/**
 * Returns a path in the user's cache folder: `cache` in `$NAS_BENCH_HOME`, or `nas-bench-harness` in the XDG cache
 * folder.
 */
export function cacheFolder(...parts: readonly string[]): string {
  const { NAS_BENCH_HOME: home } = process.env
  return join(home ? join(home, 'cache') : join(xdgFolder('XDG_CACHE_HOME', '.cache'), 'nas-bench-harness'), ...parts)
}

/** Returns the user's home folder: `$HOME`, or the one in the system's user database. */
function homeFolder(): string {
  for (const known of [homedir, () => userInfo().homedir]) {
    try {
      const folder = known()
      if (folder !== '') return folder
    } catch {
      // Containers may run under a user without an entry in that list.
    }
  }
  throw new BenchError(
    'missing',
    'this user has no home folder; set NAS_BENCH_HOME to a folder for tables and datasets',
  )
}
