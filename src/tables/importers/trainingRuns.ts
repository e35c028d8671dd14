/** One training of one architecture, as the published records of NAS-Bench-201 and NATS-Bench hold it. */
import { naturalOrder } from '../../core/plainText.ts'
import { groupBy } from '../../system/groupBy.ts'

export interface TrainingRun {
  readonly dataset: string
  /** Length of the schedule. */
  readonly epochs: number
  readonly seed: number
  /** As the training itself recorded it. */
  readonly arch?: string
  readonly parametersM?: number
  readonly flopsM?: number
  /** Seconds of one batch, mean over the measurements. */
  readonly latencySeconds?: number
  /** `train` first. */
  readonly splits: readonly SplitCurves[]
}

export interface SplitCurves {
  readonly split: string
  /** In %, by epoch; NaN where it was not measured. */
  readonly accuracyPct: Float64Array
  readonly loss: Float64Array
  /** Of the epoch's training, or of one pass over the split. */
  readonly seconds: Float64Array
}

/** All trainings of an architecture. */
export interface ArchitectureRuns {
  readonly index: number
  readonly arch: string
  readonly runs: readonly TrainingRun[]
}

/** Of one architecture: number by column. Missing numbers have no entry. */
export type RunNumbers = Record<string, number>

/**
 * Accuracies and losses after the last epoch for each seed and their mean over the seeds that exist; training seconds of
 * the whole schedule and seconds of one pass over each split, means over the seeds; parameters, FLOPs and latency by
 * dataset. Where recorded parameters differ between seeds, seed 888's are taken, as the benchmark's own API does.
 */
export function numbersOf({ runs }: ArchitectureRuns): RunNumbers {
  const numbers: RunNumbers = {}
  for (const [place, seeds] of groupBy(runs, ({ dataset, epochs }) => `${dataset} ${epochs}`)) {
    const [dataset, epochs] = place.split(' ')
    for (const split of new Set(seeds.flatMap(({ splits }) => splits.map((curves) => curves.split)))) {
      const name = `${dataset}/${split}/${epochs}`
      setFinals(numbers, '', name, seeds, (run) => last(curvesOf(run, split)?.accuracyPct))
      setFinals(numbers, 'loss:', name, seeds, (run) => last(curvesOf(run, split)?.loss))
      const seconds = seeds.map((run) => curvesOf(run, split)?.seconds ?? new Float64Array())
      if (split === 'train') set(numbers, `train-seconds:${dataset}/${epochs}`, mean(seconds.map(total)))
      else set(numbers, `eval-seconds:${name}`, mean(seconds.map(average)))
    }
  }
  for (const [dataset, same] of groupBy(runs, (run) => run.dataset)) {
    set(
      numbers,
      `params-M:${dataset}`,
      agreed(same, ({ parametersM }) => parametersM),
    )
    set(
      numbers,
      `flops-M:${dataset}`,
      agreed(same, ({ flopsM }) => flopsM),
    )
    set(numbers, `latency-seconds:${dataset}`, mean(same.map(({ latencySeconds }) => latencySeconds)))
  }
  return numbers
}

const curvesOf = (run: TrainingRun, split: string) => run.splits.find((curves) => curves.split === split)

/** `…/777` for each seed, and `…/mean`. */
function setFinals(
  numbers: RunNumbers,
  quantity: string,
  name: string,
  runs: readonly TrainingRun[],
  final: (run: TrainingRun) => number | undefined,
): void {
  const finals = runs.map(final)
  runs.forEach(({ seed }, i) => {
    set(numbers, `${quantity}${name}/${seed}`, finals[i])
  })
  set(numbers, `${quantity}${name}/mean`, mean(finals))
}

function set(numbers: RunNumbers, name: string, value: number | undefined): void {
  if (value !== undefined) numbers[name] = value
}

/** What is not finite, such as the loss of a training that diverged, is not measured. */
const measured = (values: Iterable<number | undefined>): number[] =>
  [...values].filter((value): value is number => Number.isFinite(value))

const last = (values: Float64Array | undefined): number | undefined => measured([values?.at(-1)])[0]

function mean(values: Iterable<number | undefined>): number | undefined {
  const known = measured(values)
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
}

const average = (values: Float64Array): number | undefined => mean(values)

/** Of a schedule that was timed in all its epochs. */
function total(values: Float64Array): number | undefined {
  const known = measured(values)
  return known.length === 0 || known.length < values.length ? undefined : known.reduce((sum, value) => sum + value, 0)
}

/** The mean where all agree to five digits, else that of seed 888. */
function agreed(runs: readonly TrainingRun[], of: (run: TrainingRun) => number | undefined): number | undefined {
  const different = new Set(measured(runs.map(of)).map((value) => value.toFixed(5))).size > 1
  const trusted = different ? runs.filter(({ seed }) => seed === 888) : runs
  return mean((trusted.length > 0 ? trusted : runs).map(of))
}

/** Accuracies, then losses, times and costs, each by name. */
export function columnOrder(a: string, b: string): number {
  const kind = (name: string) => (name.includes(':') ? name.slice(0, name.indexOf(':')) : '')
  return naturalOrder(kind(a), kind(b)) || naturalOrder(a, b)
}

/** Of a column of means: the seeds that it is over, where they exist. */
export function seedsOf(name: string, names: readonly string[]): { seeds?: readonly number[] } {
  if (!name.endsWith('/mean')) return {}
  const place = name.slice(0, -'mean'.length)
  const own = names.filter((other) => other.startsWith(place) && other !== name)
  return { seeds: own.map((other) => Number(other.slice(place.length))) }
}
