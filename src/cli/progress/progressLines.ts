/** A line every few seconds a running seed, where nothing can be redrawn. */
import { oneLine } from '../../core/plainText.ts'
import type { RunEvent } from '../../runner/workers/events.ts'
import { type Heard, Hearing, stateOf } from './hearing.ts'
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
    this.#stream.write(`${heard.label}  ${saidOf(event, heard)}\n`)
  }

  end(): void {}

  /** Failures and notices at once; the rest every few seconds. */
  #isDue({ id, kind }: RunEvent): boolean {
    if (kind === 'failed' || kind === 'waiting' || kind === 'notice') return true
    if (kind === 'finished' || kind === 'begun') return false
    const now = Date.now()
    if (now - (this.#lastMs.get(id) ?? 0) < MS_BETWEEN_LINES) return false
    this.#lastMs.set(id, now)
    return true
  }
}

function saidOf(event: RunEvent, heard: Heard): string {
  if (event.kind === 'failed') return `failed: ${oneLine(event.message)}`
  return event.kind === 'notice' ? oneLine(event.message) : stateOf(heard)
}
