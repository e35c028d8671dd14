import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chiSquareSurvival, studentCdf } from '../../../src/analysis/statistics/distributions.ts'
import { friedman, nemenyi } from '../../../src/analysis/statistics/friedman.ts'
import { holm, pairedPermutation, pairedPermutations, wilcoxon } from '../../../src/analysis/statistics/paired.ts'
import { rankCorrelations } from '../../../src/analysis/statistics/rankCorrelation.ts'
import { averageRanks, midRanks } from '../../../src/analysis/statistics/ranks.ts'
import { bootstrapInterval, summarise } from '../../../src/analysis/statistics/summary.ts'
import { type RandomStream, random } from '../../../src/core/random.ts'
import scipy from '../../fixtures/scipyStatistics.json' with { type: 'json' }
import { full } from '../../support/full.ts'

describe('a summary', () => {
  test('has no deviation for a single value', () => expect(summarise([5]).std).toBeUndefined())
  test('is NaN throughout where a value is NaN', () => {
    const { n, ...rest } = summarise([1, Number.NaN, 3])
    expect(n).toBe(3)
    expect(Object.values(rest).every(Number.isNaN)).toBe(true)
  })
})

describe("Student's distribution", () => {
  test("is Cauchy's with one degree of freedom", () => expect(studentCdf(1, 1)).toBeCloseTo(0.75, 14))
  test('is (1 + t/√(2 + t²)) / 2 with two', () =>
    expect(studentCdf(0.7, 2)).toBeCloseTo((1 + 0.7 / Math.sqrt(2.49)) / 2, 14))
  test('is symmetric', () => expect(studentCdf(-1.3, 7)).toBeCloseTo(1 - studentCdf(1.3, 7), 14))
})

describe('the bootstrap interval', () => {
  const values = [93.1, 92.4, 93.9, 91.8, 92.2, 93.3]
  test('lies inside the sample and around its mean', () => {
    const interval = bootstrapInterval(values, random(1, 'bootstrap'))
    const { mean, min, max } = summarise(values)
    expect(interval?.low).toBeGreaterThan(min)
    expect(interval?.low).toBeLessThan(mean)
    expect(interval?.high).toBeGreaterThan(mean)
    expect(interval?.high).toBeLessThan(max)
  })
  test('is the same for the same seed', () =>
    expect(bootstrapInterval(values, random(1, 'b'))).toEqual(bootstrapInterval(values, random(1, 'b'))))
  test('does not exist for a single value', () =>
    expect(bootstrapInterval([3], random(1, 'bootstrap'))).toBeUndefined())
})

describe('paired tests', () => {
  const better = [3, 4, 5, 6]
  const worse = [1, 1.5, 2.5, 2.7]
  test('four seeds can never be significant at 5 %: the smallest two-sided p is 1/8', () => {
    expect(wilcoxon(better, worse).twoSided).toBe(0.125)
    expect(pairedPermutation(better, worse, random(0)).twoSided).toBe(0.125)
  })
  test('accuracies of two decimals tie where their differences are one number, though not in binary', () => {
    const [x, y] = [
      [91.53, 70.07, 90],
      [91.2, 70.4, 89.5],
    ]
    expect(x[0] - y[0]).not.toBe(y[1] - x[1])
    expect(wilcoxon(x, y)).toEqual(wilcoxon([0.33, -0.33, 0.5], [0, 0, 0]))
  })
  test('the permutation test of equal samples has p = 1', () =>
    expect(pairedPermutation(better, better, random(0)).twoSided).toBe(1))
  test('drawn permutations agree with the enumeration', () => {
    const x = Array.from({ length: 16 }, (_, i) => Math.sin(3 * i) + 0.3)
    const zeros = x.map(() => 0)
    const exact = pairedPermutation(x, zeros, random(0))
    const drawn = pairedPermutation([...x, 0], [...zeros, 0], random(0))
    expect(drawn.greater).toBeCloseTo(exact.greater, 2)
  })
  test('drawn permutations have the signs of the bits of the words, 32 pairs a word, one draw after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300, max: 400 }), { minLength: 17, maxLength: 70 }), (hundredths) => {
        const differences = hundredths.map((value) => value / 100)
        const zeros = differences.map(() => 0)
        const { greater, less } = pairedPermutation(differences, zeros, random(3))
        const sums = [differences.reduce((sum, d) => sum + d, 0), ...signedSums(differences, random(3))]
        const slack = 1e-9 * differences.reduce((sum, d) => sum + Math.abs(d), 0)
        expect(greater).toBe(sums.filter((sum) => sum >= sums[0] - slack).length / sums.length)
        expect(less).toBe(sums.filter((sum) => sum <= sums[0] + slack).length / sums.length)
      }),
      { numRuns: 5 },
    )
  })
  test('so have drawn permutations of 300 pairs, whose signs are many words', () => {
    const n = 300
    const stream = random(9)
    const differences = Array.from({ length: n }, () => (1 + stream.integer(300)) * (2 * stream.integer(2) - 1))
    const zeros = differences.map(() => 0)
    const { greater, less } = pairedPermutation(differences, zeros, random(3))
    const sums = [differences.reduce((sum, d) => sum + d, 0), ...signedSums(differences, random(3))]
    expect(greater).toBe(sums.filter((sum) => sum >= sums[0]).length / sums.length)
    expect(less).toBe(sums.filter((sum) => sum <= sums[0]).length / sums.length)
  })
  test('permutation tests that share their draws give what each gives alone, whatever their numbers of pairs', () => {
    const stream = random(4)
    const samples = [200, 5, 17, 40, 64].map((pairs) => {
      const x = Array.from({ length: pairs }, () => stream.normal() + 0.1)
      // Equal pairs are left out, so that samples of one length use different numbers of words.
      return [x, x.map((value, i) => (i % 3 === 0 ? value : 0))] as const
    })
    const equal = [Array(20).fill(1), Array(20).fill(1)] as const
    const all = [...samples, equal]
    expect(pairedPermutations(all, random(3))).toEqual(all.map(([x, y]) => pairedPermutation(x, y, random(3))))
  })
  test("Wilcoxon's p of many pairs, from the normal distribution, is near the exact one, with ties and without", () => {
    for (const decimals of [1, 6]) {
      const stream = random(5, decimals)
      const x = Array.from({ length: 520 }, () => Number((0.1 + stream.normal()).toFixed(decimals)))
      const zeros = x.map(() => 0)
      const { greater, less, twoSided } = wilcoxon(x, zeros)
      const exact = exactWilcoxon(x.filter((d) => d !== 0))
      expect(exact.greater).toBeGreaterThan(1e-4)
      expect(exact.greater).toBeLessThan(0.2)
      expect(greater / exact.greater).toBeCloseTo(1, 1)
      expect(less).toBeCloseTo(exact.less, 3)
      expect(twoSided).toBe(2 * greater)
    }
  })
  test("Wilcoxon's p of many pairs is a small number, not 0, where all of them agree", () => {
    const x = Array.from({ length: 800 }, (_, i) => 1 + i / 1000)
    const zeros = x.map(() => 0)
    expect(wilcoxon(x, zeros).twoSided).toBeGreaterThan(0)
    expect(wilcoxon(x, zeros).twoSided).toBe(wilcoxon(zeros, x).twoSided)
    expect(wilcoxon(x, zeros).twoSided).toBeLessThan(1e-100)
  })
  test("Holm's correction multiplies the smallest p by their number and keeps the order", () =>
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]))
  test("Holm's correction never exceeds 1", () => expect(holm([0.6, 0.9])).toEqual([1, 1]))
})

describe('ranks', () => {
  test('equal values share the mean of their ranks', () => expect(midRanks([2, 1, 2, 5])).toEqual([2.5, 1, 2.5, 4]))
  test('the best method has average rank 1', () =>
    expect(
      averageRanks([
        [94, 93, 91],
        [73, 70, 71],
      ]),
    ).toEqual([1, 2.5, 2.5]))
})

describe("Friedman's test", () => {
  test("Nemenyi's q at 5 % agrees with Demšar's table 5(a)", () => {
    const published = [1.96, 2.343, 2.569, 2.728, 2.85, 2.949, 3.031, 3.102, 3.164]
    published.forEach((q, i) => {
      expect(nemenyi(i + 2, 0.05)).toBeCloseTo(q, 2)
    })
  })
  test("Demšar's critical difference for 4 classifiers on 14 datasets is 1.25", () => {
    const scores = Array.from({ length: 14 }, (_, block) => [0, 1, 2, 3].map((method) => Math.sin(block + 5 * method)))
    expect(friedman(scores).criticalDifference).toBeCloseTo(1.25, 2)
  })
  test('perfect agreement of 3 methods over 4 blocks has χ² = 8 and p = e⁻⁴', () => {
    const result = friedman([1, 2, 3, 4].map(() => [3, 2, 1]))
    expect(result.ranks).toEqual([1, 2, 3])
    expect(result.statistic).toBeCloseTo(8, 12)
    expect(result.p).toBeCloseTo(Math.exp(-4), 12)
  })
  test('equal methods have statistic 0 and p 1', () => {
    const result = friedman([
      [1, 1, 1],
      [2, 2, 2],
    ])
    expect(result.statistic).toBe(0)
    expect(result.p).toBe(1)
  })
})

describe('references of scipy', () => {
  test.each(scipy.friedman)("Friedman's test with its correction for ties: $id", ({ scores, statistic, p }) => {
    const result = friedman(scores)
    expect(result.statistic).toBeCloseTo(statistic, 10)
    expect(result.p / p).toBeCloseTo(1, 10)
  })
  test('the upper tail of χ² to eleven digits, down to where doubles end', () => {
    for (const { x, df, p } of scipy.chi2_sf) {
      const ours = chiSquareSurvival(x, df)
      expect(Math.abs(ours - p), `x = ${x}, df = ${df}`).toBeLessThanOrEqual(1e-11 * p)
    }
    expect(scipy.chi2_sf.filter(({ p }) => p > 0 && p < 1e-100).length).toBeGreaterThan(5)
  })
  test('a statistic of NaN gives a p-value of NaN', () => expect(chiSquareSurvival(Number.NaN, 3)).toBeNaN())
})

describe('ties', () => {
  const hundredths = fc.array(fc.tuple(fc.integer({ min: 8000, max: 8020 }), fc.integer({ min: 8000, max: 8020 })), {
    minLength: 1,
    maxLength: 9,
  })
  /** The same accuracies in whole hundredths, where arithmetic is exact, and in percent. */
  const both = (pairs: readonly (readonly [number, number])[], test: (x: number[], y: number[]) => unknown) => {
    const [x, y] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
    return [
      test(x, y),
      test(
        x.map((a) => a / 100),
        y.map((b) => b / 100),
      ),
    ]
  }

  test('of accuracies of two decimals are those of whole hundredths, in every test', () =>
    fc.assert(
      fc.property(hundredths, (pairs) => {
        const p = (x: number[], y: number[]) => [
          wilcoxon(x, y),
          pairedPermutation(x, y, random(0)).twoSided,
          friedman(x.map((a, i) => [a, y[i], 8010 * (x[i] > 1000 ? 1 : 0.01)])).statistic,
          rankCorrelations(x, y).kendall,
          rankCorrelations(x, y).spearman,
        ]
        const [exact, percent] = both(pairs, p)
        expect(percent).toEqual(exact)
      }),
      { numRuns: full ? 40 : 12 },
    ))

  test('of means of the same accuracies in another order are ties', () => {
    const [a, b] = [(91 + 90.01 + 91.7) / 3, (91.7 + 90.01 + 91) / 3]
    expect(a).not.toBe(b)
    expect(wilcoxon([a, a, a], [b, b, b]).twoSided).toBe(1)
    expect(pairedPermutation([a, a, a], [b, b, b], random(0)).twoSided).toBe(1)
    expect(
      friedman([
        [a, b],
        [a, b],
        [a, b],
      ]),
    ).toMatchObject({ ranks: [1.5, 1.5], statistic: 0, p: 1 })
    expect(rankCorrelations([a, b], [1, 2])).toEqual({ spearman: undefined, kendall: undefined })
  })
  test('of differences between means of three accuracies are ties', () => {
    const [x, y] = [
      [(91.2 + 91.3 + 91.7) / 3, 60],
      [(91.2 + 91.3 + 91.2) / 3, 60 + (0.1 + 0.2 + 0.2) / 3],
    ]
    expect(wilcoxon(x, y)).toEqual(wilcoxon([1, 0], [0, 1]))
  })
})

/** Σ ±d of 100,000 draws, each from whole words. */
function signedSums(differences: readonly number[], stream: RandomStream): number[] {
  const different = differences.filter((d) => d !== 0)
  return Array.from({ length: 100_000 }, () => {
    let sum = 0
    let word = 0
    for (let i = 0; i < different.length; i++) {
      if (i % 32 === 0) word = stream.uint32()
      sum += (word >>> (i % 32)) & 1 ? different[i] : -different[i]
    }
    return sum
  })
}

/** Both tails of W⁺ over all sign patterns of differences without zeros. */
function exactWilcoxon(differences: readonly number[]) {
  const doubled = midRanks(differences.map(Math.abs)).map((rank) => 2 * rank)
  const observed = doubled.reduce((sum, rank, i) => sum + (differences[i] > 0 ? rank : 0), 0)
  const chances = new Float64Array(doubled.reduce((sum, rank) => sum + rank, 1))
  chances[0] = 1
  let largest = 0
  for (const rank of doubled) {
    largest += rank
    // Downwards, so that each sum is still that of the pairs before this one when it is read.
    for (let sum = largest; sum >= 0; sum--) chances[sum] = (chances[sum] + (chances[sum - rank] ?? 0)) / 2
  }
  const total = (values: Float64Array) => values.reduce((sum, chance) => sum + chance, 0)
  return { greater: total(chances.subarray(observed)), less: total(chances.subarray(0, observed + 1)) }
}
