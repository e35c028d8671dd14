/** Threads that read batches of records, or this thread where one is enough. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../../core/errors.ts'
import { countWork } from '../../system/workCounter.ts'
import type { ReadRecords, RecordsRequest } from './readRecords.ts'

export type WorkerAnswer = { readonly read: ReadRecords } | { readonly code: ErrorCode; readonly message: string }

export interface RecordReaders {
  /** Waits for a free thread, then for its answer. @throws BenchError as `readRecords` */
  read(request: RecordsRequest): Promise<ReadRecords>
  close(): Promise<void>
}

/** A record makes much garbage: a small nursery keeps it from piling up. */
const LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 }

/** The built module, also where this one runs from source: Node 20 runs no TypeScript. */
const WORKER = fileURLToPath(new URL('../../../dist/tables/importers/recordWorker.js', import.meta.url))

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
  // Ended by an earlier batch.
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
    // A thread whose heap is full ends with an error of its own.
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
