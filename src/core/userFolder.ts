/** Where a user's own data lives: imported tables, fetched datasets, decoded images. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$NAS_BENCH_HOME`, else `nas-bench-harness` in the platform's data folder (`$XDG_DATA_HOME` or `~/.local/share`). */
export function userFolder(...parts: readonly string[]): string {
  const { NAS_BENCH_HOME: home, XDG_DATA_HOME: data = join(homedir(), '.local/share') } = process.env
  return join(home ?? join(data, 'nas-bench-harness'), ...parts)
}
