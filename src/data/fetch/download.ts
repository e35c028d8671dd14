/** Downloads one file: goes on after broken connections and between calls, and checks the content's hash. */
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder, writeFailure } from '../../core/atomicFile.ts'
import { BenchError } from '../../core/errors.ts'
import { fileHash } from '../../core/fileHash.ts'

export interface DownloadOptions {
  readonly url: string
  /** Where the file will be. Until it is whole, it is beside that, with the ending `.part`. */
  readonly target: string
  /** Expected hash, hexadecimal. */
  readonly sha256?: string
  /** Bytes there, and in all where the server says. */
  readonly onProgress?: (received: number, total: number | undefined) => void
  /** How many attempts in a row may bring nothing; 5 where absent. */
  readonly attempts?: number
  /** Pause before the second attempt, doubled before each further one; 1 s where absent. */
  readonly pauseMs?: number
  /** An attempt ends when nothing came for so long; 60 s where absent. */
  readonly stallMs?: number
}

export interface Downloaded {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** Answers after which another attempt may help. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * The file, whole and checked. One that is there already and has the expected hash is not downloaded again.
 * @throws BenchError `missing` where the server refuses it, `failed` where it cannot be had now (what came is kept), `corrupt`
 * where the hash is another (nothing is kept)
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { url, target, sha256 } = options
  checkUrl(url)
  if (sha256 !== undefined && (await hashOf(target)) === sha256.toLowerCase()) return described(target, sha256)
  try {
    makeFolder(path.dirname(target))
  } catch (cause) {
    throw writeFailure(target, cause as NodeJS.ErrnoException)
  }
  await fetchWhole(options, partOf(target))
  const found = await finish(options, partOf(target))
  return described(target, found)
}

interface Part {
  readonly file: string
  /** Keeps the server's name for the version that the part belongs to. */
  readonly version: string
}

const partOf = (target: string): Part => ({ file: `${target}.part`, version: `${target}.part.version` })

/** @throws BenchError `bad-input` */
export function checkUrl(url: string): void {
  if (/^https?:\/\/./.test(url) && URL.canParse(url)) return
  throw new BenchError('bad-input', `"${url}" is not an address to download from; expected http:// or https://`)
}

/** Attempts until the part is whole. */
async function fetchWhole(options: DownloadOptions, part: Part): Promise<void> {
  const { url, attempts = 5, pauseMs = 1000 } = options
  for (let idle = 0; ; ) {
    const before = await sizeOf(part.file)
    const failure = await fetchMore(options, part)
    if (failure === undefined) return
    const size = await sizeOf(part.file)
    idle = size > before ? 0 : idle + 1
    if (idle >= attempts) {
      const kept = size > 0 ? `; the ${size} bytes so far are kept, and the same command goes on from them` : ''
      throw new BenchError('failed', `${url} ${failure}, ${attempts} times in a row${kept}`)
    }
    await sleep(pauseMs * 2 ** idle)
  }
}

/** One attempt, from where the part ends. @returns why it is not whole, or undefined if it is */
async function fetchMore(options: DownloadOptions, part: Part): Promise<string | undefined> {
  const have = await sizeOf(part.file)
  const version = await readFile(part.version, 'utf8').catch(() => '')
  const resume = have > 0 && (version !== '' || options.sha256 !== undefined)
  const stall = new AbortController()
  const response = await request(options, { from: resume ? have : 0, version, stall })
  if (typeof response === 'string') return response
  if (response.status === 416 && resume) return restartUnlessWhole(response, have, part)
  if (TRANSIENT.has(response.status)) return `answers ${response.status} ${response.statusText}`.trimEnd()
  if (!response.ok) {
    const answer = `${response.status} ${response.statusText}`.trimEnd()
    throw new BenchError('missing', `${options.url} answers ${answer}; check the address, or name another with --url`)
  }
  const start = response.status === 206 ? rangeStart(response) : 0
  if (start !== 0 && start !== have) return `answers with bytes from ${start}, asked from ${have}`
  await writeFile(part.version, versionOf(response))
  return append(options, part, { response, start, stall })
}

/** @returns the answer, or why there is none */
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
    return `cannot be reached (${networkReason(error)})`
  } finally {
    clearTimeout(timer)
  }
}

/** Writes what comes after the first `start` bytes. @returns why it is not whole, or undefined if it is */
async function append(
  { stallMs = 60_000, onProgress }: DownloadOptions,
  part: Part,
  { response, start, stall }: { readonly response: Response; readonly start: number; readonly stall: AbortController },
): Promise<string | undefined> {
  const length = response.headers.get('content-length')
  const total = length === null ? undefined : start + Number(length)
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
      onProgress?.(received, total)
    }
    await file.sync()
  } catch (error) {
    if (error instanceof BenchError) throw error
    return `broke off after ${received} bytes (${networkReason(error)})`
  } finally {
    clearTimeout(timer)
    await file.close()
  }
  return total === undefined || received === total ? undefined : `broke off after ${received} of ${total} bytes`
}

async function write(file: FileHandle, chunk: Uint8Array, name: string): Promise<void> {
  await file.writeFile(chunk).catch((cause) => {
    throw writeFailure(name, cause)
  })
}

/** The server has nothing after our bytes: they are the whole file, or of another version of it. */
async function restartUnlessWhole(response: Response, have: number, part: Part): Promise<string | undefined> {
  if (response.headers.get('content-range') === `bytes */${have}`) return undefined
  await remove(part)
  return `has another file than the ${have} bytes that were kept`
}

/** Checks the hash and moves the file to its place. @returns the hash */
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

/** First byte of a partial answer: `bytes 100-199/200` → 100. */
function rangeStart(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
}

/** A strong name of the file's version, as `If-Range` takes it; empty where the server gives none. */
function versionOf({ headers }: Response): string {
  const etag = headers.get('etag')
  if (etag !== null && !etag.startsWith('W/')) return etag
  return headers.get('last-modified') ?? ''
}

function networkReason(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: Error & { readonly code?: string } }
  if (name === 'AbortError') return 'no answer for too long'
  return cause?.code ?? cause?.message ?? message
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
