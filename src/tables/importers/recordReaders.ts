/**
 * A pool of worker threads that read batches of NATS-Bench record files. If only one thread is requested, the main
 * thread reads them itself.
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../../core/errors.ts'
import { countWork } from '../../system/workCounter.ts'
import type { ReadRecords, RecordsRequest } from './readRecords.ts'

/** A worker thread's answer: the architecture records of a batch, or the code and message of an error. */
export type WorkerAnswer = { readonly read: ReadRecords } | { readonly code: ErrorCode; readonly message: string }

/** A pool of worker threads that read NATS-Bench record files. */
export interface RecordReaders {
  /** Reads a batch of record files in the next idle worker thread. @throws BenchError as `readRecords` */
  read(request: RecordsRequest): Promise<ReadRecords>
  close(): Promise<void>
}

/**
 * Memory limits of a worker thread, in MB. A small young generation makes V8 collect the garbage of each record early.
 */
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 }

/**
 * Path of the compiled module that the worker threads run. The compiled one is used even when running from source,
 * since Node 20 runs no TypeScript.
 */
const WORKER = fileURLToPath(new URL('../../../dist/tables/importers/recordWorker.js', import.meta.url))

/** Starts a pool of `jobs` worker threads that read NATS-Bench record files. */
export async function openReaders(jobs: number): Promise<RecordReaders> {
  if (jobs <= 1) {
    const { readRecords } = await import('./readRecords.ts')
    return { read: readRecords, close: async () => {} }
  }
  const workers = Array.from({ length: jobs }, () => new Worker(WORKER, { resourceLimits: LIMITS }))
  const free = [...workers]
  const waiting: ((worker: Worker) => void)[] = []
  const take = () => free.pop() ?? new Promise<Worker>((resolve) => waiting.push(resolve))
  const giveBack = (worker: Worker) => {
    const next = waiting.shift()
    if (next === undefined) free.push(worker)
    else next(worker)
  }
  return {
    async read(request) {
      const worker = await take()
      try {
        return await ask(worker, request)
      } finally {
        giveBack(worker)
      }
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

async function ask(worker: Worker, request: RecordsRequest): Promise<ReadRecords> {
  // An earlier batch has ended this thread.
  if (worker.threadId === -1) throw lost(request)
  const answered = new AbortController()
  const ended = once(worker, 'exit', { signal: answered.signal }).then(() => lost(request))
  ended.catch(() => undefined)
  worker.postMessage(request)
  try {
    const [answer] = (await Promise.race([once(worker, 'message'), ended])) as [WorkerAnswer]
    countWork()
    if ('read' in answer) return answer.read
    throw new BenchError(answer.code, answer.message)
  } catch (error) {
    // A thread whose heap is full ends with an error that is not a BenchError.
    throw error instanceof BenchError ? error : lost(request, error as Error)
  } finally {
    answered.abort()
  }
}

function lost({ files }: RecordsRequest, cause?: Error): BenchError {
  const names = files.length === 1 ? files[0].name : `${files[0].name} … ${files[files.length - 1].name}`
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new BenchError('bad-input', `${names} cannot be read: the thread that read them ended${why}`, { cause })
}
