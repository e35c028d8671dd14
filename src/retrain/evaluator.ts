/** An evaluator that trains an architecture in full to measure its test accuracy. */
import { BenchError } from '../core/errors.ts'
import type { Evaluation, Evaluator } from '../core/evaluation.ts'
import type { Metric } from '../core/metric.ts'
import { sixDigits } from '../core/numbers.ts'
import type { RetrainingTask, TrainingCurves } from '../core/retraining.ts'
import type { Genotype } from '../core/space.ts'
import { type RetrainingRun, retrain } from './retrain.ts'
import type { TrainingEpoch } from './training.ts'
import type { TrainingRecord } from './trainingRecord.ts'

export interface RetrainingEvaluatorOptions
  extends Pick<
    RetrainingRun,
    'store' | 'family' | 'spacePlugin' | 'images' | 'executor' | 'executorName' | 'arithmetic' | 'log' | 'report'
  > {
  readonly task: RetrainingTask
  /**
   * Seed of the search that found the architecture. The full training uses this seed if the job names no training
   * seeds.
   */
  readonly searchSeed: number
  /** Returns the architecture string of a genotype. */
  format(genotype: Genotype): string
}

/**
 * Returns an evaluator that trains each architecture in full. Trainings are kept in the store: interrupted ones are
 * resumed, finished ones are not repeated.
 */
export function retrainingEvaluator(options: RetrainingEvaluatorOptions): Evaluator {
  const { task, searchSeed, format, ...run } = options
  const { settings, seeds = [searchSeed], keep } = task
  return {
    identity: `retraining:${settings.preset}`,
    async evaluate(genotype) {
      // All spaces of a family write their architectures alike.
      const architecture = run.family.parse(format(genotype))
      const records: TrainingRecord[] = []
      for (const seed of seeds) records.push(await retrain({ ...run, genotype: architecture, settings, keep, seed }))
      return { ...evaluationOf(records), images: run.images.counts }
    },
    lookup: async () => undefined,
    validate: () => Promise.reject(new BenchError('unsupported', NO_ANSWER)),
  }
}

const NO_ANSWER =
  'a black-box search asks for many accuracies, which full trainings are too slow to answer; use an algorithm that trains a search network'

function evaluationOf(records: readonly TrainingRecord[]): Evaluation {
  const [{ parameters, macs }] = records
  const mean = records.reduce((sum, { testAccuracyPct }) => sum + testAccuracyPct, 0) / records.length
  return {
    metrics: [
      ...records.map((record) => metric(record, record.seed, record.testAccuracyPct)),
      metric(records[0], 'mean', mean),
    ],
    parameters,
    macs,
    trainings: records.map(
      ({ id, seed, testAccuracyPct, testTop5AccuracyPct, testMetricPct, best, epochs, timing }) => ({
        ...{ id, seed, testAccuracyPct, testTop5AccuracyPct, best },
        ...(testMetricPct !== undefined && { testMetricPct }),
        curves: curvesOf(epochs),
        wallSeconds: timing.wallSeconds,
        peakMemoryBytes: timing.peakMemoryBytes,
      }),
    ),
  }
}

/** Returns the numbers of the epochs of a full training that its run's record keeps. */
const curvesOf = (epochs: readonly TrainingEpoch[]): TrainingCurves => ({
  trainLoss: epochs.map(({ trainLoss }) => sixDigits(trainLoss)),
  trainAccuracyPct: epochs.map(({ trainAccuracyPct }) => sixDigits(trainAccuracyPct)),
  testAccuracyPct: epochs.map(({ testAccuracyPct }) => sixDigits(testAccuracyPct)),
})

/** Returns a test accuracy as a metric of split `ori-test`, NAS-Bench-201's name for all test images. */
const metric = ({ job }: TrainingRecord, seed: Metric['seed'], accuracyPct: number): Metric => ({
  dataset: job.dataset.name,
  split: 'ori-test',
  epochs: job.settings.epochs,
  seed,
  accuracyPct,
})
