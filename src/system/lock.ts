/**
 * Locks between processes, containers and machines that share a folder (a run, a shard of a table). A lock is a file
 * that
 * names its holder and counts heartbeats, which a thread of the holder writes every few seconds.
 *
 * A lock is taken over when its holder is gone. Where holder and observer share a kernel and a PID namespace, the
 * kernel
 * says so. Otherwise the observer watches the file: a holder is gone when no heartbeat came for a minute of watching.
 * Neither the time in the file nor the observer's time of day is consulted, so clocks that differ do no harm.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BenchError } from '../core/errors.ts'
import { writeFailure } from './atomicFile.ts'
import { livenessOf, type ProcessIdentity, thisProcess } from './processes.ts'
import { removeAbandonedBeside, temporaryPath } from './temporaryFile.ts'

export interface LockTiming {
  /** Between two heartbeats of a holder. */
  readonly beatMs: number
  /** Without a heartbeat for so long, a holder that nothing else is known of is gone. */
  readonly staleMs: number
  /** Between two looks at another's lock. */
  readonly pollMs: number
}

/** A minute: network file systems may show a change only after many seconds. */
const TIMING: LockTiming = { beatMs: 5_000, staleMs: 60_000, pollMs: 200 }

export interface Lock {
  /** @throws BenchError `failed` where another process took the lock over, as after a long sleep of this machine */
  requireHeld(): void
  release(): void
}

/** Takes the lock at `path`, waiting for as long as its holder lives. @param onWait told once who holds it */
export async function lock(
  path: string,
  onWait: (holder: ProcessIdentity) => void,
  timing: LockTiming = TIMING,
): Promise<Lock> {
  const watch = new HolderWatch(timing)
  for (let waited = false; ; ) {
    const taken = attempt(path, watch, timing)
    if ('release' in taken) return taken
    if (!waited) onWait(taken.holder)
    waited = true
    await pause(timing.pollMs)
  }
}

/**
 * Takes the lock at `path`, or says who holds it, watching for a heartbeat where nothing else tells whether they live.
 */
export async function tryLock(path: string, timing: LockTiming = TIMING): Promise<Lock | ProcessIdentity> {
  const watch = new HolderWatch(timing)
  for (;;) {
    const taken = attempt(path, watch, timing)
    if ('release' in taken) return taken
    if (watch.sawLife(taken)) return taken.holder
    await pause(timing.pollMs)
  }
}

/** Takes the lock at `path` where that needs no waiting: it is free, or its holder is known to be gone. */
export function lockIfFree(path: string): Lock | undefined {
  const taken = attempt(path, new HolderWatch(TIMING), TIMING)
  return 'release' in taken ? taken : undefined
}

/**
 * Who holds the lock at `path`, if they seem to live: what is shown to people, and decides nothing. Of a holder on
 * another
 * machine or in another container the time of the last heartbeat is compared with this machine's clock.
 */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const found = read(path)
  if (found === undefined) return undefined
  const liveness = livenessOf(found.holder)
  const isFresh = Date.now() - found.modifiedMs <= TIMING.staleMs
  return liveness === 'alive' || (liveness === 'unknown' && isFresh) ? found.holder : undefined
}

/** What is in a lock's file. */
interface Found {
  readonly holder: ProcessIdentity
  readonly text: string
  readonly modifiedMs: number
}

/** What an observer has seen of one lock. */
class HolderWatch {
  readonly #timing: LockTiming
  #last: Found | undefined
  #lastLook = 0
  #quietMs = 0
  #beats = 0

  constructor(timing: LockTiming) {
    this.#timing = timing
  }

  /** To be asked again and again: an observer that was stopped itself counts no more than two pauses at a time. */
  isGone(found: Found): boolean {
    const liveness = livenessOf(found.holder)
    if (liveness !== 'unknown') return liveness === 'dead'
    const now = performance.now()
    if (isSame(found, this.#last)) this.#quietMs += Math.min(now - this.#lastLook, 2 * this.#timing.pollMs)
    else {
      this.#quietMs = 0
      this.#beats++
    }
    this.#last = found
    this.#lastLook = now
    return this.#quietMs >= this.#timing.staleMs
  }

  /** Whether the holder is known to live: by the kernel, or by a change after the first look. */
  sawLife({ holder }: Found): boolean {
    return livenessOf(holder) === 'alive' || this.#beats > 1
  }
}

const isSame = (a: Found, b: Found | undefined): boolean => a.text === b?.text && a.modifiedMs === b.modifiedMs

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Takes the lock if it is free or its holder is gone. */
function attempt(path: string, watch: HolderWatch, timing: LockTiming): Lock | Found {
  for (;;) {
    const token = randomUUID()
    if (create(path, token)) return hold(path, token, timing)
    const found = read(path)
    if (found === undefined) continue
    if (!watch.isGone(found)) return found
    remove(path, found)
  }
}

const BEAT_DIGITS = 12
const END = '"}\n'

/** The heartbeats come last, in a fixed number of digits, so that they can be written in place. */
const lockText = (token: string): string =>
  `${JSON.stringify({ ...thisProcess(), token, beat: '0'.repeat(BEAT_DIGITS) })}\n`

/** Makes the file with its whole content at once, where the file system can. → false where it is there already */
function create(path: string, token: string): boolean {
  const temporary = temporaryPath(path)
  try {
    writeFileSync(temporary, lockText(token))
    removeAbandonedBeside(temporary)
    linkSync(temporary, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (hasCode(error, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK')) return createInPlace(path, token)
    throw writeFailure(path, error as NodeJS.ErrnoException)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Where there are no hard links. Until its content is written, the file is a lock whose holder is unknown. */
function createInPlace(path: string, token: string): boolean {
  try {
    writeFileSync(path, lockText(token), { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw writeFailure(path, error as NodeJS.ErrnoException)
  }
}

function hold(path: string, token: string, timing: LockTiming): Lock {
  const isOurs = () => tokenIn(read(path)) === token
  const stopBeating = beatRegularly(path, token, timing.beatMs)
  return {
    requireHeld() {
      const found = read(path) ?? readAgain(path)
      if (tokenIn(found) === token) return
      const { pid, host } = found?.holder ?? { pid: undefined, host: undefined }
      const what =
        found === undefined
          ? 'was deleted'
          : `was taken over by process ${pid} on ${host} while this one did not respond`
      throw new BenchError('failed', `${path} ${what}; nothing more is written here`)
    },
    release() {
      stopBeating()
      if (isOurs()) rmSync(path, { force: true })
    },
  }
}

/** Another process may have moved the file away for a moment, to see whose it is. */
function readAgain(path: string): Found | undefined {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  return read(path)
}

function tokenIn(found: Found | undefined): string | undefined {
  return found && /"token":"([^"]*)"/.exec(found.text)?.[1]
}

function read(path: string): Found | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    return { text, holder: holderIn(text), modifiedMs: statSync(path).mtimeMs }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new BenchError('bad-input', `cannot read the lock ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** A power cut may leave the file empty, and anything may stand in a damaged one: the holder is then unknown. */
function holderIn(text: string): ProcessIdentity {
  const { pid, host, boot, pidNamespace, startedTicks } = parsed(text)
  const orNull = (value: unknown) => (typeof value === 'string' ? value : null)
  return {
    pid: Number.isSafeInteger(pid) && Number(pid) > 0 ? Number(pid) : 0,
    host: typeof host === 'string' ? host : 'unknown',
    // Signal 0 to process 0 would ask our own group.
    boot: Number.isSafeInteger(pid) && Number(pid) > 0 ? orNull(boot) : null,
    pidNamespace: orNull(pidNamespace),
    startedTicks: orNull(startedTicks),
  }
}

function parsed(text: string): Partial<Record<keyof ProcessIdentity, unknown>> {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** Moves the lock of a holder that is gone away. Where the file changed since it was read, it goes back. */
function remove(path: string, gone: Found): void {
  const aside = temporaryPath(`${path}.stale`)
  try {
    renameSync(path, aside)
    const moved = read(aside)
    if (moved !== undefined && !isSame(moved, gone)) putBack(aside, path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path)
  } catch (error) {
    // Somebody was faster still; the holder that was moved away finds out before it writes.
    if (!hasCode(error, 'EEXIST')) renameSync(aside, path)
  }
}

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** Locks of this process that a thread keeps alive, also while the main thread computes for long. */
export interface HeldLock {
  readonly path: string
  readonly token: string
}

/** What the heartbeat thread is told. */
export type HeartbeatOrder = { readonly kind: 'begin' | 'end'; readonly lock: HeldLock; readonly beatMs: number }

/** One more heartbeat in the file; nothing where the lock is another's by now. */
export function beat({ path, token }: HeldLock, count: number): void {
  try {
    const file = openSync(path, 'r+')
    try {
      const text = readFileSync(file, 'utf8')
      if (!text.includes(`"token":"${token}"`)) return
      const at = Buffer.byteLength(text) - END.length - BEAT_DIGITS
      writeSync(file, String(count).padStart(BEAT_DIGITS, '0'), at)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    // On a full disk some file systems cannot even write in place; the time of change is a sign of life, too.
    if (!hasCode(error, 'ENOENT')) touch(path)
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // The next write to the folder says what is wrong with it.
  }
}

/** The built module, also where this one runs from source: Node 20 runs no TypeScript. */
const HEARTBEAT = fileURLToPath(new URL('../../dist/system/heartbeat.js', import.meta.url))

let thread: Worker | undefined

/** Most runs of a black-box search end before the first heartbeat is due: the thread starts when one is. */
function beatRegularly(path: string, token: string, beatMs: number): () => void {
  const held = { path, token }
  let told = false
  const first = setTimeout(() => {
    told = true
    tell({ kind: 'begin', lock: held, beatMs })
  }, beatMs / 5)
  first.unref()
  return () => {
    clearTimeout(first)
    if (told) tell({ kind: 'end', lock: held, beatMs })
  }
}

function tell(order: HeartbeatOrder): void {
  thread ??= startThread()
  thread.postMessage(order)
}

function startThread(): Worker {
  // Options of this process, as those of `node --eval`, are not for the thread.
  const started = new Worker(HEARTBEAT, { execArgv: [] })
  started.unref()
  // Without heartbeats another machine may take the lock over; `requireHeld` tells.
  started.on('error', () => {})
  return started
}
