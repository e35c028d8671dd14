/** Confidence intervals of a mean by the percentile bootstrap (Efron 1979). */
import { mean, quantile } from 'simple-statistics'
import type { RandomStream } from '../../core/random.ts'
import type { Interval } from './summary.ts'

/**
 * Returns the percentile interval of the mean over resamples drawn with replacement; undefined for a single value.
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
