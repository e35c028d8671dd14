/**
 * Follows the events of running searches and keeps, for each run, the content of its progress line: epochs, accuracy,
 * time left.
 */
import { oneLine } from '../core/plainText.ts'
import type { RunEvent } from '../runner/run/messages.ts'

/** The progress of one run, according to the events received so far. */
export interface RunProgress {
  /** Name of the run for people, such as `drnas on shapes, seed 3`. */
  readonly label: string
  /**
   * Whether the run's progress line shows epochs; false for black-box searches, which show evaluations, and for given
   * architectures.
   */
  readonly inEpochs: boolean
  /** Total number of epochs of the run's search, or of the full training that is running now. */
  epochs: number
  /**
   * Fraction of the search or training, 0 to 1, that was already finished when this process began to work on it. The
   * time left is estimated from the speed since then.
   */
  from: number
  beganMs: number
  /** Fraction of the run's search or full training that is finished, 0 to 1. */
  share: number
  /** Number of finished epochs of the run's search or full training. */
  epoch: number
  /**
   * Text with the run's accuracy after its last epoch, such as `accuracy 91.2 %`, or with the best accuracy of a
   * black-box search so far.
   */
  accuracy?: string
  loss?: string
  /** The run's last `evaluations` event, which only black-box searches have. */
  evaluations?: RunEvent & { readonly kind: 'evaluations' }
  /**
   * Seed of the full training that the run is doing; `epochs` and `share` are then those of this training. Absent
   * during the search.
   */
  trainingSeed?: number
  /**
   * Text that the run's progress line shows in place of epochs and accuracy, such as which process the run waits for.
   */
  note?: string
}

/** One part of a run's progress line, such as its accuracy. */
export interface Part {
  readonly text: string
  /**
   * How dispensable the part is: if the progress line is too long, parts with larger numbers are dropped first; parts
   * with 0 are kept.
   */
  readonly dispensable: number
}

/** Keeps the progress of all running searches, which their events update. */
export class ProgressTracker {
  /** Progress of every running search by run id; finished and failed runs are removed. */
  readonly running = new Map<string, RunProgress>()
  readonly #label: (id: string) => string

  /** @param label returns the name of a run, for people, from its id */
  constructor(label: (id: string) => string) {
    this.#label = label
  }

  /** Updates the progress of a run by one of its events, and returns it. */
  update(event: RunEvent): RunProgress | undefined {
    const { id } = event
    if (event.kind === 'begun') return this.#begin(id, event)
    const progress = this.running.get(id) ?? this.#begin(id, { epochs: 1, from: 0 })
    switch (event.kind) {
      case 'progress':
        progress.share = event.share
        delete progress.note
        break
      case 'epoch':
        progress.epoch = event.epoch + 1
        if (progress.inEpochs) {
          Object.assign(progress, { share: progress.epoch / progress.epochs }, epochMetrics(event))
        }
        delete progress.note
        break
      case 'evaluations':
        updateEvaluations(progress, event)
        break
      case 'retraining':
        updateTraining(progress, event)
        break
      case 'training': {
        const { share, epochs } = event
        progress.note = `training a missing architecture, epoch ${Math.floor(share * epochs)}/${epochs}`
        break
      }
      case 'waiting':
        progress.note = `waiting for process ${event.pid} on ${oneLine(event.host)}, which runs it`
        break
      case 'finished':
      case 'failed':
        this.running.delete(id)
        break
    }
    return progress
  }

  #begin(
    id: string,
    { epochs, from, inEpochs = true }: Pick<RunEvent & { kind: 'begun' }, 'epochs' | 'from' | 'inEpochs'>,
  ): RunProgress {
    const share = from / epochs
    const label = oneLine(this.#label(id))
    const progress = { label, inEpochs, epochs, from: share, beganMs: Date.now(), share, epoch: from }
    this.running.set(id, progress)
    return progress
  }
}

function updateEvaluations(progress: RunProgress, event: RunEvent & { readonly kind: 'evaluations' }): void {
  const { count, most, usedSeconds, budgetSeconds, bestPct } = event
  const share = Math.min(1, Math.max(most ? count / most : 0, budgetSeconds ? usedSeconds / budgetSeconds : 0))
  // Evaluations restored from a checkpoint took no time in this attempt, so the clock starts after them.
  if (progress.evaluations === undefined) Object.assign(progress, { from: share, beganMs: Date.now() })
  Object.assign(progress, { share, evaluations: event })
  if (bestPct !== undefined) progress.accuracy = `best ${bestPct.toFixed(1)} %`
  delete progress.note
}

/**
 * Switches a run's progress from the search to a full training: epochs, finished fraction and start time are those of
 * the training from now on.
 */
function updateTraining(progress: RunProgress, event: RunEvent & { readonly kind: 'retraining' }): void {
  const { seed, epoch, epochs, share, loss, testErrorPct } = event
  if (progress.trainingSeed !== seed) {
    Object.assign(progress, { trainingSeed: seed, epochs, from: share, beganMs: Date.now() })
    for (const key of ['evaluations', 'accuracy', 'loss'] as const) delete progress[key]
  }
  Object.assign(progress, { epoch, share })
  if (loss !== undefined) progress.loss = `loss ${loss.toFixed(3)}`
  if (testErrorPct !== undefined) progress.accuracy = `test error ${testErrorPct.toFixed(2)} %`
  delete progress.note
}

function epochMetrics({
  loss,
  accuracyPct,
}: RunEvent & { readonly kind: 'epoch' }): Pick<RunProgress, 'loss' | 'accuracy'> {
  return {
    ...(loss !== undefined && { loss: `loss ${loss.toFixed(3)}` }),
    ...(accuracyPct !== undefined && { accuracy: `accuracy ${accuracyPct.toFixed(1)} %` }),
  }
}

/**
 * Returns the texts of a run's progress line: epochs or evaluations, accuracy, loss and time left; or only the note, if
 * there is one.
 */
export function progressParts(progress: RunProgress): readonly Part[] {
  if (progress.note !== undefined) return [{ text: progress.note, dispensable: 0 }]
  const { epoch, epochs, evaluations, trainingSeed, accuracy = '', loss = '' } = progress
  const parts = [
    ...(evaluations === undefined ? epochParts(progress, `epoch ${epoch}/${epochs}`) : evaluationParts(evaluations)),
    { text: accuracy, dispensable: 0 },
    { text: loss, dispensable: 3 },
    { text: timeLeft(progress), dispensable: 1 },
    { text: trainingSeed === undefined ? '' : `training seed ${trainingSeed}`, dispensable: 2 },
  ]
  return parts.filter(({ text }) => text !== '')
}

function epochParts({ inEpochs, trainingSeed }: RunProgress, text: string): readonly Part[] {
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
  // A search by training-free scores spends time on the simulated clock before its first evaluation, or without one.
  const isCounted = count > 0 || most !== undefined || usedSeconds === 0
  return [
    ...(isCounted ? [{ text: `evaluations ${count}${most === undefined ? '' : `/${most}`}`, dispensable: 0 }] : []),
    { text: `simulated ${used}${budget === undefined ? '' : `/${budget}`} s`, dispensable: 0 },
  ]
}

/**
 * Returns a run's estimated time left as text, such as `ETA 3 min 20 s`, from its speed since this process began to
 * work on it; empty if not known yet.
 */
function timeLeft({ beganMs, share, from }: RunProgress): string {
  const done = share - from
  if (done <= 0 || share >= 1) return ''
  return `ETA ${formatDuration(((Date.now() - beganMs) / 1000 / done) * (1 - share))}`
}

/** Returns a duration in seconds as text: `8 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const twoDigits = (n: number) => String(n).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor((whole % 3600) / 60))} min`
}
