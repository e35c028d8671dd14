/** Records in a report's folder that an earlier report was made of. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Removes the runs that are not among the files just written: with them the report could not be verified. */
export function removeStaleRecords(folder: string, written: ReadonlySet<string>): void {
  const runs = join(folder, 'runs')
  if (!existsSync(runs)) return
  for (const id of readdirSync(runs)) {
    const isRun = existsSync(join(runs, id, 'run.json'))
    if (isRun && !written.has(`runs/${id}/run.json`)) rmSync(join(runs, id), { recursive: true })
  }
}
