/** One bar a running seed, redrawn in place. */
import { oneLine } from '../../core/plainText.ts'
import type { RunEvent } from '../../runner/run/messages.ts'
import { type Paint, paintFor } from '../colours.ts'
import { type Heard, Hearing } from './hearing.ts'
import { layOut } from './layOut.ts'
import type { Progress, ProgressStream } from './progress.ts'

const REDRAW_MS = 120

export class ProgressBars implements Progress {
  readonly #stream: ProgressStream
  readonly #hearing: Hearing
  readonly #paint: Paint
  readonly #timer: NodeJS.Timeout
  #drawn = 0

  constructor(stream: ProgressStream, label: (id: string) => string) {
    this.#stream = stream
    this.#hearing = new Hearing(label)
    this.#paint = paintFor(stream)
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS)
  }

  event(event: RunEvent): void {
    const heard = this.#hearing.hear(event)
    if ((event.kind === 'failed' || event.kind === 'notice') && heard !== undefined) {
      const mark = event.kind === 'failed' ? this.#paint('✗', 'red') : this.#paint('!', 'yellow')
      this.#erase()
      this.#stream.write(`${mark} ${heard.label}  ${oneLine(event.message)}\n`)
    }
  }

  end(): void {
    clearInterval(this.#timer)
    this.#erase()
  }

  /** In one write, so that nothing flickers. */
  #draw(): void {
    const lines = [...this.#hearing.running.values()].map((heard) => this.#line(heard))
    this.#stream.write(this.#eraser() + lines.map((line) => `${line}\n`).join(''))
    this.#drawn = lines.length
  }

  #line(heard: Heard): string {
    const { label, bar, text } = layOut(heard, this.#stream.columns)
    const full = Math.round(bar * heard.share)
    const drawn = this.#paint('━'.repeat(full), 'cyan') + this.#paint('─'.repeat(bar - full), 'dim')
    return [label, ...(bar > 0 ? [drawn] : []), ...(text === '' ? [] : [text])].join('  ')
  }

  #erase(): void {
    this.#stream.write(this.#eraser())
    this.#drawn = 0
  }

  /** Up to the first bar, and everything below it away. */
  #eraser(): string {
    return this.#drawn > 0 ? `\u001b[${this.#drawn}A\u001b[0J` : ''
  }
}
