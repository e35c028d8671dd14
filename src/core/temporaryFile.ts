/**
 * Names of temporary files, and the removal of those that killed processes left. A name says which process writes the
 * file, so that the next command in the folder can tell an abandoned file from one that is being written.
 */
import { createHash } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { livenessOf, type ProcessIdentity, thisProcess } from './processes.ts'

/** `NAME.PID-TICKS-WHERE.tmp`: process number, start time, and a hash of machine, boot and PID namespace. */
const TEMPORARY = /\.(\d+)-(\d*)-([0-9a-f]{8})\.tmp$/

/** Of another machine's process nothing is known: what it did not touch for a day, it does not write any more. */
const ABANDONED_MS = 86_400_000

/** The file or folder beside `path` that this process writes before it gives it that name. */
export function temporaryPath(path: string): string {
  const { pid, startedTicks } = thisProcess()
  return `${path}.${pid}-${startedTicks ?? ''}-${whereabouts(thisProcess())}.tmp`
}

const cleaned = new Set<string>()

/**
 * Removes temporary files and folders beside `path` whose processes were killed; once a process and folder.
 * @param path a file that this process has just written there: its time tells the file system's own clock
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

/** What cannot be removed, perhaps another user's, harms nobody. */
function quietly(remove: () => void): void {
  try {
    remove()
  } catch {}
}

/** Removes all temporary files of a folder that this process has locked: nobody else writes in it. */
export function removeTemporaries(folder: string): void {
  const own = temporaryPath('')
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.tmp') && !name.endsWith(own)) rmSync(join(folder, name), { force: true })
  }
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
