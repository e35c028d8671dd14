/**
 * The part of Python 3's `random` that made NAS-Bench-201's numbering of architectures and its halves of CIFAR-10: the
 * generator MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMS 1998) seeded by an integer, and `shuffle`.
 * Nothing else uses this generator; the project's own random numbers come from `core/random.ts`.
 */

const N = 624
const M = 397

/**
 * Returns a function that yields the 32-bit words of Python's generator after `random.seed(seed)`.
 * @param seed 0 … 2³² − 1
 */
function mersenneTwister(seed: number): () => number {
  const state = initByArray([seed])
  let position = N
  return () => {
    if (position === N) {
      twist(state)
      position = 0
    }
    return temper(state[position++])
  }
}

/** Returns the initial state of MT19937 that the reference implementation's `init_genrand` makes from a seed. */
function initByNumber(seed: number): Uint32Array {
  const state = new Uint32Array(N)
  state[0] = seed
  for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i
  return state
}

/** Returns the initial state of MT19937 that the reference implementation's `init_by_array` makes from a short key. */
function initByArray(key: readonly number[]): Uint32Array {
  const state = initByNumber(19650218)
  const mixed = (i: number, factor: number) => state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), factor)
  let i = 1
  const advance = () => {
    i++
    if (i < N) return
    state[0] = state[N - 1]
    i = 1
  }
  for (let k = 0; k < N; k++) {
    const j = k % key.length
    state[i] = mixed(i, 1664525) + key[j] + j
    advance()
  }
  for (let k = 1; k < N; k++) {
    state[i] = mixed(i, 1566083941) - i
    advance()
  }
  state[0] = 0x80000000
  return state
}

/** Replaces the 624 words of MT19937's state by the next 624 words. */
function twist(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff)
    state[i] = state[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
  }
}

/** Returns the output word of MT19937 for a word of its state (tempering). */
function temper(word: number): number {
  let y = word
  y ^= y >>> 11
  y ^= (y << 7) & 0x9d2c5680
  y ^= (y << 15) & 0xefc60000
  y ^= y >>> 18
  return y >>> 0
}

/**
 * Returns the numbers 0 … n − 1 in the order of `random.seed(seed); random.shuffle(list(range(n)))`.
 * @param seed 0 … 2³² − 1
 * @param n 0 … 2³² − 1
 */
export function pythonShuffle(seed: number, n: number): Uint32Array {
  const next = mersenneTwister(seed)
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = randomBelow(next, i + 1)
    const swapped = order[i]
    order[i] = order[j]
    order[j] = swapped
  }
  return order
}

/**
 * Returns a uniform integer below m as Python does: takes as many high bits of a word as m has, until they are below m.
 */
function randomBelow(next: () => number, m: number): number {
  const unused = Math.clz32(m)
  for (;;) {
    const draw = next() >>> unused
    if (draw < m) return draw
  }
}
