/** Ticks of a logarithmic axis: 1, 2 and 5 of every decade where their labels have room, else 1 and 3, else powers of ten. */

const STEPS = [[1, 2, 5], [1, 3], [1]]

/**
 * Ascending, from `low` to `high`.
 * @param most how many labels have room on the axis, evenly spaced
 */
export function logTicks(low: number, high: number, most: number): number[] {
  const decades = Math.log10(high / low)
  const fitting = STEPS.find((steps) => nearest(steps) >= decades / most) ?? [1]
  const first = Math.floor(Math.log10(low))
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => first + i)
  const ticks = powers.flatMap((power) => fitting.map((step) => Number(`${step}e${power}`)))
  return ticks.filter((tick) => tick >= low && tick <= high)
}

/** The smallest distance between two ticks, in decades. */
const nearest = (steps: readonly number[]): number =>
  Math.min(...steps.map((step, i) => Math.log10((steps[i + 1] ?? 10) / step)))

/** `10,000`, `0.05`; beyond that `1e-7`. */
export const tickLabel = (value: number): string =>
  value >= 1e7 || value < 1e-4
    ? value.toExponential().replace('+', '')
    : value.toLocaleString('en', { maximumFractionDigits: 4 })
