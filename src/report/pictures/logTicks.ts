/** Ticks of a logarithmic axis: 1, 2 and 5 of every decade where their labels have room, else 1 and 3, else powers of ten. */
import { grouped } from '../../core/plainText.ts'

const STEPS = [[1, 2, 5], [1, 3], [1]]

/** Room of a label along its axis, in letters' heights: `10,000` and a gap, or a line and as much again. */
export const LABEL_ROOM = { x: 5.1, y: 2.1 }

/** Every choice of ticks from `low` to `high`, the densest first; each ascending. */
export function tickChoices(low: number, high: number): number[][] {
  const first = Math.floor(Math.log10(low))
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => first + i)
  return STEPS.map((steps) => {
    const ticks = powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
    return ticks.filter((tick) => tick >= low && tick <= high)
  })
}

/**
 * Ascending, from `low` to `high`: the densest choice whose labels have room.
 * @param most how many labels have room on the axis, evenly spaced
 */
export function logTicks(low: number, high: number, most: number): number[] {
  const room = Math.log10(high / low) / most
  const fitting = STEPS.findIndex((steps) => nearest(steps) >= room)
  return tickChoices(low, high).at(fitting) ?? []
}

/** The smallest distance between two ticks, in decades. */
const nearest = (steps: readonly number[]): number =>
  Math.min(...steps.map((step, i) => Math.log10((steps[i + 1] ?? 10) / step)))

/** `10,000`, `0.05`; beyond that `1e-7`. */
export const tickLabel = (value: number): string =>
  value >= 1e7 || value < 1e-4 ? value.toExponential().replace('+', '') : grouped(Number(value.toFixed(4)))
