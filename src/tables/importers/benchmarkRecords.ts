/**
 * Converts the architecture records of published benchmarks to trainings. For each training schedule (`12` and `200`,
 * or `less` and `full`), NAS-Bench-201 and NATS-Bench save an `ArchResults` with one `ResultsCount` for each dataset
 * and seed. NASLib's reduced pickles have one training for each architecture and dataset.
 */
import { BenchError } from '../../core/errors.ts'
import { describe } from '../../pickle/values.ts'
import { checkLimit } from '../../system/limits.ts'
import type { ArchitectureRuns, SplitCurves, TrainingRun } from './trainingRuns.ts'

export type Dict = ReadonlyMap<unknown, unknown>

const SCHEDULES = ['12', '200', 'less', 'full']

/**
 * Converts one training, an object of NAS-Bench-201's Python class `ResultsCount`, to the form that all importers
 * share.
 */
export type ReadRun = (count: Dict, dataset: string, seed: number, where: string) => TrainingRun

/**
 * Returns the trainings of one architecture, converted from its NAS-Bench-201 or NATS-Bench record.
 * @param record dict from training schedule to `ArchResults`
 * @param readRun `runReader()`, or a function that looks up trainings that have already been converted
 * @throws BenchError `bad-input` that names the missing or malformed part of the record
 */
export function architectureRuns(record: unknown, name: string, readRun: ReadRun): ArchitectureRuns {
  const schedules = SCHEDULES.flatMap((schedule) => {
    const results = record instanceof Map ? record.get(schedule) : undefined
    return results instanceof Map ? [{ schedule, results: results as Dict }] : []
  })
  if (schedules.length === 0) throw malformed(name, 'has no schedule (12, 200, less or full)')
  const [{ results: first }] = schedules
  const arch = text(first, 'arch_str', name)
  const index = integer(first, 'arch_index', name)
  for (const { schedule, results } of schedules) {
    if (text(results, 'arch_str', name) === arch && integer(results, 'arch_index', name) === index) continue
    throw malformed(name, `is of another architecture under "${schedule}" than before`)
  }
  return { index, arch, runs: schedules.flatMap(({ results }) => runsOf(results, arch, name, readRun)) }
}

function runsOf(results: Dict, arch: string, name: string, readRun: ReadRun): TrainingRun[] {
  const all = results.get('all_results')
  if (!(all instanceof Map)) throw malformed(name, 'has no all_results')
  return [...(all as Dict)].map(([key, count]) => {
    const [dataset, seed] = Array.isArray(key) ? key : []
    if (typeof dataset !== 'string' || !isSeed(seed)) {
      throw malformed(name, 'has a result that is not of a (dataset, seed)')
    }
    checkName(dataset, name)
    const where = `${name}, ${dataset}, seed ${seed}`
    if (!(count instanceof Map)) throw malformed(where, 'is empty')
    const run = readRun(count as Dict, dataset, seed, where)
    if (run.arch !== undefined && run.arch !== arch) {
      throw malformed(where, `is of another architecture, ${describe(run.arch)}`)
    }
    if (run.dataset !== dataset || run.seed !== seed) {
      throw malformed(where, `is a training on ${run.dataset} with seed ${run.seed}`)
    }
    return run
  })
}

/**
 * Returns a function that converts the trainings of one architecture record, and that throws if all of them together
 * have more values than the limit `source-numbers` allows.
 */
export function runReader(): ReadRun {
  let numbers = 0
  return (count, dataset, seed, where) => {
    const epochs = integer(count, 'epochs', where)
    if (epochs < 1) throw malformed(where, `has ${epochs} epochs`)
    checkLimit('record-epochs', epochs, where)
    const splits = evalNames(count, where)
    numbers += 3 * epochs * (1 + splits.length)
    checkLimit('source-numbers', numbers, where)
    return trainingRun(count, { dataset, epochs, seed }, splits, where)
  }
}

function evalNames(count: Dict, where: string): string[] {
  const names = count.get('eval_names')
  if (!Array.isArray(names)) throw malformed(where, 'has no eval_names')
  for (const name of names) checkName(name, where)
  if (new Set(names).size < names.length) throw malformed(where, 'has a split twice among its eval_names')
  return names
}

/**
 * Checks that the name of a dataset or split has only letters, digits and `-_.+`, since column names contain it.
 * @throws BenchError `bad-input`
 */
export function checkName(name: unknown, where: string): asserts name is string {
  if (typeof name === 'string' && /^[\w.+-]{1,80}$/.test(name)) return
  throw malformed(where, `has a dataset or split named ${describe(name)}; expected letters, digits, "-", "_" and "."`)
}

export const isSeed = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

type RunName = Pick<TrainingRun, 'dataset' | 'epochs' | 'seed'>

function trainingRun(count: Dict, run: RunName, splits: readonly string[], where: string): TrainingRun {
  const { epochs } = run
  const config = count.get('arch_config')
  const arch = config instanceof Map ? config.get('arch_str') : undefined
  return {
    ...run,
    ...(typeof arch === 'string' ? { arch } : {}),
    ...optional('parametersM', number(count.get('params'), where)),
    ...optional('flopsM', number(count.get('flop'), where)),
    ...optional('latencySeconds', latency(count.get('latency'))),
    splits: [trainCurves(count, epochs, where), ...splits.map((split) => evalCurves(count, split, epochs, where))],
  }
}

const optional = (key: string, value: number | undefined) => (value === undefined ? {} : { [key]: value })

function trainCurves(count: Dict, epochs: number, where: string): SplitCurves {
  const key = (epoch: number) => epoch
  return {
    split: 'train',
    accuracyPct: percentages(curve(count.get('train_acc1es'), key, epochs, where), where),
    loss: curve(count.get('train_losses'), key, epochs, where),
    seconds: curve(count.get('train_times'), key, epochs, where),
  }
}

function evalCurves(count: Dict, split: string, epochs: number, where: string): SplitCurves {
  const key = (epoch: number) => `${split}@${epoch}`
  return {
    split,
    accuracyPct: percentages(curve(count.get('eval_acc1es'), key, epochs, where), where),
    loss: curve(count.get('eval_losses'), key, epochs, where),
    seconds: curve(count.get('eval_times'), key, epochs, where),
  }
}

/**
 * Converts a Python dict from epoch to value to an array with one value per epoch. Epochs that the dict lacks get NaN;
 * without a dict, all epochs do.
 */
function curve(dict: unknown, key: (epoch: number) => number | string, epochs: number, where: string): Float64Array {
  const values = new Float64Array(epochs).fill(Number.NaN)
  if (dict === null || dict === undefined) return values
  if (!(dict instanceof Map)) throw malformed(where, 'has a curve that is not a dict')
  for (let epoch = 0; epoch < epochs; epoch++) {
    const value = dict.get(key(epoch))
    if (value === undefined) continue
    values[epoch] = isFiniteNumber(value) ? value : finite(value, `${where}, ${key(epoch)}`)
  }
  return values
}

/** Checks that a training's accuracies are between 0 and 100 %, and returns them. @throws BenchError `bad-input` */
export function percentages(values: Float64Array, where: string): Float64Array {
  const outside = values.find((value) => value < 0 || value > 100)
  if (outside !== undefined) throw malformed(where, `has an accuracy of ${outside} %`)
  return values
}

const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value)

function finite(value: unknown, where: string): number {
  if (isFiniteNumber(value)) return value
  throw malformed(where, `is ${describe(value)}, not a number`)
}

/**
 * Returns the mean of the latencies in an architecture record. Latencies that could not be measured, recorded as `None`
 * or as negative numbers, are left out.
 */
function latency(value: unknown): number | undefined {
  if (!Array.isArray(value)) return undefined
  const measured = value.filter((seconds) => typeof seconds === 'number' && seconds > 0)
  return measured.length === 0 ? undefined : measured.reduce((sum, seconds) => sum + seconds, 0) / measured.length
}

const number = (value: unknown, where: string): number | undefined =>
  value === null || value === undefined ? undefined : finite(value, where)

function text(dict: Dict, key: string, name: string): string {
  const value = dict.get(key)
  if (typeof value === 'string') return value
  throw malformed(name, `has no ${key}`)
}

function integer(dict: Dict, key: string, name: string): number {
  const value = dict.get(key)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw malformed(name, `has no ${key}`)
}

const malformed = (where: string, problem: string) => new BenchError('bad-input', `${where} ${problem}`)

/**
 * Split, seed and epochs of the trainings in a NASLib pickle. The pickle does not state them; the user's mapping file
 * does.
 */
export interface NaslibQualifier {
  /** Split of the dataset on which the pickle's accuracies `eval_acc1es` were measured. */
  readonly split?: string
  readonly seed?: number
  /** Number of epochs of the pickle's trainings. It is needed if the pickle has values for the last epoch only. */
  readonly epochs?: number
}

/** Returns whether a Python dict has the keys of one training in a NASLib pickle. */
export const isNaslibRun = (dict: Dict): boolean =>
  dict.has('train_acc1es') && dict.has('eval_acc1es') && dict.has('cost_info')

/**
 * Returns one training of a NASLib pickle in the form that all importers share. Its dataset is an empty string, since
 * only the surrounding dict names the dataset.
 * @throws BenchError `bad-input` for malformed values, and if the user's mapping does not state split and seed
 */
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

/**
 * Returns the values of a NASLib training, one per epoch. If the pickle has only the last epoch's value, the others are
 * NaN.
 */
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
