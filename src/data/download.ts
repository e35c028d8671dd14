/** Downloads one file: continues after broken connections and interrupted commands, and checks the file's hash. */
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { makeFolder, writeFailure } from '../system/atomicFile.ts'
import { fileHash } from '../system/checksums.ts'
import { DiskSpace } from '../system/diskSpace.ts'
import { beyondLimit, limitOf } from '../system/limits.ts'
import { lock } from '../system/lock.ts'

export interface DownloadOptions {
  readonly url: string
  /** Path at which to store the downloaded file. An incomplete download is kept beside it, with the ending `.part`. */
  readonly target: string
  /** Path of the lock file that is held during the download; absent: the target's path with the ending `.lock`. */
  readonly lockFile?: string
  /** Expected SHA-256 of the downloaded file, hexadecimal. Absent: any content is accepted. */
  readonly sha256?: string
  /** Called with the number of bytes received so far, and the total if the server states it. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  /** Number of consecutive attempts without any new byte after which the download fails; absent: 5. */
  readonly attempts?: number
  /**
   * Pause before the second attempt to download, in milliseconds; each further pause is twice as long. Absent: 1000.
   */
  readonly pauseMs?: number
  /** Time in milliseconds without a new byte after which an attempt to download ends; absent: 60,000. */
  readonly stallMs?: number
  /** Called with a line for the user if this process must wait because another process downloads to the same path. */
  readonly onWait?: (line: string) => void
}

export interface Downloaded {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** HTTP status codes of failed requests after which another attempt may succeed. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504])

/** Error codes of failed connections after which another attempt may succeed. */
const TRANSIENT_CODES = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'],
  ...['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH'],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
])

/**
 * Downloads a file and checks its hash. A file that exists already and has the expected hash is not downloaded again.
 * @throws BenchError `missing` if the server refuses the request or the address does not exist; `failed` if the
 * connection keeps breaking (the received bytes are kept) or the disk is nearly full; `corrupt` if the hash differs,
 * and `bad-input` if the file exceeds the limit `download-gib` (in both cases nothing is kept)
 */
export const download = (options: DownloadOptions): Promise<Downloaded> => alone(options, () => downloadAlone(options))

/**
 * Downloads a file and calls `use` with it, under a lock that keeps other processes from downloading to the same path.
 * @param earlier called once the lock is held; if another process has produced the result of `use` meanwhile, returns
 * it
 * @throws as `download` does, and any error of `use`
 */
export async function downloadFor<T>(
  options: DownloadOptions,
  use: (file: Downloaded) => Promise<T>,
  earlier: () => Promise<T | undefined> = async () => undefined,
): Promise<T> {
  return alone(options, async () => (await earlier()) ?? (await use(await downloadAlone(options))))
}

async function alone<T>(options: DownloadOptions, work: () => Promise<T>): Promise<T> {
  const { url, target, lockFile = `${target}.lock`, onWait } = options
  checkUrl(url)
  makeFolderOf(lockFile)
  const held = await lock(lockFile, ({ pid, host }) =>
    onWait?.(`waiting for process ${pid} on ${host}, which downloads ${url}`),
  )
  try {
    return await work()
  } finally {
    held.release()
  }
}

function makeFolderOf(file: string): void {
  try {
    makeFolder(path.dirname(file))
  } catch (cause) {
    throw writeFailure(file, cause as NodeJS.ErrnoException)
  }
}

async function downloadAlone(options: DownloadOptions): Promise<Downloaded> {
  const { target, sha256 } = options
  if (sha256 !== undefined && (await hashOf(target)) === sha256.toLowerCase()) return described(target, sha256)
  makeFolderOf(target)
  const part = partOf(target)
  const resumed = (await sizeOf(part.file)) > 0
  await fetchWhole(options, part)
  try {
    return described(target, await finish(options, part))
  } catch (error) {
    // The part from an earlier call may belong to another version of the file: start afresh once.
    if (!resumed || (error as BenchError).code !== 'corrupt') throw error
    await fetchWhole(options, part)
    return described(target, await finish(options, part))
  }
}

/** The files of an incomplete download: the bytes received so far, and the version that they are from. */
interface Part {
  readonly file: string
  /** Path of the file that contains the server's version identifier (ETag or date) of the incomplete download. */
  readonly version: string
}

const partOf = (target: string): Part => ({ file: `${target}.part`, version: `${target}.part.version` })

/** Checks that a text is an http or https address. @throws BenchError `bad-input` */
export function checkUrl(url: string): void {
  if (/^https?:\/\/./.test(url) && URL.canParse(url)) return
  throw new BenchError('bad-input', `"${url}" is not an address to download from; expected http:// or https://`)
}

/** Makes attempts to download until the incomplete file (the part) is complete. */
async function fetchWhole(options: DownloadOptions, part: Part): Promise<void> {
  const { url, attempts = 5, pauseMs = 1000 } = options
  let most = await sizeOf(part.file)
  for (let idle = 0; ; ) {
    const failure = await fetchMore(options, part)
    if (failure === undefined) return
    const size = await sizeOf(part.file)
    idle = size > most ? 0 : idle + 1
    most = Math.max(most, size)
    if (idle >= attempts) {
      const kept = size > 0 ? `; the ${size} bytes so far are kept, and the same command goes on from them` : ''
      throw new BenchError('failed', `${url} ${failure}, ${attempts} times in a row${kept}`)
    }
    await sleep(pauseMs * 2 ** idle)
  }
}

/**
 * Makes one attempt to download the bytes that the incomplete file (the part) lacks. Returns why it is still
 * incomplete; undefined if it is complete.
 */
async function fetchMore(options: DownloadOptions, part: Part): Promise<string | undefined> {
  const have = await sizeOf(part.file)
  const version = await readFile(part.version, 'utf8').catch(() => '')
  const resume = have > 0 && (version !== '' || options.sha256 !== undefined)
  const stall = new AbortController()
  const response = await request(options, { from: resume ? have : 0, version, stall })
  if (typeof response === 'string') return response
  const start = resume && response.status === 206 ? have : 0
  if (response.ok && continues(response, start, version)) {
    // In this order, so that an old part never stands beside a new version identifier.
    if (start === 0) await remove(part)
    await writeFile(part.version, versionOf(response))
    return append(options, part, { response, start, stall })
  }
  stall.abort()
  if (resume && response.status === 416 && isWhole(response, have, version, options)) return undefined
  if (resume && (response.ok || response.status === 416)) {
    await remove(part)
    return fetchMore(options, part)
  }
  const answer = `${response.status} ${response.statusText}`.trimEnd()
  if (TRANSIENT.has(response.status)) return `answers ${answer}`
  throw new BenchError('missing', `${options.url} answers ${answer}; check the address, or name another with --url`)
}

/**
 * Returns whether the body of a response can be appended to the incomplete file (the part): either it is the whole
 * file, or it begins where the part ends and has the same version. A part without a version identifier is continued
 * only if the expected hash is known.
 */
function continues(response: Response, start: number, version: string): boolean {
  if (response.status !== 206) return true
  const begins = response.headers.get('content-range')?.startsWith(`bytes ${start}-`) ?? false
  return begins && !isEncoded(response) && (start === 0 || version === '' || versionOf(response) === version)
}

/** Returns whether a 416 response ("range not satisfiable") means that the incomplete file is in fact complete. */
function isWhole(response: Response, have: number, version: string, { sha256 }: DownloadOptions): boolean {
  const isLong = response.headers.get('content-range') === `bytes */${have}`
  return isLong && (sha256 !== undefined || versionOf(response) === version)
}

/**
 * Sends the request for the missing bytes. Returns the response, or the reason for its absence if another attempt may
 * succeed.
 */
async function request(
  { url, stallMs = 60_000 }: DownloadOptions,
  { from, version, stall }: { readonly from: number; readonly version: string; readonly stall: AbortController },
): Promise<Response | string> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (from > 0) headers.range = `bytes=${from}-`
  if (from > 0 && version !== '') headers['if-range'] = version
  const timer = setTimeout(() => stall.abort(), stallMs)
  try {
    return await fetch(url, { headers, signal: stall.signal })
  } catch (error) {
    if (isTransient(error)) return `cannot be reached (${networkReason(error)})`
    throw unreachable(url, error)
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Appends the body of a response after the first `start` bytes of the incomplete file (the part). Returns why the part
 * is still incomplete; undefined if it is complete.
 */
async function append(
  { url, stallMs = 60_000, onProgress }: DownloadOptions,
  part: Part,
  { response, start, stall }: { readonly response: Response; readonly start: number; readonly stall: AbortController },
): Promise<string | undefined> {
  const total = totalOf(response)
  const space = new DiskSpace(part.file)
  await requireBounded(url, part, total ?? 0)
  await space.check(0, total === undefined ? 0 : total - start)
  const file = await open(part.file, start > 0 ? 'a' : 'w').catch((cause) => {
    throw writeFailure(part.file, cause)
  })
  const timer = setTimeout(() => stall.abort(), stallMs)
  let received = start
  try {
    for await (const chunk of response.body ?? []) {
      timer.refresh()
      await write(file, chunk as Uint8Array, part.file)
      received += (chunk as Uint8Array).length
      await requireBounded(url, part, received)
      await space.check(received - start)
      onProgress?.(received, total)
    }
    await file.sync()
  } catch (error) {
    if (error instanceof BenchError) {
      stall.abort()
      throw error
    }
    if (isGarbled(error)) throw unreachable(url, error)
    return `broke off after ${pluralize(received, 'byte')} (${networkReason(error)})`
  } finally {
    clearTimeout(timer)
    await file.close()
  }
  return total === undefined || received === total
    ? undefined
    : `broke off after ${received} of ${pluralize(total, 'byte')}`
}

async function write(file: FileHandle, chunk: Uint8Array, name: string): Promise<void> {
  await file.writeFile(chunk).catch((cause) => {
    throw writeFailure(name, cause)
  })
}

/**
 * Checks the size of a download against the limit `download-gib`; if it is larger, deletes what was received.
 * @throws BenchError `bad-input`
 */
async function requireBounded(url: string, part: Part, bytes: number): Promise<void> {
  if (bytes <= limitOf('download-gib') * 2 ** 30) return
  await remove(part)
  throw beyondLimit('download-gib', `${url} has ${(bytes / 2 ** 30).toFixed(1)} GiB or more`)
}

/** Checks the hash of the completely received file, moves the file to the target and returns the hash. */
async function finish({ url, target, sha256 }: DownloadOptions, part: Part): Promise<string> {
  const found = (await hashOf(part.file)) ?? ''
  if (sha256 !== undefined && found !== sha256.toLowerCase()) {
    await remove(part)
    throw new BenchError('corrupt', `${url} has SHA-256 ${found}; expected ${sha256.toLowerCase()}; nothing was kept`)
  }
  await rename(part.file, target)
  await remove(part)
  return found
}

/** Returns the size of the whole file in bytes from the headers of a response, if the server states it. */
function totalOf(response: Response): number | undefined {
  const { headers } = response
  const [, ofRange] = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
  const length = response.status === 206 ? ofRange : headers.get('content-length')
  return length === undefined || length === null || isEncoded(response) ? undefined : Number(length)
}

/**
 * Returns whether the server compressed the response. Its stated length is then not that of the file, and an
 * interrupted download cannot be continued.
 */
const isEncoded = ({ headers }: Response): boolean =>
  !['', 'identity'].includes(headers.get('content-encoding')?.toLowerCase() ?? '')

/**
 * Age in milliseconds that a file on the server must have so that its modification time, which counts whole seconds,
 * identifies its version (RFC 9110, 8.8.2.2).
 */
const STRONG_AFTER_MS = 60_000

/**
 * Returns the version identifier of a response that the header `If-Range` needs (a strong one); empty if there is none.
 */
function versionOf(response: Response): string {
  const { headers } = response
  if (isEncoded(response)) return ''
  const etag = headers.get('etag') ?? ''
  if (etag !== '') return etag.startsWith('W/') ? '' : etag
  const changed = headers.get('last-modified') ?? ''
  return Date.parse(headers.get('date') ?? '') - Date.parse(changed) >= STRONG_AFTER_MS ? changed : ''
}

function networkReason(error: unknown): string {
  const { name, message, cause } = error as NetworkError
  if (name === 'AbortError') return 'no answer for too long'
  return cause?.code ?? cause?.message ?? message
}

/** The error that `fetch` throws for a failed connection. Its cause has the error code. */
type NetworkError = Error & { readonly cause?: Error & { readonly code?: string } }

const unreachable = (url: string, error: unknown) => {
  const problem = `${url} cannot be downloaded (${networkReason(error)})`
  return new BenchError('missing', `${problem}; check the address, or name another with --url`, { cause: error })
}

/** Returns whether the error means that a compressed response could not be decompressed. */
const isGarbled = (error: unknown): boolean =>
  /^Z_/.test((error as NetworkError).cause?.code ?? (error as NodeJS.ErrnoException).code ?? '')

/** Returns whether another attempt to download may succeed after this error. */
const isTransient = (error: unknown): boolean => {
  const { name, cause } = error as NetworkError
  return name === 'AbortError' || TRANSIENT_CODES.has(cause?.code ?? '')
}

const hashOf = (file: string): Promise<string | undefined> => fileHash(file).catch(() => undefined)

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

async function described(file: string, sha256: string): Promise<Downloaded> {
  return { path: file, bytes: await sizeOf(file), sha256: sha256.toLowerCase() }
}

async function remove(part: Part): Promise<void> {
  await rm(part.file, { force: true })
  await rm(part.version, { force: true })
}
