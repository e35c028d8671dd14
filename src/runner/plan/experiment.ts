/** What a user asks for: on the command line or in a YAML file, with everything that may be left out filled in. */

import { BenchError } from '../../core/errors.ts'
import type { Finder } from '../../core/result.ts'
import { knownName } from '../../data/datasetNames.ts'
import type { ExecutorOptions } from '../../engine/executors.ts'
import type { RetrainingRequest } from '../../retrain/settings.ts'

export interface Experiment {
  readonly algorithms: readonly AlgorithmRequest[]
  readonly space: string
  /** Searched on, each in runs of its own. */
  readonly datasets: readonly string[]
  /** Folder of each dataset that does not lie in the user's data folder. */
  readonly data: Readonly<Record<string, string>>
  /** Name or path of the lookup table; absent: the one that fits space and dataset. */
  readonly table?: string
  /** Train what is found in full instead of looking it up. */
  readonly retraining?: RetrainingRequest
  /** Preset, with changes where wanted: `micro:epochs=5`. */
  readonly protocol: string
  readonly seeds: readonly number[]
  /** Simulated seconds of black-box searches: the same everywhere, or by dataset searched on. */
  readonly budgetSeconds?: number | Readonly<Record<string, number>>
  readonly probes: readonly string[]
  /** Files or packages. */
  readonly plugins: readonly string[]
  /** What computes: backend and executor. */
  readonly executor: ExecutorOptions
}

export interface AlgorithmRequest {
  readonly name: string
  /** As typed: text or plain values. */
  readonly options: Readonly<Record<string, unknown>>
  /** Where they are not the experiment's: as in a table of the literature, or because a probe costs. */
  readonly protocol?: string
  readonly probes?: readonly string[]
  /** Of an architecture that is given. */
  readonly foundBy?: Finder
}

/** What a command without a word more means. */
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
 * The budget of each dataset, or undefined where there is none at all.
 * @throws BenchError `bad-input` where one dataset has a budget and another has none
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
      `the budget says nothing of ${without}; give seconds for every dataset, or one number`,
    )
  }
  return (dataset) => seconds.get(dataset)
}

/** A typing error should not plan a million runs. */
const MOST = 100_000

/**
 * `4` → 0, 1, 2, 3; `0-3,777` → those; `777,` → 777 alone. Ascending, each once.
 *
 * @throws BenchError `bad-input`
 */
export function parseSeeds(text: string): readonly number[] {
  const trimmed = text.trim()
  const seeds = /^\d+$/.test(trimmed) ? firstSeeds(Number(trimmed)) : listed(trimmed)
  return ascending(seeds, `--seeds ${text} asks for no seed at all; --seeds 4 means the seeds 0 to 3`)
}

/**
 * Where seeds are chosen from a list, a number alone is that seed: `777` → 777; `0-3,777` → those.
 *
 * @throws BenchError `bad-input`
 */
export function parseSeedList(text: string): readonly number[] {
  return ascending(listed(text.trim()), `--seeds ${text} names no seed; write 777 or 0-3,777`)
}

/** Each once. @param none what is wrong where there is none */
function ascending(seeds: readonly number[], none: string): readonly number[] {
  if (seeds.length === 0) throw new BenchError('bad-input', none)
  if (seeds.length > MOST)
    throw new BenchError('bad-input', `--seeds asks for ${seeds.length} seeds, more than ${MOST}`)
  return [...new Set(seeds)].sort((a, b) => a - b)
}

function firstSeeds(count: number): number[] {
  if (count > MOST)
    throw new BenchError('bad-input', `--seeds ${count} is more than ${MOST}; for one seed write "${count},"`)
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
  if (last < first || last - first >= MOST || last > Number.MAX_SAFE_INTEGER) {
    throw new BenchError('bad-input', `--seeds ${text}: the range ${part} is empty or too long`)
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
