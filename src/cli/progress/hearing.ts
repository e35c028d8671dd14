/** What is known of running searches, from the events that they send. */
import { oneLine } from '../../core/plainText.ts'
import type { RunEvent } from '../../runner/workers/events.ts'
import { formatDuration } from './duration.ts'

/** A run as far as it has been heard of. */
export interface Heard {
  readonly label: string
  epochs: number
  /** Share that an earlier attempt had done. */
  from: number
  beganMs: number
  share: number
  epoch: number
  /** Loss and accuracy of the last epoch. */
  numbers: string
  /** What follows the search: `full training, seed 0`. */
  phase?: string
  /** Instead of the epoch. */
  note?: string
}

/** Follows events, and says what changed. */
export class Hearing {
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
    if (event.kind === 'retraining') hearTraining(heard, event)
    if (event.kind === 'training') heard.note = `training an architecture that the table lacks, ${percent(event.share)}`
    if (event.kind === 'waiting')
      heard.note = oneLine(`waiting for process ${event.pid} on ${event.host}, which runs it`)
    if (event.kind === 'finished' || event.kind === 'failed') this.running.delete(id)
    return heard
  }

  #begin(id: string, { epochs, from }: { readonly epochs: number; readonly from: number }): Heard {
    const share = from / epochs
    const heard = {
      label: oneLine(this.#label(id)),
      epochs,
      from: share,
      beganMs: Date.now(),
      share,
      epoch: from,
      numbers: '',
    }
    this.running.set(id, heard)
    return heard
  }
}

/** Epochs, share and time are those of this training from now on. */
function hearTraining(heard: Heard, event: RunEvent & { readonly kind: 'retraining' }): void {
  const { seed, epoch, epochs, share, loss, testErrorPct } = event
  const phase = `full training, seed ${seed}`
  if (heard.phase !== phase) Object.assign(heard, { phase, epochs, from: share, beganMs: Date.now() })
  const numbers = loss === undefined ? '' : `loss ${loss.toFixed(3)}  test error ${testErrorPct?.toFixed(2)} %`
  Object.assign(heard, { epoch, share, numbers })
  delete heard.note
}

function numbersOf({ loss, accuracyPct }: RunEvent & { readonly kind: 'epoch' }): string {
  return [
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
    ...(accuracyPct === undefined ? [] : [`accuracy ${accuracyPct.toFixed(1)} %`]),
  ].join('  ')
}

/** Epoch, numbers and the time that is left, or what is going on instead. */
export const stateOf = (heard: Heard): string =>
  heard.note ??
  [heard.phase ?? '', `epoch ${heard.epoch}/${heard.epochs}`, remaining(heard), heard.numbers]
    .filter((part) => part !== '')
    .join('  ')

const percent = (share: number): string => `${Math.round(100 * share)} %`

/** What the rest will take if it goes on as since it began. */
function remaining({ beganMs, share, from }: Heard): string {
  const done = share - from
  if (done <= 0 || share >= 1) return ''
  return `ETA ${formatDuration(((Date.now() - beganMs) / 1000 / done) * (1 - share))}`
}
