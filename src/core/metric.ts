/**
 * Accuracies of architectures. Each is qualified by dataset, split, epochs and seed, and none is reported without them.
 */
import { BenchError } from './errors.ts'

export interface Qualifier {
  /** `cifar10-valid`, `cifar10`, `cifar100`, `ImageNet16-120`, `shapes`, … */
  readonly dataset: string
  /** Split that the accuracy was measured on: `train`, `x-valid`, `x-test`, `ori-test`. */
  readonly split: string
  /** Length of the training, in epochs. */
  readonly epochs: number
  /** Training seed, or `mean` for the mean over the seeds in the table. */
  readonly seed: number | 'mean'
}

export interface Metric extends Qualifier {
  /** Top-1 accuracy in %, 0 … 100. */
  readonly accuracyPct: number
}

/** Writes a qualifier as text: `cifar10/ori-test/200/mean`. */
export function formatQualifier({ dataset, split, epochs, seed }: Qualifier): string {
  return `${dataset}/${split}/${epochs}/${seed}`
}

/** Index of each list of metrics by qualifier, kept since runs that found the same architecture share the list. */
const byQualifier = new WeakMap<readonly Metric[], ReadonlyMap<string, number>>()

/** Returns the accuracy in % for a qualifier in text form, or undefined if the metrics do not contain it. */
export function accuracyOf(metrics: readonly Metric[], qualifier: string | undefined): number | undefined {
  if (qualifier === undefined) return undefined
  // If two metrics have the same qualifier, the first one counts.
  const known =
    byQualifier.get(metrics) ??
    new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct] as const).reverse())
  byQualifier.set(metrics, known)
  return known.get(qualifier)
}

/** Parses a qualifier from text such as `cifar10/ori-test/200/mean`. @throws BenchError `bad-input` */
export function parseQualifier(text: string): Qualifier {
  const match = /^([^/]+)\/([^/]+)\/(\d+)\/(\d+|mean)$/.exec(text)
  if (match === null) {
    throw new BenchError('bad-input', `"${text}" is not dataset/split/epochs/seed, as in cifar10/ori-test/200/mean`)
  }
  const [, dataset, split, epochs, seed] = match
  return { dataset, split, epochs: Number(epochs), seed: seed === 'mean' ? 'mean' : Number(seed) }
}
