/** Writes the records of a running search: a line for each finished epoch and, from time to time, a checkpoint. */
import type { Search } from '../../core/algorithm.ts'
import type { EpochRecord, ResultRecord } from '../../core/result.ts'
import { type LogEntry, type LogFormat, ProgressLog } from '../../system/progressLog.ts'
import type { Checkpoint, RunFolder } from '../store/runFolder.ts'
import type { SimulatedOracle } from './oracle.ts'

/** Minimum number of seconds between two checkpoints of a search, so that not every short epoch writes one. */
const SECONDS_BETWEEN_CHECKPOINTS = 1

/** Writes the epoch records and checkpoints of one run, and measures its wall-clock time. */
export class Journal {
  readonly #run: RunFolder
  readonly #oracle: SimulatedOracle | undefined
  readonly #startedAt: string
  readonly #earlierSeconds: number
  readonly #begun = performance.now()
  #lastSave = performance.now()
  #unsaved: EpochRecord[] = []
  readonly #log: ProgressLog | undefined
  #learningRate: number | undefined

  /**
   * @param saved checkpoint of an earlier, interrupted attempt at the run
   * @param options.log formats in which the metrics of each epoch are logged as well
   */
  constructor(
    run: RunFolder,
    oracle: SimulatedOracle | undefined,
    saved: Checkpoint | undefined,
    { log }: { readonly log?: readonly LogFormat[] } = {},
  ) {
    this.#log =
      log &&
      new ProgressLog(
        run.path,
        log,
        run.epochs().map((record) => logEntry(record)),
      )
    this.#run = run
    this.#oracle = oracle
    this.#startedAt = saved?.startedAt ?? new Date().toISOString()
    this.#earlierSeconds = saved?.wallSeconds ?? 0
  }

  /** Adds the record of a finished epoch, and saves a checkpoint if the last one is older than a second. */
  async add(record: EpochRecord, search: Search): Promise<void> {
    this.#unsaved.push(record)
    this.#log?.add(logEntry(record, this.#learningRate))
    if (secondsSince(this.#lastSave) < SECONDS_BETWEEN_CHECKPOINTS || search.saves === false) return
    this.flush()
    this.#run.saveCheckpoint({
      epochs: record.epoch + 1,
      search: await search.save(),
      queries: this.#oracle?.queries ?? [],
      startedAt: this.#startedAt,
      wallSeconds: this.#wallSeconds(),
    })
    this.#lastSave = performance.now()
  }

  /** Writes the epoch records that were added since the last write to the run's folder. */
  flush(): void {
    this.#run.appendEpochs(this.#unsaved)
    this.#unsaved = []
  }

  /** Remembers the learning rate of an SGD step, for the log of the epoch. */
  tellLearningRate(rate: number): void {
    this.#learningRate = rate
  }

  /** Returns the wall-clock seconds that the run has taken so far, its start time and its end time (now). */
  timing(): ResultRecord['timing'] {
    return { wallSeconds: this.#wallSeconds(), startedAt: this.#startedAt, finishedAt: new Date().toISOString() }
  }

  /** Returns the wall-clock seconds that the run has taken, over all its attempts. */
  #wallSeconds(): number {
    return this.#earlierSeconds + secondsSince(this.#begun)
  }
}

/**
 * Returns the metrics of one search epoch as an entry of progress logs.
 * @param learningRate rate of the epoch's last SGD step on the network weights; undefined if it is not known
 */
function logEntry(record: EpochRecord, learningRate?: number): LogEntry {
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
      'learning rate': learningRate,
      'hessian/dominant eigenvalue': dominantEigenvalue,
      ...Object.fromEntries(Object.entries(extra).map(([name, value]) => [`extra/${name}`, value])),
    },
    ...(parameters && { histograms: { alpha: parameters.flat() } }),
  }
}

const secondsSince = (milliseconds: number): number => (performance.now() - milliseconds) / 1000
