/**
 * NASLib's trimmed pickles: architecture → dataset → final numbers or curves of one training. They do not say which seed
 * and split their numbers are of; whoever imports them does.
 */
import { BenchError } from '../../core/errors.ts'
import { checkLimit } from '../../system/limits.ts'
import { type Dict, percentages } from './archResults.ts'
import type { TrainingRun } from './trainingRuns.ts'

export interface NaslibQualifier {
  /** Of `eval_acc1es`. */
  readonly split?: string
  readonly seed?: number
  /** Where the file has final numbers only. */
  readonly epochs?: number
}

export const isNaslibRun = (dict: Dict): boolean =>
  dict.has('train_acc1es') && dict.has('eval_acc1es') && dict.has('cost_info')

/** The dataset is known only to the dict around it: it is left empty. @throws BenchError `bad-input` */
export function naslibRun(dict: Dict, { split, seed, epochs }: NaslibQualifier, name: string): TrainingRun {
  if (split === undefined || seed === undefined) {
    throw new BenchError(
      'bad-input',
      `${name} does not say which split and seed its numbers are of; say so in a mapping: {split: x-valid, seed: 888}`,
    )
  }
  const curve = (key: string) => {
    const found = values(dict.get(key), epochs, `${name}, ${key}`)
    checkLimit('record-epochs', found.length, `${name}, ${key}`)
    return found
  }
  const accuracies = (key: string) => percentages(curve(key), `${name}, ${key}`)
  const train = { accuracyPct: accuracies('train_acc1es'), loss: curve('train_losses') }
  const evaluation = { accuracyPct: accuracies('eval_acc1es'), loss: curve('eval_losses') }
  const untimed = new Float64Array(train.accuracyPct.length).fill(Number.NaN)
  const cost = dict.get('cost_info')
  const quantity = (key: string) => {
    const value = cost instanceof Map ? cost.get(key) : undefined
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  }
  const costs = { parametersM: quantity('params'), flopsM: quantity('flops'), latencySeconds: quantity('latency') }
  return {
    dataset: '',
    epochs: train.accuracyPct.length,
    seed,
    ...Object.fromEntries(Object.entries(costs).filter(([, value]) => value !== undefined)),
    splits: [
      { split: 'train', ...train, seconds: untimed },
      { split, ...evaluation, seconds: untimed },
    ],
  }
}

/** A curve; or a final number, which is the last of a curve that is not there. */
function values(value: unknown, epochs: number | undefined, where: string): Float64Array {
  const numbers = typeof value === 'number' ? finalOf(value, epochs, where) : value
  if (Array.isArray(numbers) && numbers.length > 0 && numbers.every((item) => typeof item === 'number')) {
    return Float64Array.from(numbers)
  }
  throw new BenchError('bad-input', `${where} is neither a number nor a list of numbers`)
}

function finalOf(value: number, epochs: number | undefined, where: string): number[] {
  if (epochs === undefined) {
    throw new BenchError(
      'bad-input',
      `${where} is a final number; say in the mapping after how many epochs: {epochs: 200}`,
    )
  }
  checkLimit('record-epochs', epochs, where)
  return [...Array.from({ length: epochs - 1 }, () => Number.NaN), value]
}
