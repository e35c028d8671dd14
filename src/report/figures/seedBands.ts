/** Curves of several seeds as one line and one band. */
import { type Summary, summarise } from '../../analysis/statistics/summary.ts'
import type { Method } from '../methods.ts'
import type { BandPoint, Point } from '../pictures/figure.ts'

export type Spread = 'range' | 'std' | 'none'

const NAMES: Readonly<Record<Spread, string>> = { range: ' and min to max', std: ' and ± 1 std', none: '' }

/** `mean and min to max over seeds` */
export const spreadWords = (spread: Spread): string => `mean${NAMES[spread]} over seeds`

const MANY_SEEDS = 20
const MANY_METHODS = 6

/** The extremes of many seeds say less than their deviation, and the bands of many methods hide each other's lines. */
export function customarySpread(methods: readonly Method[]): Spread {
  if (methods.length > MANY_METHODS) return 'none'
  return methods.some(({ runs }) => runs.length > MANY_SEEDS) ? 'std' : 'range'
}

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
    band: spread === 'none' ? [] : summaries.map((summary) => bandPoint(summary, spread)),
  }
}

function bandPoint({ x, mean, std = Number.NaN, min, max }: Summary & { x: number }, spread: Spread): BandPoint {
  return spread === 'range'
    ? { x, low: finite(min), high: finite(max) }
    : { x, low: finite(mean - std), high: finite(mean + std) }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
