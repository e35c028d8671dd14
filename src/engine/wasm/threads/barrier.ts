/** How threads wait for each other: words in memory that they share. */

/** Places of the words; those that threads wait for have a cache line of their own. */
export const WORD = {
  /** How many have come to the barrier. */
  arrived: 0,
  /** Barriers passed. */
  barriers: 16,
  /** Orders given. The order itself: */
  orders: 32,
  plan: 33,
  list: 34,
  batch: 35,
  pathMasked: 36,
  /** 1 once a thread cannot go on. */
  lost: 48,
} as const

export const barrierWords = (): Int32Array => new Int32Array(new SharedArrayBuffer(256))

/** About 100 µs: threads that have a core finish within microseconds of each other; sleeping and waking takes tens. */
const MOST_SPINS = 10_000
const FEWEST_SPINS = 16
/** A sleep as short as this was not worth falling asleep. */
const NAP_MS = 0.1
const SLICE_MS = 1000

/** Called before each second of sleep with the number of them so far; throws where waiting is in vain. */
export type OnSlice = (slices: number) => void

/**
 * A word that others change, and how one thread waits for it: a while awake, then asleep. How long awake is learned:
 * where the others have to wait for a core, staying awake keeps one from them.
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

  /** Returns once the word is no longer `old`. */
  awaitChange(old: number): void {
    const wasShort = this.#spin(old) || this.#sleep(old) < NAP_MS
    this.#spins = wasShort ? Math.min(MOST_SPINS, 2 * this.#spins) : FEWEST_SPINS
  }

  /** → whether it changed while this thread was awake */
  #spin(old: number): boolean {
    for (let spin = 0; spin < this.#spins; spin++) if (Atomics.load(this.#words, this.#word) !== old) return true
    return false
  }

  /** → milliseconds */
  #sleep(old: number): number {
    const start = performance.now()
    for (let slices = 0; Atomics.load(this.#words, this.#word) === old; slices++) {
      this.#onSlice(slices)
      Atomics.wait(this.#words, this.#word, old, SLICE_MS)
    }
    return performance.now() - start
  }
}

/** One thread's place at the barriers of all. */
export class Seat {
  readonly #words: Int32Array
  readonly #threads: number
  readonly #wait: SpinWait

  constructor(words: Int32Array, threads: number, onSlice: OnSlice) {
    this.#words = words
    this.#threads = threads
    this.#wait = new SpinWait(words, WORD.barriers, onSlice)
  }

  /** Returns once all threads have called it. */
  meet(): void {
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
