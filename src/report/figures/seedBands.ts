/** Curves of several seeds as one line and one band. */
import { summarise } from '../../analysis/statistics/summary.ts'
import type { BandPoint, Point } from '../pictures/figure.ts'

export type Spread = 'range' | 'std'

export const spreadNames: Readonly<Record<Spread, string>> = { range: 'min to max', std: '± 1 std' }

export interface SeedBand {
  readonly points: readonly Point[]
  readonly band: readonly BandPoint[]
}

/**
 * The mean at every x that any curve has, over the curves that have it; a gap where one of them is not a number.
 * A single curve has no deviation, so its `std` band is empty there.
 */
export function seedBand(curves: readonly ReadonlyMap<number, number>[], spread: Spread): SeedBand {
  const xs = [...new Set(curves.flatMap((curve) => [...curve.keys()]))].sort((a, b) => a - b)
  const summaries = xs.map((x) => {
    const values = curves.map((curve) => curve.get(x)).filter((value) => value !== undefined)
    return { x, ...summarise(values) }
  })
  return {
    points: summaries.map(({ x, mean, n }) => ({
      x,
      y: finite(mean),
      ...(n < curves.length && { note: `${n} of ${curves.length} seeds` }),
    })),
    band: summaries.map(({ x, mean, std, min, max }) =>
      spread === 'range'
        ? { x, low: finite(min), high: finite(max) }
        : { x, low: finite(mean - (std ?? Number.NaN)), high: finite(mean + (std ?? Number.NaN)) },
    ),
  }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
