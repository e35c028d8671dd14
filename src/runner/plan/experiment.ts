/**
 * Defines an experiment as a command line or a YAML file describes it, with its defaults, and parses its seeds and
 * budgets.
 */
import { BenchError } from '../../core/errors.ts'
import type { ReportedMetric } from '../../core/metric.ts'
import type { Finder } from '../../core/result.ts'
import { knownName } from '../../data/datasetNames.ts'
import type { ExecutorOptions } from '../../engine/index.ts'
import type { RetrainingRequest } from '../../retrain/settings.ts'

/**
 * The algorithms of an experiment, the search space and datasets that they are run on, their seeds and further
 * settings. `makePlan` turns it into jobs.
 */
export interface Experiment {
  readonly algorithms: readonly AlgorithmRequest[]
  readonly space: string
  /** Names of the experiment's datasets. Every algorithm is run on each. */
  readonly datasets: readonly string[]
  /** Image folder for each dataset name, for datasets that are not in the user's data folder. */
  readonly data: Readonly<Record<string, string>>
  /**
   * Name or path of the lookup table that gives the accuracies of architectures; if absent, the first table with the
   * search space and the dataset.
   */
  readonly table?: string
  /** Settings of the full training of each found architecture; if absent, architectures are looked up in the table. */
  readonly retraining?: RetrainingRequest
  /** Name of the training protocol of the searches, with changed settings after a colon: `micro:epochs=5`. */
  readonly protocol: string
  /**
   * Metric that searches report on validation images, and full trainings on test images; absent: the protocol's metric.
   */
  readonly metric?: ReportedMetric
  readonly seeds: readonly number[]
  /**
   * Budget of each black-box search in seconds on the simulated clock: the same for all datasets, or one by dataset
   * name.
   */
  readonly budgetSeconds?: number | Readonly<Record<string, number>>
  /** Probes that measure the search network after epochs of each search, such as `hessian:every=2`. */
  readonly probes: readonly string[]
  /** Plugins that define algorithms or search spaces: files or packages, as after `--plugin`. */
  readonly plugins: readonly string[]
  /** Backend and executor that the experiment's networks are trained with. */
  readonly executor: ExecutorOptions
}

/** One search algorithm of an experiment, with its options. */
export interface AlgorithmRequest {
  readonly name: string
  /** Values of the algorithm's options, not yet checked: texts from the command line, or plain values from a file. */
  readonly options: Readonly<Record<string, unknown>>
  /** Training protocol of this algorithm, if it differs from the experiment's. */
  readonly protocol?: string
  /** Probes for searches of this algorithm, if they differ from the experiment's. */
  readonly probes?: readonly string[]
  /** If this entry is an architecture to train in full: the search that found it. */
  readonly foundBy?: Finder
}

/** The default experiment: the settings that `bench run` uses if the user does not give them. */
export const DEFAULTS = {
  space: 'nb201',
  datasets: ['shapes'],
  data: {},
  protocol: 'micro',
  seeds: [0, 1, 2, 3],
  probes: [],
  plugins: [],
  executor: { backend: 'auto' },
} as const satisfies Omit<Experiment, 'algorithms'>

type Budget = NonNullable<Experiment['budgetSeconds']>

/**
 * Returns a function from dataset name to the budget of a black-box search in simulated seconds; undefined means no
 * limit.
 * @throws BenchError `bad-input` if some datasets have a budget and others have none
 */
export function budgetsByDataset(
  datasets: readonly string[],
  budget: Budget | undefined,
): (dataset: string) => number | undefined {
  if (typeof budget !== 'object') return () => budget
  const seconds = new Map(Object.entries(budget).map(([name, value]) => [knownName(name), value]))
  const without = datasets.find((name) => !seconds.has(name))
  if (without !== undefined) {
    throw new BenchError(
      'bad-input',
      `there is no budget for ${without}; give seconds for every dataset, or one number`,
    )
  }
  return (dataset) => seconds.get(dataset)
}

/** Largest number of seeds that an experiment may have, so that a typing error does not plan a million runs. */
const MOST_SEEDS = 100_000

/**
 * Parses `--seeds`: `4` means the seeds 0 to 3, `0-3,777` the listed ones, `777,` the seed 777 alone.
 * @returns the seeds in ascending order without repetitions
 *
 * @throws BenchError `bad-input`
 */
export function parseSeeds(text: string): readonly number[] {
  const trimmed = text.trim()
  const seeds = /^\d+$/.test(trimmed) ? firstSeeds(Number(trimmed)) : listed(trimmed)
  return ascending(seeds, `--seeds ${text} asks for no seed at all; --seeds 4 means the seeds 0 to 3`)
}

/**
 * Parses a list of seeds in which a single number is a seed and not a count: `777` means the seed 777.
 * @returns the seeds in ascending order without repetitions
 *
 * @throws BenchError `bad-input`
 */
export function parseSeedList(text: string): readonly number[] {
  return ascending(listed(text.trim()), `--seeds ${text} names no seed; write 777 or 0-3,777`)
}

/** Returns the seeds in ascending order without repetitions. @param emptyMessage error message if there are no seeds */
function ascending(seeds: readonly number[], emptyMessage: string): readonly number[] {
  if (seeds.length === 0) throw new BenchError('bad-input', emptyMessage)
  if (seeds.length > MOST_SEEDS)
    throw new BenchError('bad-input', `--seeds asks for ${seeds.length} seeds, more than ${MOST_SEEDS}`)
  return [...new Set(seeds)].sort((a, b) => a - b)
}

function firstSeeds(count: number): number[] {
  if (count > MOST_SEEDS)
    throw new BenchError('bad-input', `--seeds ${count} is more than ${MOST_SEEDS}; for one seed write "${count},"`)
  return Array.from({ length: count }, (_, seed) => seed)
}

function listed(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter((part, i) => part !== '' || i < parts.length - 1).flatMap((part) => range(part, text))
}

function range(part: string, text: string): number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(part)
  if (match === null) {
    throw new BenchError(
      'bad-input',
      `--seeds ${text}: "${part}" is neither a seed nor a range; write 4, 0-3 or 0-3,777`,
    )
  }
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  if (last < first || last - first >= MOST_SEEDS || last > Number.MAX_SAFE_INTEGER) {
    throw new BenchError('bad-input', `--seeds ${text}: the range ${part} is empty or too long`)
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
