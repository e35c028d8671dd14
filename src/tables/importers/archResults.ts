/**
 * What the API classes of NAS-Bench-201 and NATS-Bench save: for each schedule (`12` and `200`, or `less` and `full`) an
 * `ArchResults` with one `ResultsCount` for each dataset and seed.
 */
import { BenchError } from '../../core/errors.ts'
import type { ArchitectureRuns, SplitCurves, TrainingRun } from './trainingRuns.ts'

export type Dict = ReadonlyMap<unknown, unknown>

const SCHEDULES = ['12', '200', 'less', 'full']

/** Longest schedule that is read: what a damaged record may ask for in memory. */
const MOST_EPOCHS = 10_000

/**
 * @param record schedule → ArchResults
 * @param known gives trainings that were read before their dicts were emptied
 * @throws BenchError `bad-input` with the part of the record that is missing or malformed
 */
export function architectureRuns(
  record: unknown,
  name: string,
  known: (count: Dict) => TrainingRun | undefined = () => undefined,
): ArchitectureRuns {
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
  return { index, arch, runs: schedules.flatMap(({ results }) => runsOf(results, arch, name, known)) }
}

function runsOf(results: Dict, arch: string, name: string, known: (count: Dict) => TrainingRun | undefined) {
  const all = results.get('all_results')
  if (!(all instanceof Map)) throw malformed(name, 'has no all_results')
  return [...(all as Dict)].map(([key, count]) => {
    const [dataset, seed] = Array.isArray(key) ? key : []
    if (typeof dataset !== 'string' || !Number.isSafeInteger(seed)) {
      throw malformed(name, 'has a result that is not of a (dataset, seed)')
    }
    const where = `${name}, ${dataset}, seed ${seed}`
    if (!(count instanceof Map)) throw malformed(where, 'is empty')
    const run = known(count) ?? trainingRun(count, dataset, seed, where)
    if (run.arch !== undefined && run.arch !== arch) throw malformed(where, `is of another architecture, ${run.arch}`)
    if (run.dataset !== dataset || run.seed !== seed) {
      throw malformed(where, `is a training on ${run.dataset} with seed ${run.seed}`)
    }
    return run
  })
}

/** @param count a `ResultsCount` */
export function trainingRun(count: Dict, dataset: string, seed: number, where: string): TrainingRun {
  const epochs = integer(count, 'epochs', where)
  if (epochs < 1 || epochs > MOST_EPOCHS) throw malformed(where, `has ${epochs} epochs`)
  const config = count.get('arch_config')
  const arch = config instanceof Map ? config.get('arch_str') : undefined
  const names = count.get('eval_names')
  if (!Array.isArray(names)) throw malformed(where, 'has no eval_names')
  return {
    dataset,
    epochs,
    seed,
    ...(typeof arch === 'string' ? { arch } : {}),
    ...optional('parametersM', number(count.get('params'), where)),
    ...optional('flopsM', number(count.get('flop'), where)),
    ...optional('latencySeconds', latency(count.get('latency'))),
    splits: [
      trainCurves(count, epochs, where),
      ...names.map((split) => evalCurves(count, String(split), epochs, where)),
    ],
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

/** A dict of numbers by epoch, or nothing at all; NaN stands for an epoch without a number. */
function curve(dict: unknown, key: (epoch: number) => unknown, epochs: number, where: string): Float64Array {
  const values = new Float64Array(epochs).fill(Number.NaN)
  if (dict === null || dict === undefined) return values
  if (!(dict instanceof Map)) throw malformed(where, 'has a curve that is no dict')
  for (let epoch = 0; epoch < epochs; epoch++) {
    const value = dict.get(key(epoch))
    if (value !== undefined) values[epoch] = finite(value, `${where}, ${String(key(epoch))}`)
  }
  return values
}

function percentages(values: Float64Array, where: string): Float64Array {
  const outside = values.find((value) => value < 0 || value > 100)
  if (outside !== undefined) throw malformed(where, `has an accuracy of ${outside} %`)
  return values
}

function finite(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw malformed(where, `is ${String(value)}, not a number`)
}

/** Latencies that could not be measured are recorded as none or below zero. */
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
