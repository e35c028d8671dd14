/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 *
 * A stream is named by a seed and a path, for instance `random(seed, 'alpha', 'init')`. Both are hashed into the key,
 * so streams of different names are independent, and a new stream never changes the numbers of another. The n-th number
 * of a stream is a pure function of (seed, path, n): the state is one counter, saved and restored as a number.
 */
import { createHash } from 'node:crypto'
import { BenchError } from './errors.ts'

const M0 = 0xd2511f53
const M1 = 0xcd9e8d57
const W0 = 0x9e3779b9
const W1 = 0xbb67ae85
const ROUNDS = 10

/** Philox4x32-10 of a 128-bit counter under a 64-bit key; writes four 32-bit words to `out`. */
export function philox(counter: readonly number[], key: readonly number[], out: Uint32Array): void {
  // Destructuring these arrays took a quarter of the time of a search's draws.
  let c0 = counter[0]
  let c1 = counter[1]
  let c2 = counter[2]
  let c3 = counter[3]
  let k0 = key[0]
  let k1 = key[1]
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(M0, c0)
    const low0 = Math.imul(M0, c0)
    const high1 = mulHigh(M1, c2)
    const low1 = Math.imul(M1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + W0) >>> 0
    k1 = (k1 + W1) >>> 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/** Returns the high 32 bits of the product of two unsigned 32-bit numbers, computed in 16-bit halves. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)
  const cross = Math.imul(aLow, bHigh) + (middle & 0xffff)
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) >>> 0
}

/** One named stream of random numbers. */
export class RandomStream {
  readonly #key: readonly [number, number]
  /**
   * Counter of the next Philox block: block number in the first two words, second half of the stream's key in the last
   * two. The array is reused for every block.
   */
  readonly #counter: [number, number, number, number]
  readonly #block = new Uint32Array(4)
  #position: number

  /**
   * Opens a stream.
   * @param key 128 bits that name the stream
   * @param position number of 32-bit words already drawn
   */
  constructor(key: readonly [number, number, number, number], position = 0) {
    this.#key = [key[0], key[1]]
    this.#counter = [0, 0, key[2], key[3]]
    this.#position = position
    if (position % 4 !== 0) this.#fill()
  }

  /** Number of 32-bit words drawn so far: the whole state of the stream, which a checkpoint saves and restores. */
  get position(): number {
    return this.#position
  }

  set position(value: number) {
    this.#position = value
    if (value % 4 !== 0) this.#fill()
  }

  /** Draws a 32-bit unsigned integer, uniformly distributed. */
  uint32(): number {
    if (this.#position % 4 === 0) this.#fill()
    return this.#block[this.#position++ % 4]
  }

  /** Draws a number uniformly from [0, 1), with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5
    const low = this.uint32() >>> 6
    return (high * 0x4000000 + low) / 0x20000000000000
  }

  /** Draws an integer uniformly from 0 … n − 1, by rejection. @throws BenchError `bad-input` unless 1 ≤ n ≤ 2³² */
  integer(n: number): number {
    if (!(n >= 1 && n <= 0x100000000 && Number.isInteger(n))) {
      throw new BenchError('bad-input', `nothing can be drawn from ${n} values; from 1 to 2³² can`)
    }
    for (;;) {
      const draw = this.uint32()
      // The last 2³² mod n draws, which are fewer than n, are rejected. The remainder by division and `floor` is exact
      // below 2⁵³ and takes half the time of `%`.
      if (draw <= 0xffffffff - n || draw < 0x100000000 - (0x100000000 % n)) return draw - Math.floor(draw / n) * n
    }
  }

  /** Draws −1 or 1, each with probability ½. */
  sign(): number {
    return this.integer(2) === 0 ? -1 : 1
  }

  /**
   * Draws a standard normal number by the cosine branch of Box–Muller only, so that no number depends on an earlier
   * one.
   */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /**
   * Fills an array with standard normal numbers, starting at the next whole Philox block: four numbers from the four
   * words of each block (both branches of Box–Muller). Faster than repeated calls of `normal`, and gives different
   * numbers.
   */
  fillNormal(target: Float32Array): void {
    this.#position = 4 * Math.ceil(this.#position / 4)
    for (let at = 0; at < target.length; at += 4, this.#position += 4) {
      this.#fill()
      for (let pair = 0; pair < 4; pair += 2) {
        const radius = Math.sqrt(-2 * Math.log((this.#block[pair] + 1) / 0x100000000))
        const angle = (2 * Math.PI * this.#block[pair + 1]) / 0x100000000
        // A typed array ignores writes beyond its end.
        target[at + pair] = radius * Math.cos(angle)
        target[at + pair + 1] = radius * Math.sin(angle)
      }
    }
  }

  /** Draws an element of the list, each with the same probability. The list must not be empty. */
  choice<T>(items: readonly T[]): T {
    return items[this.integer(items.length)]
  }

  /** Draws a permutation of 0 … n − 1, each with the same probability (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const swapped = order[i]
      order[i] = order[j]
      order[j] = swapped
    }
    return order
  }

  #fill(): void {
    const block = Math.floor(this.#position / 4)
    this.#counter[0] = block >>> 0
    this.#counter[1] = Math.floor(block / 0x100000000)
    philox(this.#counter, this.#key, this.#block)
  }
}

/** Opens the stream named by a seed and a path. The same arguments always give the same numbers. */
export function random(seed: number, ...path: readonly (string | number)[]): RandomStream {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...path]))
    .digest()
  return new RandomStream([0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as [number, number, number, number])
}
