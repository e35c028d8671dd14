/** Where tables live: the embedded ones in the package, a user's own in a data folder. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Tables that come with the package. */
export const embeddedTables = fileURLToPath(new URL('../../tables', import.meta.url))

/** A user's imported tables: `$NAS_BENCH_HOME/tables`, else under the platform's data folder. */
export function userTables(): string {
  const { NAS_BENCH_HOME: home, XDG_DATA_HOME: data = join(homedir(), '.local/share') } = process.env
  return join(home ?? join(data, 'nas-bench-harness'), 'tables')
}

/** Looked through in this order. */
export const tableFolders = (): string[] => [embeddedTables, userTables()]
