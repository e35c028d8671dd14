import { describe, expect, test } from 'vitest'
import { studentQuantile } from '../../../src/analysis/statistics/distributions.ts'
import { wilcoxon } from '../../../src/analysis/statistics/paired.ts'
import { rankCorrelations } from '../../../src/analysis/statistics/rankCorrelation.ts'
import { summarise, tInterval } from '../../../src/analysis/statistics/summary.ts'
import { casesWhere, readGolden } from '../../fixtures/golden.ts'

interface GoldenStatistics {
  readonly one_sample: readonly {
    readonly id: string
    readonly values: readonly number[]
    readonly n: number
    readonly mean: number
    readonly median: number
    readonly std_ddof1: number | null
    readonly t_quantile_975?: number
    readonly ci95?: readonly [number, number]
  }[]
  readonly two_sample: readonly {
    readonly id: string
    readonly x: readonly number[]
    readonly y: readonly number[]
    readonly wilcoxon_x_minus_y?: {
      readonly W_plus: number
      readonly p_two_sided: number
      readonly p_greater: number
      readonly p_less: number
    }
    readonly spearman_rho?: number | null
    readonly kendall_tau_b?: number | null
  }[]
}

/**
 * 12 significant digits; the t quantiles are SciPy's, 2e-11 from the closed form (tan 0.475π for one degree of
 * freedom).
 */
const golden = readGolden<GoldenStatistics>('stats')
const close = (actual: number | undefined, expected: number) =>
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(5e-11 * Math.max(1, Math.abs(expected)))

describe.each(golden.one_sample)('the sample $id', ({ values, n, mean, median, std_ddof1, t_quantile_975, ci95 }) => {
  test('has the reference mean, median and deviation', () => {
    const summary = summarise(values)
    expect(summary.n).toBe(n)
    close(summary.mean, mean)
    close(summary.median, median)
    if (std_ddof1 === null) expect(summary.std).toBeUndefined()
    else close(summary.std, std_ddof1)
  })

  test('has the reference 95 % t interval', () => {
    const interval = tInterval(values)
    if (ci95 === undefined || t_quantile_975 === undefined) return expect(interval).toBeUndefined()
    close(studentQuantile(0.975, n - 1), t_quantile_975)
    close(interval?.low, ci95[0])
    close(interval?.high, ci95[1])
  })
})

const tested = casesWhere(golden.two_sample, (pair) => pair.wilcoxon_x_minus_y !== undefined, 'a tested pair')
const paired = tested.flatMap(({ wilcoxon_x_minus_y: reference, ...pair }) =>
  reference === undefined ? [] : [{ ...pair, reference }],
)

describe.each(paired)('the pair $id', ({ x, y, reference, spearman_rho, kendall_tau_b }) => {
  test('has the reference exact Wilcoxon test', () => {
    const result = wilcoxon(x, y)
    expect(result.statistic).toBe(reference.W_plus)
    close(result.twoSided, reference.p_two_sided)
    close(result.greater, reference.p_greater)
    close(result.less, reference.p_less)
  })

  test('has the reference rank correlations, none where a sample is constant', () => {
    const { spearman: rho, kendall: tau } = rankCorrelations(x, y)
    if (spearman_rho === null) expect(rho).toBeUndefined()
    else close(rho, spearman_rho as number)
    if (kendall_tau_b === null) expect(tau).toBeUndefined()
    else close(tau, kendall_tau_b as number)
  })
})
