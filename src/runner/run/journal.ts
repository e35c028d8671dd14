/** Writes the records of a running search: a line for each finished epoch and, from time to time, a checkpoint. */
import type { Search } from '../../core/algorithm.ts'
import type { EpochRecord, ResultRecord } from '../../core/result.ts'
import type { Checkpoint, RunFolder } from '../store/runFolder.ts'
import type { SimulatedOracle } from './oracle.ts'

/** Least seconds between two checkpoints of a search, so that short epochs do not save one each. */
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

  /** @param saved checkpoint of an earlier, interrupted attempt at the run */
  constructor(run: RunFolder, oracle: SimulatedOracle | undefined, saved: Checkpoint | undefined) {
    this.#run = run
    this.#oracle = oracle
    this.#startedAt = saved?.startedAt ?? new Date().toISOString()
    this.#earlierSeconds = saved?.wallSeconds ?? 0
  }

  /** Adds the record of a finished epoch, and saves a checkpoint if the last one is older than a second. */
  async add(record: EpochRecord, search: Search): Promise<void> {
    this.#unsaved.push(record)
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

  /** Writes those epoch records to the run's folder that were added since the last write. */
  flush(): void {
    this.#run.appendEpochs(this.#unsaved)
    this.#unsaved = []
  }

  /** Returns how long the run has taken so far, and when it was started and ended. */
  timing(): ResultRecord['timing'] {
    return { wallSeconds: this.#wallSeconds(), startedAt: this.#startedAt, finishedAt: new Date().toISOString() }
  }

  /** Returns the wall-clock seconds that the run has taken, over all its attempts. */
  #wallSeconds(): number {
    return this.#earlierSeconds + secondsSince(this.#begun)
  }
}

const secondsSince = (milliseconds: number): number => (performance.now() - milliseconds) / 1000
