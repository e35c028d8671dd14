/**
 * Accuracies of architectures. Each accuracy names its dataset, split, epochs and training seed (its qualifier), and
 * none is reported without them.
 */
import { BenchError } from './errors.ts'

/**
 * The metrics by which searches and full trainings can report how good a network is. `top1`: share of the images whose
 * class is predicted; `balanced`: mean over the classes of that share; `mAP`: mean over the classes of the average
 * precision.
 */
export const REPORTED_METRICS = ['top1', 'balanced', 'mAP'] as const
export type ReportedMetric = (typeof REPORTED_METRICS)[number]

export interface Qualifier {
  /**
   * Dataset on which the accuracy was measured: `cifar10-valid`, `cifar10`, `cifar100`, `ImageNet16-120`, `shapes`, …
   */
  readonly dataset: string
  /**
   * Split on which the accuracy was measured. `train`: training images. `x-valid` and `x-test`: validation and test
   * images of NAS-Bench-201. `ori-test`: all test images of the dataset.
   */
  readonly split: string
  /** Length of the training after which the accuracy was measured, in epochs. */
  readonly epochs: number
  /** Seed of the training, or `mean` for the mean over all seeds in the table. */
  readonly seed: number | 'mean'
}

export interface Metric extends Qualifier {
  /** Top-1 accuracy of the architecture in %, 0 … 100. */
  readonly accuracyPct: number
}

/** Returns a qualifier (dataset, split, epochs, seed) as text: `cifar10/ori-test/200/mean`. */
export function formatQualifier({ dataset, split, epochs, seed }: Qualifier): string {
  return `${dataset}/${split}/${epochs}/${seed}`
}

/**
 * Caches a map from qualifier to accuracy for each list of metrics. Runs that found the same architecture share a list.
 */
const byQualifier = new WeakMap<readonly Metric[], ReadonlyMap<string, number>>()

/**
 * Returns the accuracy in % that has the given qualifier (`cifar10/ori-test/200/mean`), or undefined if the metrics
 * have none.
 */
export function accuracyOf(metrics: readonly Metric[], qualifier: string | undefined): number | undefined {
  if (qualifier === undefined) return undefined
  // If two metrics have the same qualifier, the first one counts.
  const known =
    byQualifier.get(metrics) ??
    new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct] as const).reverse())
  byQualifier.set(metrics, known)
  return known.get(qualifier)
}

/**
 * Parses a qualifier (dataset, split, epochs, seed) from text such as `cifar10/ori-test/200/mean`.
 * @throws BenchError `bad-input`
 */
export function parseQualifier(text: string): Qualifier {
  const match = /^([^/]+)\/([^/]+)\/(\d+)\/(\d+|mean)$/.exec(text)
  if (match === null) {
    throw new BenchError('bad-input', `"${text}" is not dataset/split/epochs/seed, as in cifar10/ori-test/200/mean`)
  }
  const [, dataset, split, epochs, seed] = match
  return { dataset, split, epochs: Number(epochs), seed: seed === 'mean' ? 'mean' : Number(seed) }
}
