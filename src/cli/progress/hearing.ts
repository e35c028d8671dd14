/** What is known of running searches, from the events that they send. */
import { oneLine } from '../../core/plainText.ts'
import type { RunEvent } from '../../runner/run/messages.ts'
import { formatDuration } from './duration.ts'

/** A run as far as it has been heard of. */
export interface Heard {
  readonly label: string
  /** Whether there are epochs to show; else evaluations, or an architecture that is given. */
  readonly inEpochs: boolean
  epochs: number
  /** Share that an earlier attempt had done. */
  from: number
  beganMs: number
  share: number
  epoch: number
  /** Of the last epoch, or the best so far: as `accuracy 91.2 %`. */
  accuracy?: string
  loss?: string
  /** Of a black-box search, instead of its epochs. */
  evaluations?: RunEvent & { readonly kind: 'evaluations' }
  /** Of the full training that follows the search, and whose epochs these are. */
  trainingSeed?: number
  /** Instead of all of this. */
  note?: string
}

/** Something to show, and how soon it is left out where there is little room: 0 never. */
export interface Part {
  readonly text: string
  readonly dispensable: number
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
    switch (event.kind) {
      case 'progress':
        heard.share = event.share
        delete heard.note
        break
      case 'epoch':
        heard.epoch = event.epoch + 1
        if (heard.inEpochs) {
          Object.assign(heard, { share: heard.epoch / heard.epochs }, numbersOf(event))
        }
        delete heard.note
        break
      case 'evaluations':
        hearEvaluations(heard, event)
        break
      case 'retraining':
        hearTraining(heard, event)
        break
      case 'training': {
        const { share, epochs } = event
        heard.note = `training a missing architecture, epoch ${Math.floor(share * epochs)}/${epochs}`
        break
      }
      case 'waiting':
        heard.note = `waiting for process ${event.pid} on ${oneLine(event.host)}, which runs it`
        break
      case 'finished':
      case 'failed':
        this.running.delete(id)
        break
    }
    return heard
  }

  #begin(
    id: string,
    { epochs, from, inEpochs = true }: Pick<RunEvent & { kind: 'begun' }, 'epochs' | 'from' | 'inEpochs'>,
  ): Heard {
    const share = from / epochs
    const heard = {
      label: oneLine(this.#label(id)),
      inEpochs,
      epochs,
      from: share,
      beganMs: Date.now(),
      share,
      epoch: from,
    }
    this.running.set(id, heard)
    return heard
  }
}

function hearEvaluations(heard: Heard, event: RunEvent & { readonly kind: 'evaluations' }): void {
  const { count, most, usedSeconds, budgetSeconds, bestPct } = event
  const share = Math.min(1, Math.max(most ? count / most : 0, budgetSeconds ? usedSeconds / budgetSeconds : 0))
  // What an earlier attempt has asked took no time now.
  if (heard.evaluations === undefined) Object.assign(heard, { from: share, beganMs: Date.now() })
  Object.assign(heard, { share, evaluations: event })
  if (bestPct !== undefined) heard.accuracy = `best ${bestPct.toFixed(1)} %`
  delete heard.note
}

/** Epochs, share and time are those of this training from now on. */
function hearTraining(heard: Heard, event: RunEvent & { readonly kind: 'retraining' }): void {
  const { seed, epoch, epochs, share, loss, testErrorPct } = event
  if (heard.trainingSeed !== seed) {
    Object.assign(heard, { trainingSeed: seed, epochs, from: share, beganMs: Date.now() })
    for (const key of ['evaluations', 'accuracy', 'loss'] as const) delete heard[key]
  }
  Object.assign(heard, { epoch, share })
  if (loss !== undefined) heard.loss = `loss ${loss.toFixed(3)}`
  if (testErrorPct !== undefined) heard.accuracy = `test error ${testErrorPct.toFixed(2)} %`
  delete heard.note
}

function numbersOf({ loss, accuracyPct }: RunEvent & { readonly kind: 'epoch' }): Pick<Heard, 'loss' | 'accuracy'> {
  return {
    ...(loss !== undefined && { loss: `loss ${loss.toFixed(3)}` }),
    ...(accuracyPct !== undefined && { accuracy: `accuracy ${accuracyPct.toFixed(1)} %` }),
  }
}

/** How far a run is, what came out so far, and the time that is left; or what is going on instead. */
export function partsOf(heard: Heard): readonly Part[] {
  if (heard.note !== undefined) return [{ text: heard.note, dispensable: 0 }]
  const { epoch, epochs, evaluations, trainingSeed, accuracy = '', loss = '' } = heard
  const parts = [
    ...(evaluations === undefined ? epochParts(heard, `epoch ${epoch}/${epochs}`) : evaluationParts(evaluations)),
    { text: accuracy, dispensable: 0 },
    { text: loss, dispensable: 3 },
    { text: remaining(heard), dispensable: 1 },
    { text: trainingSeed === undefined ? '' : `training seed ${trainingSeed}`, dispensable: 2 },
  ]
  return parts.filter(({ text }) => text !== '')
}

function epochParts({ inEpochs, trainingSeed }: Heard, text: string): readonly Part[] {
  if (trainingSeed !== undefined) return [{ text: `training ${text}`, dispensable: 0 }]
  return inEpochs ? [{ text, dispensable: 0 }] : []
}

function evaluationParts({
  count,
  most,
  usedSeconds,
  budgetSeconds,
}: RunEvent & { readonly kind: 'evaluations' }): readonly Part[] {
  const [used, budget] = [usedSeconds, budgetSeconds].map((seconds) => seconds && Math.floor(seconds))
  return [
    { text: `evaluations ${count}${most === undefined ? '' : `/${most}`}`, dispensable: 0 },
    { text: `simulated ${used}${budget === undefined ? '' : `/${budget}`} s`, dispensable: 0 },
  ]
}

/** What the rest will take if it goes on as since it began. */
function remaining({ beganMs, share, from }: Heard): string {
  const done = share - from
  if (done <= 0 || share >= 1) return ''
  return `ETA ${formatDuration(((Date.now() - beganMs) / 1000 / done) * (1 - share))}`
}
