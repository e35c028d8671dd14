/**
 * One process at a piece of work (a run, a shard of a table). The lock is a file that names its holder; it is renewed
 * while the holder lives, and taken over where the holder is gone: its process is dead (same machine), or the file is no
 * longer renewed (other machines).
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { writeFailure } from './atomicFile.ts'
import { isSurelyAlive, mayBeAlive, type ProcessIdentity, thisProcess } from './processes.ts'

const RENEW_MS = 5_000
/** Generous: a shared file system's clock may differ from ours. */
const STALE_MS = 120_000
const POLL_MS = 200

export interface Lock {
  release(): void
}

/** Takes the lock, waiting for as long as somebody alive has it. */
export async function lock(path: string, onWait: (holder: ProcessIdentity) => void): Promise<Lock> {
  for (let waited = false; ; waited = true) {
    const taken = tryLock(path)
    if ('release' in taken) return taken
    if (!waited) onWait(taken)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Takes the lock at `path`, or says who holds it. */
export function tryLock(path: string): Lock | ProcessIdentity {
  for (;;) {
    if (create(path)) return hold(path)
    const found = read(path)
    if (found !== undefined && !isStale(found)) return found.holder
    if (found !== undefined) remove(path, found)
  }
}

/** Who holds the lock at `path`, if it is held by somebody alive. */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const found = read(path)
  return found === undefined || isStale(found) ? undefined : found.holder
}

interface Found {
  readonly holder: ProcessIdentity
  readonly inode: number
  readonly renewedMs: number
}

/** Atomic, with content: the file is written under another name, then linked. */
function create(path: string): boolean {
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, JSON.stringify(thisProcess()))
    linkSync(temporary, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw writeFailure(path, error as NodeJS.ErrnoException)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** What was taken over by another machine, as after a long sleep of this one, is neither renewed nor removed. */
function hold(path: string): Lock {
  const { ino } = statSync(path)
  const isOurs = () => statSync(path, { throwIfNoEntry: false })?.ino === ino
  const timer = setInterval(() => isOurs() && renew(path), RENEW_MS)
  timer.unref()
  return {
    release() {
      clearInterval(timer)
      if (isOurs()) rmSync(path, { force: true })
    },
  }
}

function renew(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch (error) {
    // Somebody deleted the run's folder; its next write says so.
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

function read(path: string): Found | undefined {
  try {
    const { ino, mtimeMs } = statSync(path)
    return { holder: holderIn(readFileSync(path, 'utf8')), inode: ino, renewedMs: mtimeMs }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A machine that stopped without warning may leave the file empty: that is held by nobody known. */
function holderIn(text: string): ProcessIdentity {
  try {
    return JSON.parse(text)
  } catch {
    return { pid: 0, host: 'unknown', startedTicks: null }
  }
}

function isStale({ holder, renewedMs }: Found): boolean {
  if (isSurelyAlive(holder)) return false
  return !mayBeAlive(holder) || Date.now() - renewedMs > STALE_MS
}

/** Moves a stale lock away. Where another process was faster, what was moved is the new one, and goes back. */
function remove(path: string, stale: Found): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
    const { ino, mtimeMs } = statSync(aside)
    if (ino !== stale.inode || mtimeMs !== stale.renewedMs) linkSync(aside, path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EEXIST')) throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

const hasCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code
