/** Types of figures as plain data, in the units that readers see. Renderers turn them into pictures and into HTML. */
import type { Drawing } from '../../core/drawing.ts'
import type { Look } from './palette.ts'

export interface Figure {
  /** Kind of the figure, as typed after `bench plot`. */
  readonly name: string
  /** Sentences that say what is shown, over how many runs, and what was left out. */
  readonly caption: string
  /** The panels, row by row. */
  readonly panels: readonly Panel[]
  /** Number of panels side by side. */
  readonly columns: number
}

export type Panel = Plot | Drawing

export interface Plot {
  readonly kind: 'plot'
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

export interface Axis {
  readonly label: string
  readonly scale: 'linear' | 'log'
  /** Whether ticks stand at whole numbers only. */
  readonly whole?: boolean
  /** Range that the axis covers at least, so that panels that are compared have the same scale. */
  readonly atLeast?: readonly [low: number, high: number]
}

export const epochAxis: Axis = { label: 'epoch', scale: 'linear', whole: true }

export interface Series {
  readonly label: string
  readonly look: Look
  readonly form: 'line' | 'steps' | 'points' | 'cloud'
  readonly points: readonly Point[]
  /** Area that is shaded between a low and a high curve. */
  readonly band?: readonly BandPoint[]
  /** Whether the series is left out of the legend. */
  readonly unnamed?: boolean
}

export interface Point {
  readonly x: number
  /** Null where nothing was measured or the value is not finite: the line has a gap. */
  readonly y: number | null
  /** Text that the page shows under the pointer. */
  readonly note?: string
}

export interface BandPoint {
  readonly x: number
  readonly low: number | null
  readonly high: number | null
}

/** Returns `log` where all values are positive and the largest is more than 30 times the smallest, else `linear`. */
export function scaleFor(values: readonly number[]): 'linear' | 'log' {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low > 0 && high / low > 30 ? 'log' : 'linear'
}
