/**
 * Names temporary files, and removes those that killed processes left. The name of a temporary file identifies the
 * process that writes it, so that a later command can tell an abandoned file from one that is being written.
 */
import { createHash } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { livenessOf, type ProcessIdentity, thisProcess } from './processes.ts'

/**
 * Matches the end of a temporary file's name, `NAME.PID-TICKS-WHERE.tmp`: process id, start time in ticks, and a hash
 * of machine, boot and PID namespace.
 */
const TEMPORARY = /\.(\d+)-(\d*)-([0-9a-f]{8})\.tmp$/

/**
 * Time without a change, in milliseconds, after which a temporary file from another machine counts as abandoned: a day.
 * Whether a process on another machine still runs is unknown.
 */
const ABANDONED_MS = 86_400_000

/** Returns the path of the temporary file beside `path` that this process writes and then renames to `path`. */
export function temporaryPath(path: string): string {
  const { pid, startedTicks } = thisProcess()
  return `${path}.${pid}-${startedTicks ?? ''}-${whereabouts(thisProcess())}.tmp`
}

const cleaned = new Set<string>()

/**
 * Removes temporary files and folders beside `path` that killed processes left. Each process does this once per folder.
 * @param path a file that this process has just written; its modification time is used as the present time
 */
export function removeAbandonedBeside(path: string): void {
  const folder = dirname(path)
  if (cleaned.has(folder)) return
  cleaned.add(folder)
  quietly(() => {
    const { mtimeMs: now } = statSync(path)
    const names = readdirSync(folder).filter((name) => TEMPORARY.test(name))
    for (const file of names.map((name) => join(folder, name))) {
      quietly(() => {
        if (isAbandoned(file, () => now - statSync(file).mtimeMs)) rmSync(file, { recursive: true, force: true })
      })
    }
  })
}

/**
 * Calls a function that removes a file, and ignores failures: a file that cannot be removed, for example because
 * another user owns it, does no harm.
 */
function quietly(remove: () => void): void {
  try {
    remove()
  } catch {}
}

/**
 * Removes the temporary files in the folder of a lock. Call it only while this process holds the lock, so that no other
 * process is writing there. Temporary files of the lock itself are kept, since processes that wait for the lock write
 * them; those that killed processes left are removed by `removeAbandonedBeside`.
 * @param lock path of the lock file
 */
export function removeTemporaries(lock: string): void {
  const folder = dirname(lock)
  const own = temporaryPath('')
  const isRemoved = (name: string) =>
    name.endsWith('.tmp') && !name.endsWith(own) && !name.startsWith(`${basename(lock)}.`)
  for (const name of readdirSync(folder).filter(isRemoved)) rmSync(join(folder, name), { force: true })
}

function isAbandoned(name: string, unchangedMs: () => number): boolean {
  const [, pid, startedTicks, where] = TEMPORARY.exec(name) ?? []
  if (where === undefined) return false
  const self = thisProcess()
  if (where !== whereabouts(self)) return unchangedMs() > ABANDONED_MS
  const writer = { ...self, pid: Number(pid), startedTicks: startedTicks || null }
  const liveness = livenessOf(writer)
  return liveness === 'dead' || (liveness === 'unknown' && unchangedMs() > ABANDONED_MS)
}

const whereabouts = ({ host, boot, pidNamespace }: ProcessIdentity): string =>
  createHash('sha256')
    .update(JSON.stringify([host, boot, pidNamespace]))
    .digest('hex')
    .slice(0, 8)
