/**
 * Types of figures as plain data, with all values in the units that readers see. Other modules render them as pictures
 * and HTML.
 */
import type { Drawing } from '../../core/drawing.ts'
import { extent } from '../../core/numbers.ts'
import type { Look } from './palette.ts'

export interface Figure {
  /** Name of the figure's kind, as typed after `bench plot`. */
  readonly name: string
  /** Caption below the figure: what it shows, over how many runs, and what was left out. */
  readonly caption: string
  /** Panels of the figure in reading order, row by row. */
  readonly panels: readonly Panel[]
  /** Number of panels in each row of the figure. */
  readonly columns: number
  /** The numbers that the drawings among the panels show, for download; plots need none, since they hold their points. */
  readonly numbers?: FigureNumbers
}

/** A table of numbers: the names of its columns, and its rows. */
export interface FigureNumbers {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
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
  /** Whether the axis has ticks at whole numbers only. */
  readonly whole?: boolean
  /** Range that the axis covers even if the values do not; panels that are compared get the same range. */
  readonly atLeast?: readonly [low: number, high: number]
  /** Fixed ends of the axis; values beyond them are not shown. An absent end is chosen from the values. */
  readonly limits?: AxisLimits
}

export type AxisLimits = readonly [low: number | undefined, high: number | undefined]

export const epochAxis: Axis = { label: 'epoch', scale: 'linear', whole: true }

export interface Series {
  readonly label: string
  /**
   * Label of another series together with which the HTML page shows and hides this one; absent: this series is shown
   * and hidden on its own.
   */
  readonly partOf?: string
  readonly look: Look
  readonly form: 'line' | 'steps' | 'points' | 'cloud'
  readonly points: readonly Point[]
  /** Shaded band of the series, between a low and a high curve. */
  readonly band?: readonly BandPoint[]
  /** Whether the figure's legend leaves this series out. */
  readonly unnamed?: boolean
  /** Whether the line is thin and without markers, for lines in the background. */
  readonly thin?: boolean
  /** Whether the points have open markers, through which those beneath are visible. */
  readonly open?: boolean
}

export interface Point {
  readonly x: number
  /**
   * Height of the point; null if nothing was measured at x or the value is not finite, which leaves a gap in the line.
   */
  readonly y: number | null
  /** Text that the HTML page shows when the mouse pointer is on the point. */
  readonly note?: string
}

export interface BandPoint {
  readonly x: number
  readonly low: number | null
  readonly high: number | null
}

/**
 * Returns the scale of an axis for some values: `log` if all are positive and the largest is more than 30 times the
 * smallest, else `linear`.
 */
export function scaleFor(values: readonly number[]): 'linear' | 'log' {
  const [low, high] = extent(values)
  return low > 0 && high / low > 30 ? 'log' : 'linear'
}
