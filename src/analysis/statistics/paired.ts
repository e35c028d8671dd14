/**
 * Paired tests of two methods on the same seeds: Wilcoxon's signed-rank test, a permutation test, Holm's correction.
 */
import { sum } from 'simple-statistics'
import type { RandomStream } from '../../core/random.ts'
import { chiSquareSurvival } from './distributions.ts'
import { decimalDifferences, midRanks } from './ranks.ts'

/**
 * Largest number of pairs for which the permutation test enumerates all sign patterns; for more pairs, it draws DRAWS
 * patterns.
 */
const ENUMERATED_PAIRS = 16
const DRAWS = 100_000
/**
 * Largest number of pairs for which the null distribution of Wilcoxon's statistic is computed exactly, at a cubic cost.
 */
export const EXACT_WILCOXON_PAIRS = 500

export interface TestResult {
  readonly statistic: number
  /** Two-sided p-value: min(1, 2·min(greater, less)). */
  readonly twoSided: number
  /** One-sided p-value of the test: small if the first sample is larger. */
  readonly greater: number
  readonly less: number
}

/**
 * Runs Wilcoxon's signed-rank test (1945). Differences d of 0 are dropped, ties of |d| take mid-ranks, and the null
 * distribution runs over all sign patterns of these ranks. It is exact up to 500 differences; beyond that it is the
 * normal distribution of the same mean and variance, with continuity correction. The statistic is W⁺, the sum of the
 * ranks of positive differences.
 */
export function wilcoxon(x: readonly number[], y: readonly number[]): TestResult {
  const differences = decimalDifferences(x, y).filter((d) => d !== 0)
  const ranks = midRanks(differences.map(Math.abs))
  const observed = sum(ranks.filter((_, i) => differences[i] > 0))
  const tails = ranks.length <= EXACT_WILCOXON_PAIRS ? exactTails(ranks, observed) : normalTails(ranks, observed)
  return testResult(observed, tails.greater, tails.less)
}

type Tails = Pick<TestResult, 'greater' | 'less'>

/**
 * Returns P(W⁺ ≥ observed) and P(W⁺ ≤ observed) of Wilcoxon's statistic, exactly, over all sign patterns of the ranks.
 */
function exactTails(ranks: readonly number[], observed: number): Tails {
  const chances = rankSumDistribution(ranks)
  const tail = (from: number, to: number) => sum(chances.subarray(from, to) as unknown as number[])
  return { greater: tail(2 * observed, chances.length), less: tail(0, 2 * observed + 1) }
}

/**
 * Returns P(W⁺ ≥ observed) and P(W⁺ ≤ observed) of Wilcoxon's statistic from a normal distribution with mean Σ rank/2
 * and variance Σ rank²/4; ties are allowed.
 */
function normalTails(ranks: readonly number[], observed: number): Tails {
  const mean = sum([...ranks]) / 2
  const deviation = Math.sqrt(sum(ranks.map((rank) => rank ** 2)) / 4)
  const tail = (distance: number) => normalSurvival((distance - 0.5) / deviation)
  return { greater: tail(observed - mean), less: tail(mean - observed) }
}

/** Returns P(Z > z) of a standard normal variable, accurate for large z. */
const normalSurvival = (z: number): number => (z < 0 ? 1 - normalSurvival(-z) : chiSquareSurvival(z * z, 1) / 2)

/**
 * Runs the paired permutation test (Fisher 1935) on the sum of the differences: exact over all sign patterns up to 16
 * pairs; beyond that, over 100,000 drawn patterns and the observed one. The statistic is the mean difference.
 */
export const pairedPermutation = (x: readonly number[], y: readonly number[], stream: RandomStream): TestResult =>
  pairedPermutations([[x, y]], stream)[0]

/**
 * Runs the paired permutation test on several pairs of samples. Each result is the same as if its test were run alone
 * on the stream, but the random sign patterns, whose drawing takes most of the time, are drawn once for all tests.
 */
export function pairedPermutations(
  samples: readonly (readonly [x: readonly number[], y: readonly number[]])[],
  stream: RandomStream,
): readonly TestResult[] {
  const tested = samples.map(([x, y]) => decimalDifferences(x, y))
  const drawn = drawnSums(
    tested.filter((differences) => differences.length > ENUMERATED_PAIRS),
    stream,
  )
  return tested.map((differences) => permutationResult(differences, drawn.get(differences) ?? allSums(differences)))
}

/**
 * Returns the result of a permutation test.
 * @param differences observed differences of the pairs
 * @param sums Σ ±d of the differences for each sign pattern that the test compares
 */
function permutationResult(differences: readonly number[], sums: Float64Array): TestResult {
  const observed = sum([...differences])
  const slack = 1e-9 * sum(differences.map(Math.abs))
  let [atLeast, atMost] = [0, 0]
  for (const total of sums) {
    if (total >= observed - slack) atLeast++
    if (total <= observed + slack) atMost++
  }
  return testResult(observed / differences.length, atLeast / sums.length, atMost / sums.length)
}

/** Returns p-values adjusted by Holm's step-down correction (1979), in the order of the input. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b])
  const adjusted = [...pValues]
  order.reduce((largest, index, position) => {
    adjusted[index] = Math.max(largest, Math.min(1, (pValues.length - position) * pValues[index]))
    return adjusted[index]
  }, 0)
  return adjusted
}

function testResult(statistic: number, greater: number, less: number): TestResult {
  const [g, l] = [Math.min(1, greater), Math.min(1, less)]
  return { statistic, twoSided: Math.min(1, 2 * Math.min(g, l)), greater: g, less: l }
}

/** Returns P(2·W⁺ = s) for s = 0, 1, …: each rank, doubled to be an integer, enters the sum with probability 1/2. */
function rankSumDistribution(ranks: readonly number[]): Float64Array {
  const chances = new Float64Array(2 * sum([...ranks]) + 1)
  chances[0] = 1
  let largest = 0
  for (const rank of ranks) {
    const shift = 2 * rank
    largest += shift
    for (let s = largest; s >= shift; s--) chances[s] = (chances[s] + chances[s - shift]) / 2
    for (let s = shift - 1; s >= 0; s--) chances[s] /= 2
  }
  return chances
}

/** Returns the sum Σ ±d of the differences for each of the 2ⁿ sign patterns. */
function allSums(differences: readonly number[]): Float64Array {
  return Float64Array.from(differences.reduce((sums, d) => sums.flatMap((total) => [total + d, total - d]), [0]))
}

/** Number of random 32-bit words that are drawn at a time; all samples then take their signs from these words. */
const CHUNK = 65_536
/** Number of sign patterns whose sums are computed side by side. */
const TILE = 128
/** Number of entries in the lookup table for each 32-bit word of a sign pattern: four bytes of 256 values. */
const ENTRIES = 1024

/**
 * Returns, for each sample of differences, their observed sum, followed by Σ ±d for each random sign pattern. The signs
 * are the bits of 32-bit words from the stream; every sample starts with the first word.
 */
function drawnSums(
  samples: readonly (readonly number[])[],
  stream: RandomStream,
): ReadonlyMap<readonly number[], Float64Array> {
  const all = samples.map((differences) => new SignSums(differences))
  const words = new Uint32Array(CHUNK)
  let waiting = all.filter((sums) => !sums.isComplete)
  while (waiting.length > 0) {
    for (let i = 0; i < CHUNK; i++) words[i] = stream.uint32()
    for (const sums of waiting) sums.take(words)
    waiting = waiting.filter((sums) => !sums.isComplete)
  }
  return new Map(samples.map((differences, i) => [differences, all[i].sums]))
}

/** Computes Σ ±d of one sample of differences for every random sign pattern, chunk by chunk of the random words. */
class SignSums {
  /** Σ d of the observed differences, then Σ ±d for each drawn sign pattern. */
  readonly sums = new Float64Array(1 + DRAWS)
  readonly #byByte: Float64Array
  /** Number of words of a sign pattern. */
  readonly #length: number
  /** Number of sums in `sums` that are complete. The next one may be incomplete: its pattern began in earlier words. */
  #done = 1
  /** Number of words of the pattern of the incomplete sum that are added. */
  #begun = 0

  constructor(differences: readonly number[]) {
    const different = differences.filter((d) => d !== 0)
    this.#length = Math.ceil(different.length / 32)
    this.#byByte = sumsByByte(different, 4 * this.#length)
    this.sums[0] = sum([...differences])
    if (different.length === 0) this.#done = this.sums.length
  }

  get isComplete(): boolean {
    return this.#done === this.sums.length
  }

  take(words: Uint32Array): void {
    const length = this.#length
    let from = 0
    if (this.#begun > 0) {
      from = Math.min(words.length, length - this.#begun)
      this.#add(words, { from: 0, first: this.#begun, end: this.#begun + from, patterns: 1 })
      this.#begun = (this.#begun + from) % length
      if (this.#begun > 0) return
      this.#done++
    }
    while (from + length <= words.length && !this.isComplete) {
      const whole = Math.floor((words.length - from) / length)
      const patterns = Math.min(TILE, whole, this.sums.length - this.#done)
      this.#add(words, { from, first: 0, end: length, patterns })
      this.#done += patterns
      from += patterns * length
    }
    if (this.isComplete) return
    this.#begun = words.length - from
    this.#add(words, { from, first: 0, end: this.#begun, patterns: 1 })
  }

  /**
   * Adds the words of several patterns, which follow one another from the position `from` on, to the sums from the first
   * incomplete one on. It takes a word of all patterns before the next word, so that a word's part of the lookup table,
   * which may be megabytes in all, stays in the processor's cache. Every sum adds its numbers in the order of its words.
   * @param range.first position in the pattern of the first word that is added
   * @param range.end position after the last one
   */
  #add(
    words: Uint32Array,
    { from, first, end, patterns }: { from: number; first: number; end: number; patterns: number },
  ): void {
    const [byByte, length, sums] = [this.#byByte, this.#length, this.sums]
    const [start, stop] = [this.#done, this.#done + patterns]
    for (let i = first; i < end; i++) {
      const entry = ENTRIES * i
      let at = from + i - first
      for (let to = start; to < stop; to++) {
        const word = words[at]
        at += length
        sums[to] =
          sums[to] +
          byByte[entry + (word & 255)] +
          byByte[entry + 256 + ((word >>> 8) & 255)] +
          byByte[entry + 512 + ((word >>> 16) & 255)] +
          byByte[entry + 768 + (word >>> 24)]
      }
    }
  }
}

/** Returns a lookup table [group][pattern] of Σ ±d over each group of eight differences, for all 256 sign patterns. */
function sumsByByte(differences: readonly number[], bytes: number): Float64Array {
  const sums = new Float64Array(256 * bytes)
  for (let byte = 0; byte < bytes; byte++) {
    for (let pattern = 0; pattern < 256; pattern++) {
      for (let bit = 0; bit < 8; bit++) {
        const difference = differences[8 * byte + bit] ?? 0
        sums[256 * byte + pattern] += (pattern >> bit) & 1 ? difference : -difference
      }
    }
  }
  return sums
}
