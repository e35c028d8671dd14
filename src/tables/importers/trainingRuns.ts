/**
 * The trainings of an architecture in the form that all importers of benchmark records share, and their conversion to
 * the values of a table row.
 */
import { naturalOrder } from '../../core/plainText.ts'
import { groupBy } from '../../system/groupBy.ts'

/** One training of one architecture, as a published benchmark recorded it. */
export interface TrainingRun {
  readonly dataset: string
  /** Number of epochs of the training. Its learning-rate schedule is complete after them. */
  readonly epochs: number
  readonly seed: number
  /** Architecture string in the record of the training, if it has one. */
  readonly arch?: string
  readonly parametersM?: number
  readonly flopsM?: number
  /** Measured seconds for inference on one batch of images, mean over several measurements. */
  readonly latencySeconds?: number
  /** Training curves (values per epoch) on each split of the dataset, `train` first. */
  readonly splits: readonly SplitCurves[]
}

/**
 * Values measured on one split of the dataset after each epoch of a training. NaN stands for an epoch without a
 * measurement.
 */
export interface SplitCurves {
  readonly split: string
  /** Accuracy on the split after each epoch, in %. */
  readonly accuracyPct: Float64Array
  readonly loss: Float64Array
  /** Seconds of each epoch: those of training if the split is `train`, else those of one pass over the split. */
  readonly seconds: Float64Array
}

/** All trainings of one architecture, as a published benchmark recorded them. */
export interface ArchitectureRuns {
  readonly index: number
  readonly arch: string
  readonly runs: readonly TrainingRun[]
}

/** Values of one architecture's table row, by column name. Missing values have no entry. */
export type RunNumbers = Record<string, number>

/**
 * Returns the values of an architecture's table row. Accuracies and losses after the last epoch: for each seed, and the
 * mean over the available seeds. Seconds of the whole training, and of one pass over each split: means over the seeds.
 * Parameters, FLOPs and latency: by dataset. If the recorded parameters differ between seeds, those of seed 888 are
 * taken, as NAS-Bench-201's API does.
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

/**
 * Sets the table columns of a metric that was measured after the last epoch of training: one column for each seed
 * (`…/777`), and one for their mean (`…/mean`).
 */
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

/**
 * Returns the finite values. A value that is not finite, such as the loss of a diverged training, counts as missing.
 */
const measured = (values: Iterable<number | undefined>): number[] =>
  [...values].filter((value): value is number => Number.isFinite(value))

const last = (values: Float64Array | undefined): number | undefined => measured([values?.at(-1)])[0]

function mean(values: Iterable<number | undefined>): number | undefined {
  const known = measured(values)
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
}

const average = (values: Float64Array): number | undefined => mean(values)

/** Returns the sum of the values of all epochs; undefined unless every epoch was measured. */
function total(values: Float64Array): number | undefined {
  const known = measured(values)
  return known.length === 0 || known.length < values.length ? undefined : known.reduce((sum, value) => sum + value, 0)
}

/**
 * Returns a quantity (`of`) of an architecture's trainings: its mean if all trainings agree to five digits, else the
 * value of the training with seed 888.
 */
function agreed(runs: readonly TrainingRun[], of: (run: TrainingRun) => number | undefined): number | undefined {
  const different = new Set(measured(runs.map(of)).map((value) => value.toFixed(5))).size > 1
  const trusted = different ? runs.filter(({ seed }) => seed === 888) : runs
  return mean((trusted.length > 0 ? trusted : runs).map(of))
}

/**
 * Compares two table columns by name, for sorting: accuracies come first, then the other columns, each in the order of
 * their names.
 */
export function columnOrder(a: string, b: string): number {
  const kind = (name: string) => (name.includes(':') ? name.slice(0, name.indexOf(':')) : '')
  return naturalOrder(kind(a), kind(b)) || naturalOrder(a, b)
}

/**
 * Returns the training seeds whose mean a column contains: those for which the table also has a column with the single
 * seed's values.
 */
export function seedsOf(name: string, names: readonly string[]): { seeds?: readonly number[] } {
  if (!name.endsWith('/mean')) return {}
  const place = name.slice(0, -'mean'.length)
  const own = names.filter((other) => other.startsWith(place) && other !== name)
  return { seeds: own.map((other) => Number(other.slice(place.length))) }
}
