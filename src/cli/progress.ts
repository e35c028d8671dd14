/** How running searches are shown: a bar a seed on a terminal, a line now and then elsewhere. */
import type { WriteStream } from 'node:tty'
import type { RunEvent } from '../runner/events.ts'
import { type Paint, paintFor } from './colours.ts'
import { formatDuration } from './duration.ts'

export interface Progress {
  event(event: RunEvent): void
  /** Leaves the terminal as it was. */
  end(): void
}

/** Without a trace. */
export const silence: Progress = { event: () => {}, end: () => {} }

/** @param label name of a run for people, by its id */
export function showProgress(stream: WriteStream, label: (id: string) => string): Progress {
  return stream.isTTY ? new Bars(stream, label) : new Lines(stream, label)
}

/** A run as far as it has been heard of. */
interface Heard {
  readonly label: string
  readonly epochs: number
  /** Share that an earlier attempt had done. */
  readonly from: number
  readonly beganMs: number
  share: number
  epoch: number
  /** Loss and accuracy of the last epoch. */
  numbers: string
  /** Instead of the epoch. */
  note?: string
}

/** Follows events, and says what changed. */
class Hearing {
  readonly running = new Map<string, Heard>()
  readonly #label: (id: string) => string

  constructor(label: (id: string) => string) {
    this.#label = label
  }

  hear(event: RunEvent): Heard | undefined {
    const { id } = event
    if (event.kind === 'begun') return this.#begin(id, event)
    const heard = this.running.get(id) ?? this.#begin(id, { epochs: 1, from: 0 })
    if (event.kind === 'progress') {
      heard.share = event.share
      delete heard.note
    }
    if (event.kind === 'epoch') {
      heard.epoch = event.epoch + 1
      heard.share = heard.epoch / heard.epochs
      heard.numbers = numbersOf(event)
      delete heard.note
    }
    if (event.kind === 'training') heard.note = `training an architecture that the table lacks, ${percent(event.share)}`
    if (event.kind === 'waiting') heard.note = `waiting for process ${event.pid} on ${event.host}, which runs it`
    if (event.kind === 'finished' || event.kind === 'failed') this.running.delete(id)
    return heard
  }

  #begin(id: string, { epochs, from }: { readonly epochs: number; readonly from: number }): Heard {
    const share = from / epochs
    const heard = { label: this.#label(id), epochs, from: share, beganMs: Date.now(), share, epoch: from, numbers: '' }
    this.running.set(id, heard)
    return heard
  }
}

function numbersOf({ loss, accuracyPct }: RunEvent & { readonly kind: 'epoch' }): string {
  return [
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
    ...(accuracyPct === undefined ? [] : [`accuracy ${accuracyPct.toFixed(1)} %`]),
  ].join('  ')
}

const percent = (share: number): string => `${Math.round(100 * share)} %`

/** What the rest will take if it goes on as since it began. */
function remaining({ beganMs, share, from }: Heard): string {
  const done = share - from
  if (done <= 0 || share >= 1) return ''
  return `ETA ${formatDuration(((Date.now() - beganMs) / 1000 / done) * (1 - share))}`
}

const BAR_WIDTH = 24
const REDRAW_MS = 120

class Bars implements Progress {
  readonly #stream: WriteStream
  readonly #hearing: Hearing
  readonly #paint: Paint
  readonly #timer: NodeJS.Timeout
  #drawn = 0

  constructor(stream: WriteStream, label: (id: string) => string) {
    this.#stream = stream
    this.#hearing = new Hearing(label)
    this.#paint = paintFor(stream)
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS)
  }

  event(event: RunEvent): void {
    const heard = this.#hearing.hear(event)
    if (event.kind === 'failed' && heard !== undefined) {
      this.#erase()
      this.#stream.write(`${this.#paint('✗', 'red')} ${heard.label}  ${event.message}\n`)
    }
  }

  end(): void {
    clearInterval(this.#timer)
    this.#erase()
  }

  #draw(): void {
    this.#erase()
    const lines = [...this.#hearing.running.values()].map((heard) => this.#line(heard))
    this.#stream.write(lines.map((line) => `${line}\n`).join(''))
    this.#drawn = lines.length
  }

  #line(heard: Heard): string {
    const full = Math.round(BAR_WIDTH * heard.share)
    const bar = '━'.repeat(full)
    const rest = '─'.repeat(BAR_WIDTH - full)
    const state = heard.note ?? [`epoch ${heard.epoch}/${heard.epochs}`, heard.numbers, remaining(heard)].join('  ')
    // A line that wraps would spoil the redrawing.
    const text = state.slice(0, Math.max(0, this.#stream.columns - heard.label.length - BAR_WIDTH - 4))
    return `${heard.label}  ${this.#paint(bar, 'cyan')}${this.#paint(rest, 'dim')}  ${text}`
  }

  #erase(): void {
    if (this.#drawn > 0) this.#stream.write(`\u001b[${this.#drawn}A\u001b[0J`)
    this.#drawn = 0
  }
}

const MS_BETWEEN_LINES = 3000

class Lines implements Progress {
  readonly #stream: WriteStream
  readonly #hearing: Hearing
  readonly #lastMs = new Map<string, number>()

  constructor(stream: WriteStream, label: (id: string) => string) {
    this.#stream = stream
    this.#hearing = new Hearing(label)
  }

  event(event: RunEvent): void {
    const heard = this.#hearing.hear(event)
    if (heard === undefined || !this.#isDue(event)) return
    const state = heard.note ?? [`epoch ${heard.epoch}/${heard.epochs}`, heard.numbers, remaining(heard)].join('  ')
    this.#stream.write(`${heard.label}  ${event.kind === 'failed' ? `failed: ${event.message}` : state.trimEnd()}\n`)
  }

  end(): void {}

  /** Failures at once; the rest every few seconds. */
  #isDue({ id, kind }: RunEvent): boolean {
    if (kind === 'failed' || kind === 'waiting') return true
    if (kind === 'finished' || kind === 'begun') return false
    const now = Date.now()
    if (now - (this.#lastMs.get(id) ?? 0) < MS_BETWEEN_LINES) return false
    this.#lastMs.set(id, now)
    return true
  }
}
