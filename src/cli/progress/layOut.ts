/** What of a running seed fits on one line: a line that wraps would spoil the redrawing. */
import { type Heard, type Part, partsOf } from './hearing.ts'

export interface Line {
  readonly label: string
  /** Signs of the bar. */
  readonly bar: number
  readonly text: string
}

const GAP = 2
const WIDEST_BAR = 16
const NARROWEST_BAR = 4
/** Of a label that has to be shortened, what is left at least. */
const LEAST_LABEL = 16

/** First the bar is narrowed, then what is dispensable left out, then the bar, then the label shortened, at last the text cut. */
export function layOut(heard: Heard, columns: number): Line {
  const parts = fitting(partsOf(heard), columns - heard.label.length - NARROWEST_BAR - 2 * GAP)
  const text = parts.map((part) => part.text).join(' '.repeat(GAP))
  const beside = text.length === 0 ? 0 : text.length + GAP
  const room = columns - heard.label.length - GAP - beside
  if (room >= NARROWEST_BAR) return { label: heard.label, bar: Math.min(WIDEST_BAR, room), text }
  const label = shortened(heard.label, columns - beside)
  return { label, bar: 0, text: text.slice(0, Math.max(0, columns - label.length - GAP)) }
}

/** Without the most dispensable ones, as many as fit; those of rank 0 always. */
function fitting(parts: readonly Part[], width: number): readonly Part[] {
  const length = parts.reduce((sum, { text }) => sum + text.length + GAP, -GAP)
  const worst = parts.reduce((most, { dispensable }) => Math.max(most, dispensable), 0)
  if (length <= width || worst === 0) return parts
  return fitting(
    parts.filter(({ dispensable }) => dispensable !== worst),
    width,
  )
}

/** The end says which seed it is. */
function shortened(label: string, width: number): string {
  const length = Math.max(LEAST_LABEL, width)
  if (label.length <= length) return label
  const head = Math.floor((length - 1) / 2)
  return `${label.slice(0, head)}…${label.slice(label.length - (length - 1 - head))}`
}
