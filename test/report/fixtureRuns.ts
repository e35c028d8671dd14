/**
 * Fixtures: run records in the form of the store, with accuracies and eigenvalues drawn from a seeded stream. They are
 * results of nothing and stand for nothing.
 */
import { type Metric, parseQualifier } from '../../src/core/metric.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import { random } from '../../src/core/random.ts'
import type { EpochRecord, Job, ResultRecord, SearchTime, TrajectoryPoint } from '../../src/core/result.ts'
import type { TrainingCurves } from '../../src/core/retraining.ts'
import { resolveProtocol } from '../../src/protocols/index.ts'
import type { WholeRun } from '../../src/report/runRecord.ts'
import { type RetrainingRequest, resolveSettings } from '../../src/retrain/settings.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { format, nb201Genotype } from '../../src/spaces/nb201/genotype.ts'
import { OPERATIONS } from '../../src/spaces/nb201/topology.ts'

export const fixtureProtocol: Protocol = {
  name: 'fixture',
  epochs: 10,
  batchSize: 8,
  weights: { learningRate: 0.1, learningRateMin: 0, momentum: 0.9, nesterov: false, weightDecay: 0, clipNorm: 5 },
  architecture: { learningRate: 3e-4, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 1e-3 },
  network: { channels: 4, depth: 1, affine: false, track: false },
  stepOrder: 'architecture-first',
  data: { trainPortion: 0.5, cropPadding: 0, flip: false, cutout: 0, imageSize: null, limit: null },
  headline: {
    cifar10: [
      { dataset: 'cifar10', validation: 'cifar10-valid/x-valid/200/mean', test: 'cifar10/ori-test/200/mean' },
      { dataset: 'cifar100', validation: 'cifar100/x-valid/200/mean', test: 'cifar100/x-test/200/mean' },
    ],
  },
}

/** The fixtures' protocol with reported accuracies for searches on CIFAR-100, too. */
export const protocolOnBoth: Protocol = {
  ...fixtureProtocol,
  headline: { ...fixtureProtocol.headline, cifar100: fixtureProtocol.headline.cifar10.slice(1) },
}

const fixtureEnvironment = { version: '0.0.0', node: 'v20.0.0', platform: 'fixture', cpu: 'fixture' }
const fixtureMoments = { startedAt: '2000-01-01T00:00:00.000Z', finishedAt: '2000-01-01T00:00:12.500Z' }

export interface FixtureOptions {
  readonly algorithm?: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly seed?: number
  /** Dataset that was searched on; absent: cifar10. */
  readonly dataset?: string
  readonly budgetSeconds?: number
  readonly protocol?: Protocol
  /** Test accuracy on cifar10, in %; drawn where absent. */
  readonly accuracyPct?: number
  /** Of the dominant eigenvalue from one epoch to the next. */
  readonly growth?: number
  readonly table?: Job['table']
}

/** As the store has it. */
export interface FixtureRun extends WholeRun {
  readonly result?: ResultRecord
}

export function fixtureRun(options: FixtureOptions = {}): FixtureRun {
  const { algorithm = 'drnas', seed = 0, dataset = 'cifar10', protocol = fixtureProtocol, budgetSeconds } = options
  const stream = random(seed, 'fixture', algorithm)
  const id = `fixture-${algorithm}-seed${seed}`
  const job: Job = {
    algorithm: { name: algorithm, version: 1, options: options.options ?? {} },
    space: 'nb201',
    dataset: { name: dataset, contentHash: 'fixture' },
    table: options.table ?? { name: 'fixture-table', sha256: '0123456789abcdef' },
    protocol,
    probes: ['hessian', 'range', 'alpha', 'skip'],
    seed,
    executor: 'fixture',
    ...(budgetSeconds !== undefined && { budgetSeconds }),
  }
  const epochs = Array.from({ length: protocol.epochs }, (_, epoch) => fixtureEpoch(epoch, options, stream))
  const last = epochs[epochs.length - 1]
  const { accuracyPct } = options
  const metrics = accuracyPct === undefined ? last.metrics : last.metrics.map((metric) => ({ ...metric, accuracyPct }))
  return {
    manifest: {
      schema: 1,
      id,
      job,
      environment: fixtureEnvironment,
    },
    epochs,
    result: {
      schema: 1,
      id,
      algorithm,
      space: 'nb201',
      dataset,
      table: 'fixture-table',
      protocol: protocol.name,
      seed,
      genotype: last.genotype,
      metrics,
      parameters: 400_000 + stream.integer(800_000),
      macs: 50_000_000 + stream.integer(100_000_000),
      epochs: protocol.epochs,
      timing: { wallSeconds: 12.5, ...fixtureMoments },
    },
  }
}

/** A run that stopped with an error. */
export function failedRun(options: FixtureOptions = {}): FixtureRun {
  const { result, ...run } = fixtureRun(options)
  return { ...run, failure: { schema: 1, id: run.manifest.id, epoch: 3, message: 'fixture failure' } }
}

/** Runs of one algorithm over seeds 0 … n − 1. */
export const fixtureRuns = (n: number, options: FixtureOptions = {}): FixtureRun[] =>
  Array.from({ length: n }, (_, seed) => fixtureRun({ ...options, seed }))

function fixtureEpoch(epoch: number, options: FixtureOptions, stream: ReturnType<typeof random>): EpochRecord {
  const { growth = 1.02 } = options
  const operations = Array.from({ length: 6 }, () => stream.choice(OPERATIONS))
  const qualifiers = fixtureProtocol.headline.cifar10.flatMap(({ validation, test }) => [validation, test])
  const metrics = qualifiers.map((text): Metric => {
    const base = text.startsWith('cifar100') ? 60 : 88
    return { ...parseQualifier(text), accuracyPct: base + epoch / 2 + 3 * stream.uniform() }
  })
  const dominantEigenvalue = 0.05 * growth ** epoch * (1 + 0.3 * stream.uniform())
  const theta = Array.from({ length: 6 }, (_, edge) => {
    const weights = OPERATIONS.map((_, op) => Math.exp(op === (edge + 2) % 5 ? epoch / 4 : stream.uniform()))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return weights.map((weight) => weight / total)
  })
  const derived = metrics[1].accuracyPct
  return {
    epoch,
    trainLoss: 2 - epoch / 10,
    trainAccuracyPct: 30 + 2 * epoch,
    validLoss: 2.1 - epoch / 12,
    validAccuracyPct: 28 + 1.5 * epoch,
    genotype: format(nb201Genotype(operations)),
    metrics,
    parameters: theta,
    probes: {
      hessian: {
        mode: 'full',
        loss: 'val',
        at: 'mean',
        dominantEigenvalue,
        smallestEigenvalue: -dominantEigenvalue / 2,
        spectralNorm: dominantEigenvalue,
        trace: dominantEigenvalue,
        frobeniusNorm: 1.1 * dominantEigenvalue,
      },
      range: {
        sampling: 'relaxation',
        samples: 100,
        accuracyPct: {
          [qualifiers[1]]: {
            min: derived - 20 / (1 + epoch),
            mean: derived - 4 / (1 + epoch),
            max: derived + 1,
            derived,
          },
        },
      },
      alpha: {
        theta,
        entropy: theta.map((row) => -row.reduce((sum, value) => sum + value * Math.log(value), 0)),
        meanEntropy: 1.6 - epoch / 10,
      },
      skip: { skipConnections: operations.filter((operation) => operation === 'skip_connect').length },
    },
    seconds: 1.25,
  }
}

export interface Trained {
  readonly algorithm?: string
  readonly genotype?: string
  readonly dataset?: string
  readonly seed?: number
  readonly request?: RetrainingRequest
  /** Of each training, in %. */
  readonly accuracies?: readonly number[]
  /** Of each training; absent: its record has none. */
  readonly curves?: readonly TrainingCurves[]
  readonly search?: SearchTime
}

/** A finished run with full trainings, as the store has it. */
export function trainedRun({
  algorithm = 'genotype',
  genotype = 'DARTS_V2',
  dataset = 'cifar10',
  seed = 0,
  ...rest
}: Trained): FixtureRun {
  const { request = { preset: 'drnas-paper' }, accuracies = [97], curves = [], search } = rest
  const text = darts.format(darts.parse(genotype))
  const job: Job = {
    algorithm: { name: algorithm, version: 1, options: algorithm === 'genotype' ? { genotype: text } : {} },
    ...{ space: 'darts', dataset: { name: dataset }, probes: [], seed },
    retraining: { settings: resolveSettings(request, dataset) },
    protocol: resolveProtocol('darts-paper', { space: 'darts', dataset, algorithm }),
  }
  const trainings = accuracies.map((testAccuracyPct, i) => ({
    ...{ id: `retrain-${i}`, seed: i, testAccuracyPct, testTop5AccuracyPct: 100 },
    best: { epoch: 1, testAccuracyPct: testAccuracyPct + 0.5 },
    ...(curves[i] && { curves: curves[i] }),
  }))
  const time = { wallSeconds: 90, peakMemoryBytes: 2e8 }
  const result: ResultRecord = {
    ...{ schema: 1, id: 'x', algorithm, space: 'darts', dataset, table: null, protocol: job.protocol.name, seed },
    ...{ genotype: text, metrics: [], parameters: 3_349_342, macs: 528_359_050, epochs: 1, trainings },
    timing: { wallSeconds: 100, ...fixtureMoments, trainings: trainings.map(() => time), ...(search && { search }) },
  }
  return { manifest: { schema: 1, id: 'x', job, environment: fixtureEnvironment }, epochs: [], result }
}

/** A finished black-box search: what it asked, and what it was told, in %. Its epoch has no looked-up numbers. */
export function askingRun(queries: readonly TrajectoryPoint[], options: FixtureOptions = {}): FixtureRun {
  const { manifest, result, epochs } = fixtureRun({ algorithm: 'rea', ...options })
  const { executor: _, ...job } = manifest.job
  const best = queries.reduce((a, b) => (b.accuracyPct > a.accuracyPct ? b : a))
  return {
    manifest: { ...manifest, job: { ...job, probes: [], budgetSeconds: 1000 } },
    epochs: [{ epoch: 0, genotype: best.genotype, metrics: [], seconds: epochs[0].seconds }],
    ...(result && {
      result: {
        ...result,
        epochs: 1,
        genotype: best.genotype,
        oracle: { budgetSeconds: 1000, usedSeconds: queries[queries.length - 1].usedSeconds, queries },
      },
    }),
  }
}
