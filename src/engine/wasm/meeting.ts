/** How threads wait for each other: words in memory that they share. */

/** Places of the words; those that threads wait for have a cache line of their own. */
export const WORD = {
  /** How many have come to the meeting. */
  arrived: 0,
  /** Meetings held. */
  meetings: 16,
  /** Orders given. The order itself: */
  orders: 32,
  plan: 33,
  list: 34,
  batch: 35,
  gated: 36,
  /** 1 once a thread cannot go on. */
  lost: 48,
} as const

export const meetingWords = (): Int32Array => new Int32Array(new SharedArrayBuffer(256))

/** Threads mostly finish within microseconds of each other; sleeping and waking takes tens. */
const SPINS = 10_000
const SLICE_MS = 1000

/**
 * Waits until a word is no longer `old`: a while awake, then asleep, so that a core with other work is left to it.
 *
 * @param onSlice called before each second of sleep with the number of them so far; throws where waiting is in vain
 */
export function awaitChange(words: Int32Array, word: number, old: number, onSlice: (slices: number) => void): void {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(words, word) !== old) return
  for (let slices = 0; Atomics.load(words, word) === old; slices++) {
    onSlice(slices)
    Atomics.wait(words, word, old, SLICE_MS)
  }
}

/** Returns once so many threads have called it. */
export function meet(words: Int32Array, threads: number, onSlice: (slices: number) => void): void {
  const meetings = Atomics.load(words, WORD.meetings)
  if (Atomics.add(words, WORD.arrived, 1) < threads - 1) {
    awaitChange(words, WORD.meetings, meetings, onSlice)
    return
  }
  Atomics.store(words, WORD.arrived, 0)
  Atomics.add(words, WORD.meetings, 1)
  Atomics.notify(words, WORD.meetings)
}
