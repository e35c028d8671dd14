/** What a user asks for: on the command line or in a YAML file, with everything that may be left out filled in. */
import type { Finder } from '../../core/result.ts'
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
