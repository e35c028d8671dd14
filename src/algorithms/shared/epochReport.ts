/** Loss and accuracy for the report of an epoch, from the losses and correct answers of its batches. */
import type { EpochReport } from '../../core/algorithm.ts'
import type { Tally } from '../../core/executor.ts'

/**
 * Makes the report's training loss and accuracy from the tally (mean loss, correct answers) of an epoch's weight steps.
 */
export function trainReport(tally: Tally): EpochReport {
  return { trainLoss: tally.loss, trainAccuracyPct: (100 * tally.correct) / tally.samples }
}

/** Collects loss and accuracy over several batches, for the report of an epoch. */
export interface MeanTally {
  add(tally: Tally): void
  /** Returns the mean loss and the number of correct answers of all batches. */
  tally(): Tally
  /** Returns the validation loss and accuracy for the report of an epoch; neither, if there was no batch. */
  report(): EpochReport
}

/** Makes a collector of the mean loss and accuracy over the batches of an epoch. */
export function meanTally(): MeanTally {
  let loss = 0
  let correct = 0
  let correct5 = 0
  let samples = 0
  return {
    add(tally) {
      loss += tally.loss * tally.samples
      correct += tally.correct
      correct5 += tally.correct5
      samples += tally.samples
    },
    tally: () => ({ loss: loss / samples, correct, correct5, samples }),
    report: () => (samples === 0 ? {} : { validLoss: loss / samples, validAccuracyPct: (100 * correct) / samples }),
  }
}
