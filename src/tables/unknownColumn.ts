/** The error for a number that a table does not have: which of its four qualifiers is at fault, and what there is. */
import { BenchError } from '../core/errors.ts'
import { formatQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

/**
 * @param place where the number was looked for: `table nb201`
 * @param candidates the numbers that agree with what is not at fault
 * @param known all that the table has, for hints
 */
export function unknownColumn(
  place: string,
  asked: Qualifier,
  candidates: readonly Qualifier[],
  known: readonly Qualifier[] = candidates,
): BenchError {
  const ofDataset = candidates.filter(({ dataset }) => dataset === asked.dataset)
  if (ofDataset.length === 0) {
    return unknownName(`dataset of ${place}`, asked.dataset, distinct(candidates.map(({ dataset }) => dataset)))
  }
  const ofSplit = ofDataset.filter(({ split }) => split === asked.split)
  if (ofSplit.length === 0) return unknownSplit(asked, ofDataset, known)
  const ofEpochs = ofSplit.filter(({ epochs }) => epochs === asked.epochs)
  const found = `${place} has ${asked.dataset}/${asked.split}`
  if (ofEpochs.length === 0) {
    const epochs = distinct(ofSplit.map(({ epochs }) => epochs))
    return new BenchError('unknown-name', `${found} after ${epochs.join(' and ')} epochs, not after ${asked.epochs}`)
  }
  const seeds = ofEpochs.map(({ seed }) => seed).join(', ')
  return new BenchError('unknown-name', `${found}/${asked.epochs} for seeds ${seeds}, not for ${asked.seed}`)
}

/** On NAS-Bench-201, CIFAR-10's validation numbers belong to networks trained on half of the training set. */
function unknownSplit(asked: Qualifier, ofDataset: readonly Qualifier[], known: readonly Qualifier[]): BenchError {
  const splits = distinct(ofDataset.map(({ split }) => split)).join(', ')
  const half = known.find(({ dataset, split }) => dataset === `${asked.dataset}-valid` && split === asked.split)
  const hint = half === undefined ? '' : `; there is ${formatQualifier(half)}`
  return new BenchError('unknown-name', `dataset ${asked.dataset} has no split ${asked.split}; it has ${splits}${hint}`)
}
