/** A number about an architecture, fully qualified: nothing is reported without all four qualifiers. */
import { BenchError } from './errors.ts'

export interface Qualifier {
  /** `cifar10-valid`, `cifar10`, `cifar100`, `ImageNet16-120`, `shapes`, … */
  readonly dataset: string
  /** `train`, `x-valid`, `x-test`, `ori-test`. */
  readonly split: string
  /** Training epochs. */
  readonly epochs: number
  /** Training seed, or the mean over the seeds that exist. */
  readonly seed: number | 'mean'
}

export interface Metric extends Qualifier {
  /** In %, 0 … 100. */
  readonly accuracyPct: number
}

/** `cifar10/ori-test/200/mean` */
export function formatQualifier({ dataset, split, epochs, seed }: Qualifier): string {
  return `${dataset}/${split}/${epochs}/${seed}`
}

/** What `accuracyOf` looked for before: architectures that many runs found share their metrics. */
const byQualifier = new WeakMap<readonly Metric[], ReadonlyMap<string, number>>()

/** The accuracy under a qualifier as `formatQualifier` writes it, in %; undefined where it is not among the metrics. */
export function accuracyOf(metrics: readonly Metric[], qualifier: string | undefined): number | undefined {
  if (qualifier === undefined) return undefined
  // Of two with one qualifier the first counts.
  const known =
    byQualifier.get(metrics) ??
    new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct] as const).reverse())
  byQualifier.set(metrics, known)
  return known.get(qualifier)
}

/** The inverse of `formatQualifier`. @throws BenchError `bad-input` */
export function parseQualifier(text: string): Qualifier {
  const match = /^([^/]+)\/([^/]+)\/(\d+)\/(\d+|mean)$/.exec(text)
  if (match === null) {
    throw new BenchError('bad-input', `"${text}" is not dataset/split/epochs/seed, as in cifar10/ori-test/200/mean`)
  }
  const [, dataset, split, epochs, seed] = match
  return { dataset, split, epochs: Number(epochs), seed: seed === 'mean' ? 'mean' : Number(seed) }
}
