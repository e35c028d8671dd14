/**
 * Schemas of the JSON records in a store: jobs, epochs, results, failures. `parseRecord.ts` parses files with them. They
 * are built when the first record is checked, since zod is slow to load.
 *
 * Unknown fields are kept, since later versions may add some and a job's id is the hash of all its fields.
 */
import type { z as Zod } from 'zod'
import { CLASS_WEIGHT_RANGE } from './classWeights.ts'
import type { ImageSplit } from './data.ts'
import { loadZod } from './lazyPackages.ts'
import { REPORTED_METRICS } from './metric.ts'
import type { Matrix } from './mixing.ts'
import { isFileName, isReservedName } from './names.ts'
import { once } from './onceEach.ts'
import type { ReadAs } from './parseRecord.ts'
import type { Protocol } from './protocol.ts'
import type {
  Environment,
  EpochRecord,
  FailureRecord,
  Job,
  RecordedQuery,
  ResultRecord,
  RunManifest,
} from './result.ts'
import type { RetrainingSettings, RetrainingTask, TrainingOutcome, TrainingTime, WeightsToKeep } from './retraining.ts'

/**
 * Length, in characters, of the longest text in a record that tables, captions and figures accept; longer ones would
 * take minutes to lay out.
 */
const LONGEST_LABEL = 4000

function answerProblem(answer: Partial<RecordedQuery> | null, spentBefore: number): string | undefined {
  if (typeof answer !== 'object' || answer === null) return 'expected a query and its answer'
  if (!Number.isFinite(answer.accuracyPct)) return 'accuracyPct: expected a number'
  if (answer.epochs !== undefined && !Number.isInteger(answer.epochs)) return 'epochs: expected a whole number'
  if (!['string', 'undefined'].includes(typeof answer.genotype)) return 'genotype: expected a text'
  if (!Number.isFinite(answer.usedSeconds)) return 'usedSeconds: expected a number'
  return Number(answer.usedSeconds) >= spentBefore ? undefined : 'usedSeconds: less than at the query before'
}

/** Returns whether the queries have their architectures, which may be missing only where `evaluations` is given. */
const isComplete = ({ evaluations, queries }: NonNullable<ResultRecord['oracle']>): boolean =>
  evaluations !== undefined || queries.every(({ genotype }) => genotype !== undefined)

const remedy = 'restore it from a copy, or move its folder away'

/** Returns the schema of a text that tables, captions and figures show. */
const labelSchema = (z: typeof Zod) =>
  z
    .string()
    .max(LONGEST_LABEL)
    .refine((text) => !isReservedName(text), { error: 'expected a name that JavaScript does not reserve' })

/** Returns the schema of a name that also names a file, and so must not contain path separators. */
export const fileNameSchema = (z: typeof Zod) =>
  labelSchema(z).refine(isFileName, { error: 'expected a name without / and \\' })

/** Names of the record files in the folder of a run. */
export const RUN_FILES = ['run.json', 'epochs.jsonl', 'result.json', 'failure.json'] as const

/** Returns the schemas of records, and how to parse the files in the folder of a run. They are built once. */
export const recordSchemas = once(() => {
  const z = loadZod()

  const finite = z.number()
  const natural = z.int().min(0)
  const positive = z.int().min(1)

  const label = labelSchema(z)
  const fileName = fileNameSchema(z)

  /** Schema of a matrix of numbers, checked by a loop because zod's array type is slower. */
  const matrix = z.custom<Matrix>(
    (value) => Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every(Number.isFinite)),
    { error: 'expected rows of numbers' },
  )

  /** Schema of a qualifier in text form: `dataset/split/epochs/seed`. */
  const qualifier = label.regex(/^[^/]+\/[^/]+\/\d+\/(\d+|mean)$/, {
    error: 'expected dataset/split/epochs/seed, as in cifar10/x-test/200/mean',
  })

  const { least, most } = CLASS_WEIGHT_RANGE

  /** Schema of the weights of the classes in the loss. */
  const classWeights = z.union([z.enum(['none', 'balanced']), z.record(label, z.number().min(least).max(most))])

  const metric = z.looseObject({
    dataset: label,
    split: label,
    epochs: natural,
    seed: z.union([natural, z.literal('mean')]),
    accuracyPct: finite,
  })

  const protocol = z.looseObject({
    name: label,
    epochs: natural,
    batchSize: positive,
    weights: z.looseObject({
      learningRate: finite,
      learningRateMin: finite,
      momentum: finite,
      nesterov: z.boolean(),
      weightDecay: finite,
      clipNorm: finite.nullable(),
      halfPeriod: finite.optional(),
      warmUp: z.looseObject({ epochs: natural, of: z.enum(['scheduled', 'initial']) }).optional(),
    }),
    architecture: z.looseObject({
      learningRate: finite,
      adamBetas: z.tuple([finite, finite]),
      epsilon: finite,
      weightDecay: finite,
      clipNorm: finite.optional(),
    }),
    network: z.looseObject({
      channels: positive,
      depth: positive,
      affine: z.boolean(),
      track: z.boolean(),
      family: z.enum(['cifar', 'imagenet']).optional(),
      dropPath: finite.optional(),
    }),
    metric: z.enum(REPORTED_METRICS).optional(),
    stepOrder: z.enum(['architecture-first', 'weights-first']),
    data: z.looseObject({
      split: z.enum(['seeded', 'fixed', 'benchmark']).optional(),
      trainPortion: finite,
      architecturePortion: finite.optional(),
      cropPadding: finite,
      flip: z.boolean(),
      cutout: finite,
      cutoutGrows: z.boolean().optional(),
      imageSize: positive.nullable(),
      limit: finite.nullable(),
      sampling: z.enum(['uniform', 'balanced']).optional(),
      classWeights: classWeights.optional(),
      brokenImages: z.enum(['fail', 'skip']).optional(),
    }),
    headline: z.record(label, z.array(z.looseObject({ dataset: label, validation: qualifier, test: qualifier }))),
  }) satisfies Zod.ZodType<Protocol>

  const retrainingSettings = z.looseObject({
    preset: label,
    epochs: positive,
    batchSize: positive,
    network: z.looseObject({
      channels: positive,
      layers: positive,
      family: z.enum(['cifar', 'imagenet']),
      auxiliary: z.boolean(),
      pooledBatchNorm: z.boolean(),
      head: z.string().optional(),
    }),
    learningRate: z.looseObject({
      initial: finite,
      schedule: z.enum(['cosine', 'linear', 'exponential']),
      decay: finite,
      warmUp: z.looseObject({ epochs: natural, aboveBatchSize: finite, of: z.enum(['scheduled', 'initial']) }),
    }),
    weights: z.looseObject({
      momentum: finite,
      nesterov: z.boolean(),
      weightDecay: finite,
      clipNorm: finite.nullable(),
    }),
    metric: z.enum(REPORTED_METRICS).optional(),
    labelSmoothing: finite,
    dropPath: finite,
    data: z.looseObject({
      cropPadding: finite,
      flip: z.boolean(),
      cutout: finite,
      imageSize: positive.nullable(),
      limit: finite.nullable(),
      sampling: z.enum(['uniform', 'balanced']).optional(),
      classWeights: classWeights.optional(),
      brokenImages: z.enum(['fail', 'skip']),
    }),
  }) satisfies Zod.ZodType<RetrainingSettings>

  /** Schema of the weights that a full training keeps beside the final ones. */
  const keep = z.looseObject({
    best: z.boolean().optional(),
    every: positive.optional(),
  }) satisfies Zod.ZodType<WeightsToKeep>

  /** Schema of how the program divided images into training and test images. */
  const imageSplit = z.looseObject({ testPortion: finite, seed: natural }) satisfies Zod.ZodType<ImageSplit>

  const job = z.looseObject({
    algorithm: z.looseObject({
      name: label.min(1),
      version: finite,
      options: z.record(z.string(), z.unknown()),
      plugin: label.optional(),
    }),
    space: label,
    spacePlugin: label.optional(),
    dataset: z.looseObject({ name: label.min(1), contentHash: label.optional(), split: imageSplit.optional() }),
    table: z.looseObject({ name: fileName, sha256: label }).optional(),
    retraining: z
      .looseObject({ settings: retrainingSettings, seeds: z.array(natural).min(1).optional(), keep: keep.optional() })
      .optional() satisfies Zod.ZodType<RetrainingTask | undefined>,
    protocol,
    budgetSeconds: finite.optional(),
    probes: z.array(label),
    executor: label.optional(),
    arithmetic: z.enum(['deterministic', 'fused', 'device']).optional(),
    seed: natural,
    imported: z.looseObject({ content: label }).optional(),
  }) satisfies Zod.ZodType<Job>

  const environment = z.looseObject({
    version: label,
    node: label,
    platform: label,
    cpu: label,
    interpreter: label.optional(),
  }) satisfies Zod.ZodType<Environment>

  const manifest = z.looseObject({
    schema: z.literal(1),
    id: fileName,
    job,
    importedFrom: z.looseObject({ file: label, sha256: label, format: label }).optional(),
    environment,
    resumedIn: z.array(environment).optional(),
  }) satisfies Zod.ZodType<RunManifest>

  /**
   * Schema of the results of probes: those of built-in probes have a known form; those of plugins' probes may be any
   * data.
   */
  const probes = z.looseObject({
    hessian: z
      .looseObject({
        mode: z.enum(['full', 'lanczos', 'program']),
        loss: z.enum(['val', 'train']),
        at: label,
        dominantEigenvalue: finite,
        smallestEigenvalue: finite.optional(),
        spectralNorm: finite.optional(),
        trace: finite.optional(),
        frobeniusNorm: finite.optional(),
        eigenvalues: z.array(finite).optional(),
      })
      .optional(),
    alpha: z
      .looseObject({
        theta: matrix,
        entropy: z.array(finite),
        meanEntropy: finite,
        edgeWeights: z.array(finite).optional(),
      })
      .optional(),
    range: z
      .looseObject({
        sampling: z.enum(['relaxation', 'categorical']),
        samples: positive,
        accuracyPct: z.record(
          qualifier,
          z.looseObject({
            ...{ min: finite, mean: finite, max: finite, derived: finite },
            quantiles: z.looseObject({ p10: finite, p25: finite, p75: finite, p90: finite }).optional(),
          }),
        ),
      })
      .optional(),
  })

  const epoch = z.looseObject({
    epoch: natural,
    trainLoss: finite.optional(),
    trainAccuracyPct: finite.optional(),
    validLoss: finite.optional(),
    validAccuracyPct: finite.optional(),
    validMetricPct: finite.optional(),
    genotype: z.string(),
    metrics: z.array(metric),
    parameters: matrix.optional(),
    extra: z.record(z.string(), finite).optional(),
    probes: probes.optional(),
    seconds: finite.optional(),
  }) satisfies Zod.ZodType<EpochRecord>

  /**
   * Schema of the oracle queries of a black-box search, in order. They are checked by a plain loop, since there may be
   * thousands. `isComplete` checks separately that their architectures are there.
   */
  const queries = z.array(z.unknown()).superRefine((points, context) => {
    let usedSeconds = 0
    for (const [at, point] of points.entries()) {
      const problem = answerProblem(point as Partial<RecordedQuery> | null, usedSeconds)
      // Without `continue: false` the checks of the whole oracle would still run, on values that are not queries.
      if (problem !== undefined) {
        return context.addIssue({ code: 'custom', path: [at], message: problem, continue: false })
      }
      usedSeconds = (point as RecordedQuery).usedSeconds
    }
  }) as unknown as Zod.ZodType<readonly RecordedQuery[]>

  const trainingOutcome = z.looseObject({
    id: fileName,
    seed: natural,
    testAccuracyPct: finite,
    testTop5AccuracyPct: finite,
    testMetricPct: finite.optional(),
    best: z.looseObject({ epoch: natural, testAccuracyPct: finite }),
    curves: z
      .looseObject({
        trainLoss: z.array(finite),
        trainAccuracyPct: z.array(finite),
        testAccuracyPct: z.array(finite),
      })
      .optional(),
  }) satisfies Zod.ZodType<TrainingOutcome>

  const trainingTime = z.looseObject({
    wallSeconds: finite,
    peakMemoryBytes: finite,
  }) satisfies Zod.ZodType<TrainingTime>

  /** Schema of a time as text, in the format of `Date.toISOString`. */
  const moment = z.iso.datetime({ offset: true })

  const result = z.looseObject({
    schema: z.literal(1),
    id: fileName,
    algorithm: label,
    space: label,
    dataset: label,
    table: label.nullable(),
    protocol: label,
    seed: natural,
    genotype: z.string(),
    metrics: z.array(metric),
    parameters: finite.optional(),
    macs: finite.optional(),
    epochs: natural,
    validMetricPct: finite.optional(),
    trainings: z.array(trainingOutcome).min(1).optional(),
    oracle: z
      .looseObject({ budgetSeconds: finite.nullable(), usedSeconds: finite, evaluations: natural.optional(), queries })
      .refine(isComplete, { path: ['queries'], error: 'a query lacks its genotype' })
      .optional(),
    timing: z.looseObject({
      wallSeconds: finite,
      processorSeconds: finite.optional(),
      startedAt: moment,
      finishedAt: moment,
      search: z.looseObject({ seconds: finite, device: z.enum(['gpu', 'one core', 'cpu']) }).optional(),
      trainings: z.array(trainingTime).optional(),
    }),
  }) satisfies Zod.ZodType<ResultRecord>

  const failure = z.looseObject({
    schema: z.literal(1),
    id: fileName,
    epoch: natural,
    message: z.string(),
  }) satisfies Zod.ZodType<FailureRecord>

  /** How to parse each file in the folder of a run, by the name of the file. */
  const runFiles = {
    'run.json': { schema: manifest as Zod.ZodType<RunManifest>, what: 'the description of a run', remedy },
    'epochs.jsonl': { schema: epoch as Zod.ZodType<EpochRecord>, what: 'the record of an epoch', remedy },
    'result.json': { schema: result as Zod.ZodType<ResultRecord>, what: 'the result of a run', remedy },
    'failure.json': { schema: failure as Zod.ZodType<FailureRecord>, what: 'the failure of a run', remedy },
  } as const satisfies Record<(typeof RUN_FILES)[number], ReadAs<unknown>>

  /** How to parse a line of a compact report: what tables and figures read of a run. */
  const reportedRun = {
    schema: z.looseObject({ manifest, epochs: z.array(epoch), result: result.optional(), failure: failure.optional() }),
    what: 'the record of a run',
    remedy: 'restore it from a copy, or write the report again',
  }

  /** Schema of a job with the id of its run, as a work order for Slurm array tasks lists it. */
  const orderedJob = z.looseObject({ id: fileName, job })

  return {
    fileName,
    retrainingSettings,
    keep,
    imageSplit,
    trainingOutcome,
    trainingTime,
    moment,
    runFiles,
    reportedRun,
    orderedJob,
  }
})
