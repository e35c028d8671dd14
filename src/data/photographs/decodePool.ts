/** Worker threads that decode photographs ahead of the step. */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../../core/errors.ts'
import { cores } from '../../system/cores.ts'
import type { Photograph, PhotographSettings } from './decodePhotograph.ts'

export interface DecodeTask {
  readonly id: number
  readonly photograph: Photograph
  /** The pixels of an earlier reply, to be written over: new memory costs a tenth of an image. */
  readonly used?: Float32Array<ArrayBuffer>
}

export interface DecodeReply {
  readonly id: number
  /** Either these or the reason why not. */
  readonly pixels?: Float32Array<ArrayBuffer>
  readonly error?: { readonly code: ErrorCode; readonly message: string }
  /** What the user should know of the image. */
  readonly note?: string
}

/** The compiled worker: threads cannot load TypeScript, so from sources too it is the build's. */
const WORKER = fileURLToPath(new URL('../../../dist/data/photographs/decodeWorker.js', import.meta.url))
/** Photographs that a thread has in work at once: one decoding, one being read, one being finished. */
const IN_WORK = 3

interface Waiting {
  readonly photograph: Photograph
  readonly target: Float32Array
  resolve(): void
  reject(error: Error): void
}

/** Idle threads do not keep the process alive. */
export class DecodePool {
  readonly #threads: { readonly worker: Worker; readonly inWork: Map<number, Waiting> }[]
  readonly #queue: Waiting[] = []
  readonly #used: Float32Array<ArrayBuffer>[] = []
  #nextId = 0
  #report: (line: string) => void

  /**
   * @param threads how many; absent: one fewer than the cores, at least one
   * @param report told what the user should know of an image; of the first one only
   */
  constructor(
    settings: PhotographSettings,
    threads = Math.max(1, cores() - 1),
    report: (line: string) => void = () => undefined,
  ) {
    this.#report = report
    this.#threads = Array.from({ length: threads }, () => {
      const thread = { worker: new Worker(WORKER, { workerData: settings }), inWork: new Map<number, Waiting>() }
      thread.worker.unref()
      thread.worker.on('message', (reply: DecodeReply) => this.#finish(thread.inWork, thread.worker, reply))
      thread.worker.on('error', (cause) => fail(thread.inWork, cause))
      return thread
    })
  }

  /**
   * @param target overwritten with [imageSize, imageSize, 3], normalised
   * @throws BenchError as `decodePhotograph`; `failed` where the thread is lost
   */
  decode(photograph: Photograph, target: Float32Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ photograph, target, resolve, reject })
      this.#handOut()
    })
  }

  /** Ends the threads. What is in work is dropped. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  /** Gives waiting photographs to the threads with the least in work. */
  #handOut(): void {
    for (;;) {
      const thread = this.#threads.reduce((least, other) => (other.inWork.size < least.inWork.size ? other : least))
      if (thread.inWork.size >= IN_WORK) return
      const waiting = this.#queue.shift()
      if (waiting === undefined) return
      const id = this.#nextId++
      thread.inWork.set(id, waiting)
      thread.worker.ref()
      const used = this.#used.pop()
      const task: DecodeTask = { id, photograph: waiting.photograph, ...(used && { used }) }
      thread.worker.postMessage(task, used ? [used.buffer] : [])
    }
  }

  #finish(inWork: Map<number, Waiting>, worker: Worker, { id, pixels, error, note }: DecodeReply): void {
    const waiting = inWork.get(id)
    inWork.delete(id)
    if (pixels !== undefined) {
      waiting?.target.set(pixels)
      this.#used.push(pixels)
      waiting?.resolve()
    } else if (error !== undefined) waiting?.reject(new BenchError(error.code, error.message))
    if (note !== undefined) {
      this.#report(note)
      this.#report = () => undefined
    }
    this.#handOut()
    if (inWork.size === 0) worker.unref()
  }
}

function fail(inWork: Map<number, Waiting>, cause: Error): void {
  const error = new BenchError('failed', `a decoding thread was lost: ${cause.message}`, { cause })
  for (const waiting of inWork.values()) waiting.reject(error)
  inWork.clear()
}
