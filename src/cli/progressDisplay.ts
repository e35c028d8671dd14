/**
 * Shows the progress of running searches: one bar per run, redrawn in place, on a terminal; one line per run every few
 * seconds where the output is piped or written to a file.
 */
import type { WriteStream } from 'node:tty'
import { oneLine } from '../core/plainText.ts'
import type { RunEvent } from '../runner/run/messages.ts'
import { type Paint, paintFor } from './output.ts'
import { type Part, ProgressTracker, progressParts, type RunProgress } from './progressTracker.ts'

export interface ProgressDisplay {
  /** Updates the display with an event of a running search. */
  event(event: RunEvent): void
  /** Ends the display and clears its progress bars from the terminal. */
  end(): void
}

/** The properties of an output stream that a progress display uses. */
export type ProgressStream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>

/** A progress display that prints nothing, for `--quiet`. */
export const noProgress: ProgressDisplay = { event: () => {}, end: () => {} }

/**
 * Returns the progress display for an output stream: bars on a terminal, else lines.
 * @param label returns the name of a run, for people, from its id
 */
export function showProgress(stream: ProgressStream, label: (id: string) => string): ProgressDisplay {
  return stream.isTTY ? new ProgressBars(stream, label) : new ProgressLines(stream, label)
}

const MS_BETWEEN_REDRAWS = 120

class ProgressBars implements ProgressDisplay {
  readonly #stream: ProgressStream
  readonly #tracker: ProgressTracker
  readonly #paint: Paint
  readonly #timer: NodeJS.Timeout
  #drawnLines = 0

  constructor(stream: ProgressStream, label: (id: string) => string) {
    this.#stream = stream
    this.#tracker = new ProgressTracker(label)
    this.#paint = paintFor(stream)
    this.#timer = setInterval(() => this.#draw(), MS_BETWEEN_REDRAWS)
  }

  event(event: RunEvent): void {
    const progress = this.#tracker.update(event)
    if ((event.kind === 'failed' || event.kind === 'notice') && progress !== undefined) {
      const mark = event.kind === 'failed' ? this.#paint('✗', 'red') : this.#paint('!', 'yellow')
      this.#erase()
      this.#stream.write(`${mark} ${progress.label}  ${oneLine(event.message)}\n`)
    }
  }

  end(): void {
    clearInterval(this.#timer)
    this.#erase()
  }

  /** Redraws the progress bars of all runs in a single write, so that the terminal does not flicker. */
  #draw(): void {
    const lines = [...this.#tracker.running.values()].map((progress) => this.#line(progress))
    this.#stream.write(this.#eraser() + lines.map((line) => `${line}\n`).join(''))
    this.#drawnLines = lines.length
  }

  #line(progress: RunProgress): string {
    const { label, bar, text } = layOutLine(progress, this.#stream.columns)
    const full = Math.round(bar * progress.share)
    const drawn = this.#paint('━'.repeat(full), 'cyan') + this.#paint('─'.repeat(bar - full), 'dim')
    return [label, ...(bar > 0 ? [drawn] : []), ...(text === '' ? [] : [text])].join('  ')
  }

  #erase(): void {
    this.#stream.write(this.#eraser())
    this.#drawnLines = 0
  }

  /**
   * Returns the terminal's control sequence that moves the cursor up to the first progress bar and clears everything
   * below.
   */
  #eraser(): string {
    return this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A\u001b[0J` : ''
  }
}

/** The progress line of one run, laid out for the width of a terminal: label, bar and text. */
interface Line {
  readonly label: string
  /** Width of the line's progress bar, in characters; 0: no bar. */
  readonly bar: number
  readonly text: string
}

const GAP = 2
const WIDEST_BAR = 16
const NARROWEST_BAR = 4
/** Smallest number of characters to which the label of a progress line is shortened. */
const SHORTEST_LABEL = 16

/**
 * Returns the progress line of one run in at most `columns` characters, since a wrapped line could not be redrawn in
 * place. If space is short, it narrows the bar, then drops dispensable parts of the text, then the bar, then shortens
 * the label, then the text.
 */
function layOutLine(progress: RunProgress, columns: number): Line {
  const parts = fittingParts(progressParts(progress), columns - progress.label.length - NARROWEST_BAR - 2 * GAP)
  const text = parts.map((part) => part.text).join(' '.repeat(GAP))
  const textWidth = text.length === 0 ? 0 : text.length + GAP
  const barWidth = columns - progress.label.length - GAP - textWidth
  if (barWidth >= NARROWEST_BAR) return { label: progress.label, bar: Math.min(WIDEST_BAR, barWidth), text }
  const label = shortenLabel(progress.label, columns - textWidth)
  return { label, bar: 0, text: text.slice(0, Math.max(0, columns - label.length - GAP)) }
}

/**
 * Returns the parts of a progress line that fit into `width` characters; the most dispensable ones are left out first.
 */
function fittingParts(parts: readonly Part[], width: number): readonly Part[] {
  const length = parts.reduce((sum, { text }) => sum + text.length + GAP, -GAP)
  const worst = parts.reduce((most, { dispensable }) => Math.max(most, dispensable), 0)
  if (length <= width || worst === 0) return parts
  return fittingParts(
    parts.filter(({ dispensable }) => dispensable !== worst),
    width,
  )
}

/**
 * Returns the label of a run, with its middle replaced by `…` if it is longer than `width` characters; the seed at its
 * end stays.
 */
function shortenLabel(label: string, width: number): string {
  const length = Math.max(SHORTEST_LABEL, width)
  if (label.length <= length) return label
  const head = Math.floor((length - 1) / 2)
  return `${label.slice(0, head)}…${label.slice(label.length - (length - 1 - head))}`
}

const MS_BETWEEN_LINES = 3000

class ProgressLines implements ProgressDisplay {
  readonly #stream: ProgressStream
  readonly #tracker: ProgressTracker
  readonly #lastMs = new Map<string, number>()

  constructor(stream: ProgressStream, label: (id: string) => string) {
    this.#stream = stream
    this.#tracker = new ProgressTracker(label)
  }

  event(event: RunEvent): void {
    const progress = this.#tracker.update(event)
    if (progress === undefined || !this.#isDue(event)) return
    const text = lineText(event, progress)
    if (text === '') return
    this.#lastMs.set(event.id, Date.now())
    this.#stream.write(`${progress.label}  ${text}\n`)
  }

  end(): void {}

  /** Returns whether an event of a run is printed: failures and notices always, other events only every few seconds. */
  #isDue(event: RunEvent): boolean {
    const { id, kind } = event
    if (kind === 'evaluations' && event.usedSeconds === 0) return false
    if (kind === 'failed' || kind === 'waiting' || kind === 'notice') return true
    if (kind === 'finished' || kind === 'begun') return false
    return Date.now() - (this.#lastMs.get(id) ?? 0) >= MS_BETWEEN_LINES
  }
}

function lineText(event: RunEvent, progress: RunProgress): string {
  if (event.kind === 'failed') return `failed: ${oneLine(event.message)}`
  if (event.kind === 'notice') return oneLine(event.message)
  return progressParts(progress)
    .map(({ text }) => text)
    .join('  ')
}
