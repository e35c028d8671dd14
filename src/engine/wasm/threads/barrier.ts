/**
 * Lets the threads that share a training step wait for each other: until a 32-bit word in shared memory changes
 * (spinning, then sleeping), or at a barrier until all threads have arrived.
 */

/**
 * Index of each 32-bit word in the memory that the threads share. Words whose change threads wait for have cache lines
 * of their own.
 */
export const WORD = {
  /** Number of threads that have arrived at the barrier at which threads wait now. */
  arrived: 0,
  /** Number of barriers that all threads have passed so far; waiting threads watch this word. */
  barriers: 16,
  /**
   * Number of orders to run kernel calls that the first thread has given to the others so far. The next four words are
   * the latest order.
   */
  orders: 32,
  plan: 33,
  list: 34,
  batch: 35,
  pathMasked: 36,
  /** 1 after a thread has failed or hung, else 0. */
  lost: 48,
} as const

/** Returns the words that a new group of threads shares, all 0. */
export const barrierWords = (): Int32Array => new Int32Array(new SharedArrayBuffer(256))

/**
 * Most times that a waiting thread reads the word before it sleeps, about 100 µs. If each thread has a core, the wait
 * is a few microseconds, while falling asleep and waking up takes tens of microseconds.
 */
const MOST_SPINS = 10_000
const FEWEST_SPINS = 16
/**
 * If a waiting thread slept for fewer milliseconds than this, it should have spun longer instead, and next time does.
 */
const NAP_MS = 0.1
const SLICE_MS = 1000

/**
 * Function that a waiting thread calls before each second of sleep, with the number of seconds slept so far. It may
 * throw an error to give up waiting.
 */
export type OnSlice = (slices: number) => void

/**
 * Waits until another thread changes a word in shared memory: first by spinning, then asleep. How long it spins adapts
 * to the machine: where threads outnumber free cores, a spinning thread takes a core away from the thread it waits for.
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

  /** Waits until the shared word is no longer `old`. */
  awaitChange(old: number): void {
    const wasShort = this.#spin(old) || this.#sleep(old) < NAP_MS
    this.#spins = wasShort ? Math.min(MOST_SPINS, 2 * this.#spins) : FEWEST_SPINS
  }

  /** Reads the shared word again and again for a while, and returns whether it changed meanwhile. */
  #spin(old: number): boolean {
    for (let spin = 0; spin < this.#spins; spin++) if (Atomics.load(this.#words, this.#word) !== old) return true
    return false
  }

  /** Sleeps until the shared word changes, and returns the milliseconds slept. */
  #sleep(old: number): number {
    const start = performance.now()
    for (let slices = 0; Atomics.load(this.#words, this.#word) === old; slices++) {
      this.#onSlice(slices)
      Atomics.wait(this.#words, this.#word, old, SLICE_MS)
    }
    return performance.now() - start
  }
}

/** A barrier at which all threads of a group wait for each other; each thread has its own object. */
export class Barrier {
  readonly #words: Int32Array
  readonly #threads: number
  readonly #wait: SpinWait

  constructor(words: Int32Array, threads: number, onSlice: OnSlice) {
    this.#words = words
    this.#threads = threads
    this.#wait = new SpinWait(words, WORD.barriers, onSlice)
  }

  /** Waits until all threads of the group have called `wait`. */
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
