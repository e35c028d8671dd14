/** A line every few seconds a running seed, where nothing can be redrawn. */
import { oneLine } from '../../core/plainText.ts'
import type { RunEvent } from '../../runner/run/messages.ts'
import { type Heard, Hearing, partsOf } from './hearing.ts'
import type { Progress, ProgressStream } from './progress.ts'

const MS_BETWEEN_LINES = 3000

export class ProgressLines implements Progress {
  readonly #stream: ProgressStream
  readonly #hearing: Hearing
  readonly #lastMs = new Map<string, number>()

  constructor(stream: ProgressStream, label: (id: string) => string) {
    this.#stream = stream
    this.#hearing = new Hearing(label)
  }

  event(event: RunEvent): void {
    const heard = this.#hearing.hear(event)
    if (heard === undefined || !this.#isDue(event)) return
    const said = saidOf(event, heard)
    if (said === '') return
    this.#lastMs.set(event.id, Date.now())
    this.#stream.write(`${heard.label}  ${said}\n`)
  }

  end(): void {}

  /** Failures and notices at once; the rest every few seconds. */
  #isDue(event: RunEvent): boolean {
    const { id, kind } = event
    if (kind === 'evaluations' && event.count === 0) return false
    if (kind === 'failed' || kind === 'waiting' || kind === 'notice') return true
    if (kind === 'finished' || kind === 'begun') return false
    return Date.now() - (this.#lastMs.get(id) ?? 0) >= MS_BETWEEN_LINES
  }
}

function saidOf(event: RunEvent, heard: Heard): string {
  if (event.kind === 'failed') return `failed: ${oneLine(event.message)}`
  if (event.kind === 'notice') return oneLine(event.message)
  return partsOf(heard)
    .map(({ text }) => text)
    .join('  ')
}
