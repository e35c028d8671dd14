/** A pool of worker threads that decode photographs while the network trains on earlier ones. */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { BenchError, type ErrorCode } from '../../core/errors.ts'
import { cores } from '../../system/cores.ts'
// Allows the formats for the whole process, before the first thread decodes.
import '../files/imageHeader.ts'
import type { Photograph, PhotographSettings } from './decodePhotograph.ts'

/** The message that asks a thread to decode one photograph. */
export interface DecodeTask {
  readonly id: number
  readonly photograph: Photograph
  /** The pixel array of an earlier reply, to be reused: allocating a new one takes a tenth of the time of decoding. */
  readonly used?: Float32Array<ArrayBuffer>
}

/** A worker thread's answer to a decode task: either pixels or an error. */
export interface DecodeReply {
  readonly id: number
  /** The decoded and normalised image, [imageSize, imageSize, 3]. */
  readonly pixels?: Float32Array<ArrayBuffer>
  readonly error?: { readonly code: ErrorCode; readonly message: string }
  /** A sentence for the user about a peculiarity of the decoded image. */
  readonly note?: string
}

/**
 * Path of the compiled module of the worker threads. It is also used when the program runs from source, since threads
 * cannot load TypeScript.
 */
const WORKER = fileURLToPath(new URL('../../../dist/data/photographs/decodeWorker.js', import.meta.url))
/** Number of photographs that a worker thread works on concurrently: it reads one, decodes one and finishes one. */
const IN_WORK = 3

/** A photograph that is queued or being decoded, and the promise to settle when it is decoded. */
interface Waiting {
  readonly photograph: Photograph
  readonly target: Float32Array
  resolve(): void
  reject(error: Error): void
}

/** Decodes photographs in worker threads. Idle threads do not keep the process alive. */
export class DecodePool {
  readonly #threads: { readonly worker: Worker; readonly inWork: Map<number, Waiting> }[]
  readonly #queue: Waiting[] = []
  readonly #used: Float32Array<ArrayBuffer>[] = []
  #nextId = 0
  #report: (line: string) => void

  /**
   * Starts the worker threads.
   * @param threads number of threads; absent: one fewer than the cores, at least one
   * @param report called once, with the first sentence about a peculiarity of an image
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
   * Decodes one photograph into `target`.
   * @param target overwritten with the normalised image, [imageSize, imageSize, 3]
   * @throws the errors of `decodePhotograph`; BenchError `failed` if the worker thread ends
   */
  decode(photograph: Photograph, target: Float32Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ photograph, target, resolve, reject })
      this.#handOut()
    })
  }

  /** Ends the worker threads. Photographs that are being decoded are dropped. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  /** Sends each queued photograph to the worker thread that has the fewest, as long as one can take more. */
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
