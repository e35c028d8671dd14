/** What the steps of an epoch saw, as an epoch reports it. */
import type { EpochReport } from '../../core/algorithm.ts'
import type { Tally } from '../../core/executor.ts'

/** Of its weight steps. */
export function trainReport(tally: Tally): EpochReport {
  return { trainLoss: tally.loss, trainAccuracyPct: (100 * tally.correct) / tally.samples }
}

export interface MeanTally {
  add(tally: Tally): void
  report(): EpochReport
}

/** Mean loss and accuracy over the validation batches of an epoch; an empty report where there was none. */
export function meanTally(): MeanTally {
  let loss = 0
  let correct = 0
  let samples = 0
  return {
    add(tally) {
      loss += tally.loss * tally.samples
      correct += tally.correct
      samples += tally.samples
    },
    report: () => (samples === 0 ? {} : { validLoss: loss / samples, validAccuracyPct: (100 * correct) / samples }),
  }
}
