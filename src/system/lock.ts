/**
 * Locks between processes, containers and machines that share a folder (a run, a shard of a table). A lock is a file
 * that names the process that holds it and has a heartbeat counter, which a thread of the holder increases every few
 * seconds. Another process takes over a lock when its holder has ended. If both share a kernel and a PID namespace, the
 * kernel tells whether the holder still runs. Otherwise the other process watches the lock file, and the holder counts
 * as ended after a minute without a heartbeat. Clocks of different machines are never compared.
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

/** Intervals, in milliseconds, at which a lock's holder writes heartbeats and waiting processes read the lock file. */
export interface LockTiming {
  /** Interval between two heartbeats of the lock's holder, in milliseconds. */
  readonly beatMs: number
  /** Time in milliseconds without a heartbeat after which a holder counts as ended if the kernel cannot tell. */
  readonly staleMs: number
  /** Interval at which a waiting process reads the lock file, in milliseconds. */
  readonly pollMs: number
}

/**
 * Default intervals of locks. A holder counts as ended only after a minute, since network file systems may show a
 * change late.
 */
const TIMING: LockTiming = { beatMs: 5_000, staleMs: 60_000, pollMs: 200 }

/** A lock that this process holds. */
export interface Lock {
  /**
   * Checks that this process still holds the lock.
   * @throws BenchError `failed` if another process took it over, as may happen while this one is suspended
   */
  requireHeld(): void
  release(): void
}

/**
 * Acquires the lock at `path`, after waiting while another process holds it.
 * @param onWait called once, with the process that holds the lock
 */
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
 * Acquires the lock at `path`, or returns the process that holds it. May wait for a heartbeat to find out whether the
 * holder still runs.
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

/**
 * Acquires the lock at `path` without waiting. Returns undefined unless it is free or its holder is known to have
 * ended.
 */
export function lockIfFree(path: string): Lock | undefined {
  const taken = attempt(path, new HolderWatch(TIMING), TIMING)
  return 'release' in taken ? taken : undefined
}

/**
 * Returns the process that seems to hold the lock at `path`, for display only. For a holder on another machine or in
 * another container, the time of the last heartbeat is compared with this machine's clock.
 */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const found = read(path)
  if (found === undefined) return undefined
  const liveness = livenessOf(found.holder)
  const isFresh = Date.now() - found.modifiedMs <= TIMING.staleMs
  return liveness === 'alive' || (liveness === 'unknown' && isFresh) ? found.holder : undefined
}

/** Content of a lock file and the time of its last change. */
interface Found {
  readonly holder: ProcessIdentity
  readonly text: string
  readonly modifiedMs: number
}

/** Watches a lock of another process for heartbeats, to find out whether the holder still runs. */
class HolderWatch {
  readonly #timing: LockTiming
  #last: Found | undefined
  #lastLook = 0
  #quietMs = 0
  #beats = 0

  constructor(timing: LockTiming) {
    this.#timing = timing
  }

  /**
   * Returns whether the lock's holder has ended; has to be called repeatedly. A time during which this process was
   * suspended counts as two polls only.
   */
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

  /**
   * Returns whether the lock's holder is known to run: the kernel says so, or the lock file changed while it was
   * watched.
   */
  sawLife({ holder }: Found): boolean {
    return livenessOf(holder) === 'alive' || this.#beats > 1
  }
}

const isSame = (a: Found, b: Found | undefined): boolean => a.text === b?.text && a.modifiedMs === b.modifiedMs

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Acquires the lock if it is free or its holder has ended, and returns it. Otherwise returns the content of the other
 * process's lock file.
 */
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

/**
 * Returns the content of a lock file. The heartbeat counter is at the end, with a fixed number of digits, so that a
 * heartbeat can overwrite it in place.
 */
const lockText = (token: string): string =>
  `${JSON.stringify({ ...thisProcess(), token, beat: '0'.repeat(BEAT_DIGITS) })}\n`

/**
 * Creates the lock file together with its content if the file system allows it. Returns false if the lock file already
 * exists.
 */
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

/**
 * Creates the lock file on file systems without hard links, first empty; until its content is written, its holder is
 * unknown. Returns false if it already exists.
 */
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

/** Reads a missing lock file again after a moment, since another process may have moved it aside to check it. */
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

/**
 * Returns the process that a lock file names as holder. A crash can leave the file empty or damaged: the holder is then
 * unknown.
 */
function holderIn(text: string): ProcessIdentity {
  const { pid, host, boot, pidNamespace, startedTicks } = parsed(text)
  const orNull = (value: unknown) => (typeof value === 'string' ? value : null)
  return {
    pid: Number.isSafeInteger(pid) && Number(pid) > 0 ? Number(pid) : 0,
    host: typeof host === 'string' ? host : 'unknown',
    // A signal to process 0 would reach this process's own group.
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

/** Removes the lock file of a holder that has ended. If the file changed since it was read, puts it back. */
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
    // A third process took the lock; the former holder notices before its next write.
    if (!hasCode(error, 'EEXIST')) renameSync(aside, path)
  }
}

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** A lock that this process holds. A separate thread writes its heartbeats while the main thread computes. */
export interface HeldLock {
  readonly path: string
  readonly token: string
}

/** Message from the main thread to the heartbeat thread: begin or end the heartbeats of a lock. */
export type HeartbeatOrder = { readonly kind: 'begin' | 'end'; readonly lock: HeldLock; readonly beatMs: number }

/** Writes a heartbeat into the lock file, unless another process has taken the lock over. */
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
    // Some file systems cannot write in place when the disk is full; a new modification time also counts as a
    // heartbeat.
    if (!hasCode(error, 'ENOENT')) touch(path)
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // The next write to the folder reports the problem.
  }
}

/**
 * Path of the heartbeat thread's built module. It is used even if the program runs from source, since Node 20 cannot
 * run TypeScript.
 */
const HEARTBEAT = fileURLToPath(new URL('../../dist/system/heartbeat.js', import.meta.url))

let thread: Worker | undefined

/**
 * Starts the heartbeats of a lock; returns a function that ends them. The heartbeat thread starts with the first
 * heartbeat, which short runs never reach.
 */
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
  // The thread must not inherit options such as `node --eval`.
  const started = new Worker(HEARTBEAT, { execArgv: [] })
  started.unref()
  // Without heartbeats another machine may take the lock over; `requireHeld` tells.
  started.on('error', () => {})
  return started
}
