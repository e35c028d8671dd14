/** Writes the records of a running search: a line for each finished epoch and, from time to time, a checkpoint. */
import type { Search } from '../../core/algorithm.ts'
import { accuracyOf, type Metric } from '../../core/metric.ts'
import type { Headline } from '../../core/protocol.ts'
import type { EpochRecord, ResultRecord } from '../../core/result.ts'
import type { ProcessorTime } from '../../system/processorTime.ts'
import { type LogEntry, type LogFormat, ProgressLog } from '../../system/progressLog.ts'
import type { Checkpoint, RunFolder } from '../store/runFolder.ts'
import type { SimulatedOracle } from './oracle.ts'

/** Minimum number of seconds between two writes of records and checkpoint, so that not every short epoch writes. */
const SECONDS_BETWEEN_CHECKPOINTS = 1

/** Writes the epoch records and checkpoints of one run, and measures its wall-clock time and its processor time. */
export class Journal {
  readonly #run: RunFolder
  readonly #oracle: SimulatedOracle | undefined
  readonly #startedAt: string
  readonly #earlierSeconds: number
  /** Processor seconds of the earlier attempts, minus those of this attempt before the journal began. */
  readonly #earlierProcessorSeconds: number | undefined
  readonly #processorTime: ProcessorTime | undefined
  readonly #begun = performance.now()
  #lastSave = performance.now()
  #unsaved: EpochRecord[] = []
  readonly #log: ProgressLog | undefined
  readonly #headline: readonly Headline[]
  #learningRate: number | undefined

  /**
   * @param saved checkpoint of an earlier, interrupted attempt at the run
   * @param options.log formats in which the metrics of each epoch are logged as well
   * @param options.processorTime measures the run's processor time; absent if it cannot be measured, as that of an
   * external program
   * @param options.headline the columns of the lookup table that are logged; none without a table
   */
  constructor(
    run: RunFolder,
    oracle: SimulatedOracle | undefined,
    saved: Checkpoint | undefined,
    {
      log,
      headline = [],
      processorTime,
    }: {
      readonly log?: readonly LogFormat[]
      readonly headline?: readonly Headline[]
      readonly processorTime?: ProcessorTime
    } = {},
  ) {
    this.#headline = headline
    this.#log =
      log &&
      new ProgressLog(
        run.path,
        log,
        run.epochs().map((record) => logEntry(record, headline)),
      )
    this.#run = run
    this.#oracle = oracle
    this.#startedAt = saved?.startedAt ?? new Date().toISOString()
    this.#earlierSeconds = saved?.wallSeconds ?? 0
    this.#processorTime = processorTime
    // If an earlier attempt did not measure it, the sum is unknown.
    const earlier = saved === undefined ? 0 : saved.processorSeconds
    this.#earlierProcessorSeconds =
      earlier === undefined || !processorTime ? undefined : earlier - processorTime.seconds
  }

  /**
   * Adds the record of a finished epoch. If the last write is older than a second, writes all new records and, unless
   * the search cannot be saved, a checkpoint.
   * @returns whether a checkpoint was written, so that a later attempt need not repeat the epoch
   */
  async add(record: EpochRecord, search: Search): Promise<boolean> {
    this.#unsaved.push(record)
    this.#log?.add(logEntry(record, this.#headline, this.#learningRate))
    if (secondsSince(this.#lastSave) < SECONDS_BETWEEN_CHECKPOINTS) return false
    this.flush()
    const isSaved = search.saves !== false
    if (isSaved) {
      this.#run.saveCheckpoint({
        epochs: record.epoch + 1,
        search: await search.save(),
        queries: this.#oracle?.queries ?? [],
        startedAt: this.#startedAt,
        ...this.#seconds(),
      })
    }
    this.#lastSave = performance.now()
    return isSaved
  }

  /** Writes the epoch records that were added since the last write to the run's folder. */
  flush(): void {
    this.#run.appendEpochs(this.#unsaved)
    this.#unsaved = []
  }

  /**
   * Adds the accuracies of the architecture that the search found to the log. Without an evaluation it adds nothing.
   * @param epochs number of finished epochs of the search
   */
  addAnswer(metrics: readonly Metric[] = [], epochs: number): void {
    this.#log?.add({ step: epochs, scalars: answerScalars(metrics, this.#headline) })
  }

  /** Remembers the learning rate of an SGD step, for the log of the epoch. */
  tellLearningRate(rate: number): void {
    this.#learningRate = rate
  }

  /** Returns the seconds that the run has taken so far, its start time and its end time (now). */
  timing(): ResultRecord['timing'] {
    return { ...this.#seconds(), startedAt: this.#startedAt, finishedAt: new Date().toISOString() }
  }

  /** Returns the wall-clock seconds and the processor seconds that the run has taken, over all its attempts. */
  #seconds() {
    const earlier = this.#earlierProcessorSeconds
    return {
      wallSeconds: this.#earlierSeconds + secondsSince(this.#begun),
      ...(earlier !== undefined && this.#processorTime && { processorSeconds: earlier + this.#processorTime.seconds }),
    }
  }
}

/**
 * Returns the metrics of one search epoch as an entry of progress logs.
 * @param headline the columns of the lookup table that are logged
 * @param learningRate rate of the epoch's last SGD step on the network weights; undefined if it is not known
 */
function logEntry(record: EpochRecord, headline: readonly Headline[], learningRate?: number): LogEntry {
  const { epoch: step, parameters, probes, extra = {} } = record
  const { dominantEigenvalue } = (probes?.hessian ?? {}) as { readonly dominantEigenvalue?: number }
  return {
    step,
    scalars: {
      'loss/train': record.trainLoss,
      'loss/validation': record.validLoss,
      'accuracy/train': record.trainAccuracyPct,
      'accuracy/validation': record.validAccuracyPct,
      'metric/validation': record.validMetricPct,
      ...answerScalars(record.metrics, headline),
      'learning rate': learningRate,
      'hessian/dominant eigenvalue': dominantEigenvalue,
      ...Object.fromEntries(Object.entries(extra).map(([name, value]) => [`extra/${name}`, value])),
    },
    ...(parameters && { histograms: { alpha: parameters.flat() } }),
  }
}

/**
 * Returns the accuracies of an architecture by the names that they have in progress logs: those of the headline's
 * columns of a lookup table, or without a table the means of full trainings.
 */
function answerScalars(metrics: readonly Metric[], headline: readonly Headline[]): LogEntry['scalars'] {
  const trained = headline.length === 0 ? metrics.filter(({ seed }) => seed === 'mean') : []
  return Object.fromEntries([
    ...headline.flatMap(({ dataset, validation, test }) => [
      [`answer/${dataset} validation`, accuracyOf(metrics, validation)],
      [`answer/${dataset} test`, accuracyOf(metrics, test)],
    ]),
    ...trained.map(({ dataset, accuracyPct }) => [`answer/${dataset} test`, accuracyPct]),
  ])
}

const secondsSince = (milliseconds: number): number => (performance.now() - milliseconds) / 1000
