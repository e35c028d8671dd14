/** What a search leaves behind while it runs: a line an epoch, and now and then a checkpoint. */
import type { Search } from '../../core/algorithm.ts'
import type { EpochRecord, ResultRecord } from '../../core/result.ts'
import type { Checkpoint, RunFolder } from '../store/runFolder.ts'
import type { SimulatedOracle } from './oracle.ts'

/** A checkpoint is saved at the first end of an epoch this long after the last one: short epochs share one. */
const SECONDS_BETWEEN_CHECKPOINTS = 1

export class Journal {
  readonly #run: RunFolder
  readonly #oracle: SimulatedOracle | undefined
  readonly #startedAt: string
  readonly #earlierSeconds: number
  readonly #begun = performance.now()
  #lastSave = performance.now()
  #unsaved: EpochRecord[] = []

  /** @param saved where an earlier attempt stopped */
  constructor(run: RunFolder, oracle: SimulatedOracle | undefined, saved: Checkpoint | undefined) {
    this.#run = run
    this.#oracle = oracle
    this.#startedAt = saved?.startedAt ?? new Date().toISOString()
    this.#earlierSeconds = saved?.wallSeconds ?? 0
  }

  /** Notes a finished epoch; saves where it is time. */
  async add(record: EpochRecord, search: Search): Promise<void> {
    this.#unsaved.push(record)
    if (secondsSince(this.#lastSave) < SECONDS_BETWEEN_CHECKPOINTS) return
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

  /** Writes the lines that no checkpoint has taken along yet. */
  flush(): void {
    this.#run.appendEpochs(this.#unsaved)
    this.#unsaved = []
  }

  timing(): ResultRecord['timing'] {
    return { wallSeconds: this.#wallSeconds(), startedAt: this.#startedAt, finishedAt: new Date().toISOString() }
  }

  /** Work on this run so far, over all attempts. */
  #wallSeconds(): number {
    return this.#earlierSeconds + secondsSince(this.#begun)
  }
}

const secondsSince = (milliseconds: number): number => (performance.now() - milliseconds) / 1000
