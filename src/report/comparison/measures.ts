/** The quantities of a run that a rule of a claim can test. */
import type { AccuracyRange, RangeRecord } from '../../analysis/probes/range.ts'
import { countSkips } from '../../analysis/probes/skip.ts'
import { type Interval, summarise } from '../../analysis/statistics/summary.ts'
import { accuracyOf } from '../../core/metric.ts'
import type { Job } from '../../core/result.ts'
import type { RunRecord } from '../runRecord.ts'

export interface Measure {
  /** Name of the quantity in the text of a rule, such as `test accuracy`. */
  readonly name: string
  /** Number of decimals of a value; absent where values are compared by ratio, which have three significant digits. */
  readonly digits?: number
  /** Unit printed after a value of the quantity, with a leading space where one is needed: ` %` or `-fold`. */
  readonly unit: string
  /** Unit printed after a difference of two values; absent: `unit`. */
  readonly differenceUnit?: string
  /** Whether values are compared by ratio; means and intervals are then computed from the values' logarithms. */
  readonly ratio?: boolean
  /** Least and greatest value that the quantity can have; intervals are printed up to them. Absent: any. */
  readonly limits?: Interval
  /** Returns the value of the quantity for a finished run, or undefined if the run's record lacks it. */
  of(run: RunRecord, dataset?: string): number | undefined
}

/** The quantities by their names in files of claims. */
export const measures = {
  accuracy: {
    name: 'test accuracy',
    digits: 2,
    unit: ' %',
    differenceUnit: ' points',
    limits: { low: 0, high: 100 },
    of: testAccuracy,
  },
  eigenvalue: {
    name: 'dominant Hessian eigenvalue at the end of the search',
    unit: '',
    ratio: true,
    of: (run) => eigenvalues(run).at(-1),
  },
  'eigenvalue-growth': {
    name: 'growth of the dominant Hessian eigenvalue from the first to the last measurement',
    unit: '-fold',
    ratio: true,
    of: (run) => {
      const values = eigenvalues(run)
      return values.length > 1 ? values[values.length - 1] / values[0] : undefined
    },
  },
  'skip-connections': {
    name: 'number of skip connections in the final architecture',
    digits: 1,
    unit: '',
    limits: { low: 0, high: Number.POSITIVE_INFINITY },
    of: ({ result }) => countSkips(result?.genotype ?? ''),
  },
  'sampled-width-change': {
    name: 'change, from the first to the last measurement, of the width of the sampled architectures’ test accuracies (10th to 90th percentile)',
    digits: 2,
    unit: ' points',
    of: (run, dataset) => {
      const widths = sampledRanges(run, dataset).flatMap(({ quantiles }) =>
        quantiles ? [quantiles.p90 - quantiles.p10] : [],
      )
      return widths.length > 1 ? widths[widths.length - 1] - widths[0] : undefined
    },
  },
  'sampled-lead': {
    name: 'lead in test accuracy of the best sampled architecture over the derived one at the end of the search',
    digits: 2,
    unit: ' points',
    of: (run, dataset) => {
      const last = sampledRanges(run, dataset).at(-1)
      return last && last.max - last.derived
    },
  },
} as const satisfies Readonly<Record<string, Measure>>

function testAccuracy({ manifest: { job }, result }: RunRecord, dataset = job.dataset.name): number | undefined {
  const { trainings } = result ?? {}
  if (trainings !== undefined) return summarise(trainings.map(({ testAccuracyPct }) => testAccuracyPct)).mean
  return accuracyOf(result?.metrics ?? [], testQualifier(job, dataset))
}

/** Returns the name of the test accuracy that a job's protocol reports for a dataset, such as `cifar10/ori-test/200/mean`. */
const testQualifier = ({ protocol, dataset: { name } }: Job, dataset: string): string | undefined =>
  protocol.headline[name]?.find((known) => known.dataset === dataset)?.test

/** Returns a run's measurements by the probe `range` of one test accuracy, in the order of the epochs. */
function sampledRanges({ manifest: { job }, epochs }: RunRecord, dataset = job.dataset.name): AccuracyRange[] {
  const qualifier = testQualifier(job, dataset) ?? ''
  return epochs.flatMap(({ probes }) => (probes?.range as RangeRecord | undefined)?.accuracyPct[qualifier] ?? [])
}

const eigenvalues = ({ epochs }: RunRecord): number[] =>
  epochs.flatMap(({ probes }) => {
    const { dominantEigenvalue } = (probes?.hessian ?? {}) as { readonly dominantEigenvalue?: number }
    return dominantEigenvalue === undefined ? [] : [dominantEigenvalue]
  })

export type MeasureName = keyof typeof measures
