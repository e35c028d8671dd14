/** Figures as data: what is shown, in the reader's words and units. Renderers turn it into pictures. */
import type { Drawing } from '../../core/drawing.ts'
import type { Look } from './palette.ts'

export interface Figure {
  /** Kind, as typed after `bench plot`. */
  readonly name: string
  /** What is shown, over how many runs, and what was left out. */
  readonly caption: string
  /** Small multiples, row by row. */
  readonly panels: readonly Panel[]
  /** Panels side by side. */
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
  /** Nothing stands between whole numbers. */
  readonly whole?: boolean
  /** What the axis shows at least: panels that are compared have one scale. */
  readonly atLeast?: readonly [low: number, high: number]
}

export const epochAxis: Axis = { label: 'epoch', scale: 'linear', whole: true }

export interface Series {
  readonly label: string
  readonly look: Look
  readonly form: 'line' | 'steps' | 'points' | 'cloud'
  readonly points: readonly Point[]
  /** Shaded between low and high. */
  readonly band?: readonly BandPoint[]
  /** Left out of the legend. */
  readonly unnamed?: boolean
}

export interface Point {
  readonly x: number
  /** null: nothing measured or not a number; the line has a gap. */
  readonly y: number | null
  /** Shown under the pointer. */
  readonly note?: string
}

export interface BandPoint {
  readonly x: number
  readonly low: number | null
  readonly high: number | null
}

/** Logarithmic where all values are positive and span more than a decade and a half. */
export function scaleFor(values: readonly number[]): 'linear' | 'log' {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low > 0 && high / low > 30 ? 'log' : 'linear'
}
