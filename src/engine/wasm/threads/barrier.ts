/** Synchronises the threads that share a step: a spin-wait and a barrier over 32-bit words in shared memory. */

/** Index of each shared word. Words that threads wait for have a cache line of their own. */
export const WORD = {
  /** Number of threads that have arrived at the current barrier. */
  arrived: 0,
  /** Number of barriers passed so far. */
  barriers: 16,
  /** Number of orders given so far; the next four words are the latest order. */
  orders: 32,
  plan: 33,
  list: 34,
  batch: 35,
  pathMasked: 36,
  /** 1 after a thread has failed. */
  lost: 48,
} as const

/** Returns the shared words of a new group of threads, all 0. */
export const barrierWords = (): Int32Array => new Int32Array(new SharedArrayBuffer(256))

/**
 * Most iterations of a spin, about 100 µs. Threads with a core each finish within microseconds; sleeping and waking
 * takes tens.
 */
const MOST_SPINS = 10_000
const FEWEST_SPINS = 16
/** If a sleep was shorter than this, spinning would have been cheaper. */
const NAP_MS = 0.1
const SLICE_MS = 1000

/** Called before each second of sleep with the number of seconds slept so far; may throw to give up waiting. */
export type OnSlice = (slices: number) => void

/**
 * Waits until another thread changes a shared word: first spinning, then asleep. How long it spins adapts to the
 * machine: where threads outnumber free cores, spinning would take a core away from the thread it waits for.
 */
export class SpinWait {
  readonly #words: Int32Array
  readonly #word: number
  readonly #onSlice: OnSlice
  #spins = MOST_SPINS

  constructor(words: Int32Array, word: number, onSlice: OnSlice) {
    this.#words = words
    this.#word = word
    this.#onSlice = onSlice
  }

  /** Returns when the word is no longer `old`. */
  awaitChange(old: number): void {
    const wasShort = this.#spin(old) || this.#sleep(old) < NAP_MS
    this.#spins = wasShort ? Math.min(MOST_SPINS, 2 * this.#spins) : FEWEST_SPINS
  }

  /** Spins, and returns whether the word changed meanwhile. */
  #spin(old: number): boolean {
    for (let spin = 0; spin < this.#spins; spin++) if (Atomics.load(this.#words, this.#word) !== old) return true
    return false
  }

  /** Sleeps until the word changes, and returns the milliseconds slept. */
  #sleep(old: number): number {
    const start = performance.now()
    for (let slices = 0; Atomics.load(this.#words, this.#word) === old; slices++) {
      this.#onSlice(slices)
      Atomics.wait(this.#words, this.#word, old, SLICE_MS)
    }
    return performance.now() - start
  }
}

/** A barrier of all threads, seen from one of them. */
export class Barrier {
  readonly #words: Int32Array
  readonly #threads: number
  readonly #wait: SpinWait

  constructor(words: Int32Array, threads: number, onSlice: OnSlice) {
    this.#words = words
    this.#threads = threads
    this.#wait = new SpinWait(words, WORD.barriers, onSlice)
  }

  /** Returns when all threads have called it. */
  wait(): void {
    const words = this.#words
    const barriers = Atomics.load(words, WORD.barriers)
    if (Atomics.add(words, WORD.arrived, 1) < this.#threads - 1) {
      this.#wait.awaitChange(barriers)
      return
    }
    Atomics.store(words, WORD.arrived, 0)
    Atomics.add(words, WORD.barriers, 1)
    Atomics.notify(words, WORD.barriers)
  }
}
