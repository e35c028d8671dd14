/**
 * A crew of worker threads, each with kernels of its own over the memory of the plan at work. It is shared by all
 * networks that want so many threads, and ends with the last of them.
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { BenchError } from '../../../core/errors.ts'
import type { PlainCall } from '../plan/program.ts'
import { barrierWords, Seat, WORD } from './barrier.ts'
import { type BoundCall, type Follower, follow } from './follow.ts'
import type { NewPlan, ThreadedPlan, Threads } from './threads.ts'

/** What a member starts with. */
export interface MemberSetting {
  readonly words: Int32Array
  /** News come in by it; what a member dies of goes out. */
  readonly port: MessagePort
  readonly part: number
  readonly threads: number
}

export type CrewNews =
  | ({ readonly kind: 'plan'; readonly plan: number } & NewPlan)
  | { readonly kind: 'list'; readonly plan: number; readonly calls: readonly PlainCall[] }
  | { readonly kind: 'end'; readonly plan: number }

/** The built module, also where this one runs from source: Node 20 runs no TypeScript. */
const MEMBER = fileURLToPath(new URL('../../../../dist/engine/wasm/threads/worker.js', import.meta.url))

/** Seconds without a sign of the others after which they are given up. */
const PATIENCE = 60

const threadPools = new Map<number, WorkerThreads>()

/**
 * The crew of so many threads, at least 2; each user is to leave it.
 *
 * @param patience of one that has to be made, in seconds
 * @throws BenchError `failed` where threads cannot be had
 */
export async function joinThreads(threads: number, patience = PATIENCE): Promise<Threads> {
  const crew = threadPools.get(threads) ?? new WorkerThreads(threads, patience, () => threadPools.delete(threads))
  threadPools.set(threads, crew)
  await crew.join()
  return crew
}

interface Member {
  readonly worker: Worker
  readonly port: MessagePort
}

class WorkerThreads implements Threads {
  readonly threads: number
  readonly #words = barrierWords()
  readonly #members: readonly Member[]
  readonly #ready: Promise<unknown>
  readonly #patience: number
  readonly #onEnd: () => void
  /** The host's thread. */
  readonly #first: Follower
  #users = 0
  #plans = 0
  #isOver = false
  /** Why it cannot go on. */
  #loss: string | undefined

  constructor(threads: number, patience: number, onEnd: () => void) {
    this.threads = threads
    this.#patience = patience
    this.#onEnd = onEnd
    const seat = new Seat(this.#words, threads, (slices) => this.#check(slices))
    this.#first = { isFirst: true, meet: () => seat.meet() }
    this.#members = Array.from({ length: threads - 1 }, (_, i) => this.#start(i + 1))
    this.#ready = Promise.all(this.#members.map(({ worker }) => isReady(worker)))
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
    this.#tell({ kind: 'plan', plan: number, ...plan })
    let lists = 0
    return {
      addList: (calls) => {
        this.#tell({ kind: 'list', plan: number, calls })
        return lists++
      },
      run: (list, calls, batch, flags) =>
        this.#run({ plan: number, list, batch, pathMasked: Number(flags !== undefined) }, calls, flags),
      end: () => this.#tell({ kind: 'end', plan: number }),
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
    if (!isLost && slices < this.#patience) return
    const said = this.#members.map(({ port }) => receiveMessageOnPort(port)?.message).find(Boolean)
    this.#lose(said ?? `no sign of it for ${this.#patience} s`)
    throw this.#lost()
  }

  #tell(news: CrewNews): void {
    for (const { port } of this.#members) port.postMessage(news)
  }

  #start(part: number): Member {
    const { port1, port2 } = new MessageChannel()
    const workerData: MemberSetting = { words: this.#words, port: port2, part, threads: this.threads }
    const worker = new Worker(MEMBER, { workerData, transferList: [port2], execArgv: [] })
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
    const why = this.#loss ?? 'all have left its crew'
    const remedy = 'run it again, or with one thread (--threads 1)'
    return new BenchError('failed', `a thread that helps with steps was lost (${why}); ${remedy}`, { cause })
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onEnd()
    for (const { worker, port } of this.#members) {
      port.close()
      void worker.terminate()
    }
  }
}

/** Once it waits for orders. @throws what it dies of */
async function isReady(worker: Worker): Promise<void> {
  const exit = once(worker, 'exit').then(([code]) => Promise.reject(new Error(`exit code ${code}`)))
  await Promise.race([once(worker, 'message'), exit])
  worker.unref()
}

interface Order {
  readonly plan: number
  readonly list: number
  readonly batch: number
  readonly pathMasked: number
}
