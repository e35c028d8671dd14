/** Fits the progress of one running seed on one terminal line; a line that wraps could not be redrawn in place. */
import { type Heard, type Part, partsOf } from './hearing.ts'

export interface Line {
  readonly label: string
  /** Width of the bar, in characters. */
  readonly bar: number
  readonly text: string
}

const GAP = 2
const WIDEST_BAR = 16
const NARROWEST_BAR = 4
/** A label is never shortened below this number of characters. */
const LEAST_LABEL = 16

/**
 * Lays out one line of at most `columns` characters. Where space is short it narrows the bar, then drops dispensable
 * parts of
 * the text, then drops the bar, then shortens the label, and last cuts the text.
 */
export function layOut(heard: Heard, columns: number): Line {
  const parts = fitting(partsOf(heard), columns - heard.label.length - NARROWEST_BAR - 2 * GAP)
  const text = parts.map((part) => part.text).join(' '.repeat(GAP))
  const beside = text.length === 0 ? 0 : text.length + GAP
  const room = columns - heard.label.length - GAP - beside
  if (room >= NARROWEST_BAR) return { label: heard.label, bar: Math.min(WIDEST_BAR, room), text }
  const label = shortened(heard.label, columns - beside)
  return { label, bar: 0, text: text.slice(0, Math.max(0, columns - label.length - GAP)) }
}

/** Drops the most dispensable parts until the rest fits into `width`; parts of rank 0 are always kept. */
function fitting(parts: readonly Part[], width: number): readonly Part[] {
  const length = parts.reduce((sum, { text }) => sum + text.length + GAP, -GAP)
  const worst = parts.reduce((most, { dispensable }) => Math.max(most, dispensable), 0)
  if (length <= width || worst === 0) return parts
  return fitting(
    parts.filter(({ dispensable }) => dispensable !== worst),
    width,
  )
}

/** Shortens a label in its middle, since its end names the seed. */
function shortened(label: string, width: number): string {
  const length = Math.max(LEAST_LABEL, width)
  if (label.length <= length) return label
  const head = Math.floor((length - 1) / 2)
  return `${label.slice(0, head)}…${label.slice(label.length - (length - 1 - head))}`
}
