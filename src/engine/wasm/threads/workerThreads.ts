/**
 * Groups of worker threads that share the training steps of a network. Each thread has its own instance of the kernels
 * over the network's shared memory. All networks that ask for the same number of threads share one group, which ends
 * when the last of these networks leaves it.
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { BenchError } from '../../../core/errors.ts'
import type { PlainCall } from '../plan/program.ts'
import { Barrier, barrierWords, WORD } from './barrier.ts'
import { type BoundCall, type Follower, follow, type NewPlan, type ThreadedPlan, type Threads } from './threads.ts'

/** The data that a worker thread is started with. */
export interface WorkerSetting {
  readonly words: Int32Array
  /** Port over which the worker receives control messages, and sends the error that ended it. */
  readonly port: MessagePort
  readonly part: number
  readonly threads: number
}

/**
 * A message from the main thread to the worker threads: a newly compiled network (`plan`), a new list of calls
 * (`list`), or that a network is no longer used (`end`).
 */
export type ControlMessage =
  | ({ readonly kind: 'plan'; readonly plan: number } & NewPlan)
  | { readonly kind: 'list'; readonly plan: number; readonly calls: readonly PlainCall[] }
  | { readonly kind: 'end'; readonly plan: number }

/**
 * Path of the worker's built JavaScript file, used even if this file runs from TypeScript source, which Node 20 cannot
 * run.
 */
const WORKER_FILE = fileURLToPath(new URL('../../../../dist/engine/wasm/threads/worker.js', import.meta.url))

/** Seconds that the first thread waits at a barrier before it declares the other threads lost. */
const BARRIER_TIMEOUT_SECONDS = 60

const groups = new Map<number, WorkerThreads>()

/**
 * Joins the group that has `threads` threads, at least 2, and starts the group if it does not exist. The caller must
 * call `leave` once.
 *
 * @param timeoutSeconds how long a new group waits at a barrier before it gives up
 * @throws BenchError `failed` where the threads cannot be started
 */
export async function joinThreads(threads: number, timeoutSeconds = BARRIER_TIMEOUT_SECONDS): Promise<Threads> {
  const group = groups.get(threads) ?? new WorkerThreads(threads, timeoutSeconds, () => groups.delete(threads))
  groups.set(threads, group)
  await group.join()
  return group
}

/** One worker thread, and the port over which it gets control messages. */
interface WorkerThread {
  readonly worker: Worker
  readonly port: MessagePort
}

/** A group of threads that share training steps: the main thread, which is the first, and worker threads. */
class WorkerThreads implements Threads {
  readonly threads: number
  readonly #words = barrierWords()
  readonly #workers: readonly WorkerThread[]
  readonly #ready: Promise<unknown>
  readonly #timeoutSeconds: number
  readonly #onEnd: () => void
  /** The main thread, which is the first thread of the group. */
  readonly #first: Follower
  #users = 0
  #plans = 0
  #isOver = false
  /** Message of the error that ended the group; undefined while the group works. */
  #loss: string | undefined

  constructor(threads: number, timeoutSeconds: number, onEnd: () => void) {
    this.threads = threads
    this.#timeoutSeconds = timeoutSeconds
    this.#onEnd = onEnd
    const barrier = new Barrier(this.#words, threads, (slices) => this.#check(slices))
    this.#first = { isFirst: true, wait: () => barrier.wait() }
    this.#workers = Array.from({ length: threads - 1 }, (_, i) => this.#start(i + 1))
    this.#ready = Promise.all(this.#workers.map(({ worker }) => isReady(worker)))
  }

  get isLost(): boolean {
    return this.#loss !== undefined
  }

  async join(): Promise<void> {
    this.#users++
    try {
      await this.#ready
    } catch (cause) {
      this.#lose((cause as Error).message)
      throw this.#lost(cause)
    }
  }

  leave(): void {
    this.#users--
    if (this.#users === 0) this.#end()
  }

  announce(plan: NewPlan): ThreadedPlan {
    const number = this.#plans++
    this.#send({ kind: 'plan', plan: number, ...plan })
    let lists = 0
    return {
      addList: (calls) => {
        this.#send({ kind: 'list', plan: number, calls })
        return lists++
      },
      run: (list, calls, batch, flags) =>
        this.#run({ plan: number, list, batch, pathMasked: Number(flags !== undefined) }, calls, flags),
      end: () => this.#send({ kind: 'end', plan: number }),
    }
  }

  #run(order: Order, calls: readonly BoundCall[], flags: Uint8Array | undefined): void {
    if (this.#isOver) throw this.#lost()
    for (const [name, value] of Object.entries(order)) this.#words[WORD[name as keyof Order]] = value
    Atomics.add(this.#words, WORD.orders, 1)
    Atomics.notify(this.#words, WORD.orders)
    try {
      follow(calls, flags, this.#first)
    } catch (error) {
      this.#lose((error as Error).message)
      throw error
    }
  }

  #check(slices: number): void {
    const isLost = Atomics.load(this.#words, WORD.lost) === 1
    if (!isLost && slices < this.#timeoutSeconds) return
    const reported = this.#workers.map(({ port }) => receiveMessageOnPort(port)?.message).find(Boolean)
    this.#lose(reported ?? `no sign of it for ${this.#timeoutSeconds} s`)
    throw this.#lost()
  }

  #send(message: ControlMessage): void {
    for (const { port } of this.#workers) port.postMessage(message)
  }

  #start(part: number): WorkerThread {
    const { port1, port2 } = new MessageChannel()
    const workerData: WorkerSetting = { words: this.#words, port: port2, part, threads: this.threads }
    const worker = new Worker(WORKER_FILE, { workerData, transferList: [port2], execArgv: [] })
    worker.on('error', ({ message }) => this.#lose(message))
    worker.on('exit', (code) => this.#lose(`exit code ${code}`))
    port1.unref()
    return { worker, port: port1 }
  }

  #lose(why: string): void {
    if (this.#isOver) return
    this.#loss = why
    this.#end()
  }

  #lost(cause?: unknown): BenchError {
    const why = this.#loss ?? 'all networks have left its group'
    const remedy = 'run it again, or with one thread (--threads 1)'
    return new BenchError('failed', `a thread that helps with steps was lost (${why}); ${remedy}`, { cause })
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onEnd()
    for (const { worker, port } of this.#workers) {
      port.close()
      void worker.terminate()
    }
  }
}

/** Resolves when the worker thread is ready to wait for orders. @throws the worker's error if the worker ends first */
async function isReady(worker: Worker): Promise<void> {
  const exit = once(worker, 'exit').then(([code]) => Promise.reject(new Error(`exit code ${code}`)))
  await Promise.race([once(worker, 'message'), exit])
  worker.unref()
}

/**
 * An order of the main thread to the others, as it is written to shared memory: which list of kernel calls of which
 * network (`plan`) to run, on how many samples (`batch`), and whether paths are switched off (`pathMasked`).
 */
interface Order {
  readonly plan: number
  readonly list: number
  readonly batch: number
  readonly pathMasked: number
}
