/** Where a user's own data lives: imported tables, fetched datasets, decoded images. */
import { homedir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { BenchError } from '../core/errors.ts'

/**
 * `$NAS_BENCH_HOME`, else `nas-bench-harness` in the platform's data folder (`$XDG_DATA_HOME` or `~/.local/share`).
 * A variable that is set to nothing counts as not set.
 *
 * @throws BenchError `missing` where none of these is known
 */
export function userFolder(...parts: readonly string[]): string {
  const own = process.env.NAS_BENCH_HOME || join(xdgFolder('XDG_DATA_HOME', '.local/share'), 'nas-bench-harness')
  return join(own, ...parts)
}

/**
 * A base folder of the XDG specification, which says of its variables that empty and relative ones are ignored.
 * @param usual where it is below the home folder when the variable is not set
 */
export function xdgFolder(variable: 'XDG_DATA_HOME' | 'XDG_CACHE_HOME', usual: string): string {
  const { [variable]: folder = '' } = process.env
  return isAbsolute(folder) ? folder : join(homeFolder(), usual)
}

/**
 * For what can be made again from other files: `cache` in `$NAS_BENCH_HOME`, else `nas-bench-harness` in the XDG cache
 * folder.
 */
export function cacheFolder(...parts: readonly string[]): string {
  const { NAS_BENCH_HOME: home } = process.env
  return join(home ? join(home, 'cache') : join(xdgFolder('XDG_CACHE_HOME', '.cache'), 'nas-bench-harness'), ...parts)
}

/** `$HOME`, else what the system's list of users says. */
function homeFolder(): string {
  for (const known of [homedir, () => userInfo().homedir]) {
    try {
      const folder = known()
      if (folder !== '') return folder
    } catch {
      // A user without an entry, as containers run under.
    }
  }
  throw new BenchError(
    'missing',
    'this user has no home folder; set NAS_BENCH_HOME to a folder for tables and datasets',
  )
}
