/**
 * Summarises a sample, such as the accuracies of several seeds: mean, standard deviation, median, and confidence
 * intervals of the mean by Student's t and by the bootstrap (Efron 1979).
 */
import { interquartileRange, max, mean, median, min, quantile, sampleStandardDeviation } from 'simple-statistics'
import type { RandomStream } from '../../core/random.ts'
import { studentQuantile } from './distributions.ts'

export interface Summary {
  readonly n: number
  readonly mean: number
  /** Standard deviation of the sample (ddof 1); undefined for a single value, whose spread is unknown. */
  readonly std: number | undefined
  readonly median: number
  /** Interquartile range of the sample. */
  readonly iqr: number
  readonly min: number
  readonly max: number
}

export interface Interval {
  readonly low: number
  readonly high: number
}

/** Summarises a sample of at least one value. If a value is NaN, every field of the summary but `n` is NaN. */
export function summarise(values: readonly number[]): Summary {
  const sample = values.some(Number.isNaN) ? values.map(() => Number.NaN) : [...values]
  return {
    n: sample.length,
    mean: mean(sample),
    std: sample.length > 1 ? sampleStandardDeviation(sample) : undefined,
    median: median(sample),
    iqr: interquartileRange(sample),
    min: min(sample),
    max: max(sample),
  }
}

/**
 * Returns the confidence interval of the mean by Student's t, mean ± t(n − 1)·std/√n; undefined for a single value.
 * @param level coverage, 0 … 1
 */
export function tInterval(values: readonly number[], level = 0.95): Interval | undefined {
  const { n, mean: centre, std } = summarise(values)
  if (std === undefined) return undefined
  const half = (studentQuantile((1 + level) / 2, n - 1) * std) / Math.sqrt(n)
  return { low: centre - half, high: centre + half }
}

/**
 * Returns the t interval of a mean accuracy or error in %, without its parts below 0 and above 100 %, where no mean can
 * lie; undefined for a single value.
 */
export function accuracyInterval(values: readonly number[]): Interval | undefined {
  const interval = tInterval(values)
  return interval && { low: Math.max(0, interval.low), high: Math.min(100, interval.high) }
}

/**
 * Returns the bootstrap confidence interval of the mean: percentiles of the means of resamples drawn with replacement.
 * Undefined for a single value.
 * @param draws number of resamples
 * @param level coverage, 0 … 1
 */
export function bootstrapInterval(
  values: readonly number[],
  stream: RandomStream,
  { draws = 10_000, level = 0.95 } = {},
): Interval | undefined {
  if (values.length < 2) return undefined
  const means = Array.from({ length: draws }, () => mean(values.map(() => stream.choice(values))))
  const [low, high] = quantile(means, [(1 - level) / 2, (1 + level) / 2])
  return { low, high }
}
