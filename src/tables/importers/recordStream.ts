/**
 * Extracts the trainings of architectures from a pickle while it is read. As soon as the Python dict of a training is
 * complete, it is converted to table rows and curves, and freed, so that a file of gigabytes needs the memory of only
 * some hundred records.
 * An interrupted import reads the pickle from its beginning again, since a pickle refers to objects by the order in
 * which they occurred. Architecture records whose batch is already on disk are then counted but not converted.
 */
import { BenchError } from '../../core/errors.ts'
import type { PickleOptions } from '../../pickle/machine.ts'
import { torchStorage } from '../../pickle/values.ts'
import { checkLimit } from '../../system/limits.ts'
import {
  architectureRuns,
  checkName,
  type Dict,
  isNaslibRun,
  isSeed,
  naslibRun,
  type ReadRun,
  runReader,
} from './benchmarkRecords.ts'
import type { Part, Parts } from './importParts.ts'
import { AccuracyUnits, type Mapping } from './mapping.ts'
import { type NamedRuns, summarised } from './readRecords.ts'
import type { TrainingRun } from './trainingRuns.ts'

export interface RecordStreamOptions {
  /** Name of the pickle file, for error messages. */
  readonly name: string
  /** SHA-256 of the pickle file and of the user's mapping, by which an import recognises its batches on disk. */
  readonly sha256: string
  readonly parts: Parts
  readonly withCurves: boolean
  /** The user's mapping, which states what the pickle does not, such as split and seed of its accuracies. */
  readonly mapping: Mapping
  indexOf(arch: string): number
  onProgress?(done: number): void
}

const BATCH = 125

/**
 * Matches keys of a Python dict that contain an epoch, such as `x-valid@11`. A pickle never refers to such a key again.
 */
const EPOCH_KEY = /@\d+$/

/** Receives each complete Python dict of a pickle and collects architecture records in batches. */
export class RecordStream implements PickleOptions {
  readonly batches: Part[] = []
  readonly #options: RecordStreamOptions
  readonly #units: AccuracyUnits
  /** Function that converts the trainings of the architecture that is being read. */
  #readRun: ReadRun
  /** For each Python dict of a training that was converted and emptied: the training. */
  readonly #runs = new WeakMap<Dict, TrainingRun>()
  #waiting: NamedRuns[] = []
  #inBatch = 0
  /** The batch that is being read, if it is already on disk from an earlier, interrupted import. */
  #kept: Part | undefined
  #done = 0

  constructor(options: RecordStreamOptions) {
    this.#options = options
    this.#units = new AccuracyUnits(options.mapping.accuracies)
    this.#readRun = runReader()
    this.#begin()
  }

  keepsText = (text: string): boolean => !EPOCH_KEY.test(text)

  persistent = (id: unknown): unknown => torchStorage(id) ?? null

  onDict = (dict: Map<unknown, unknown>): boolean => {
    const { mapping, name } = this.#options
    if (isNaslibRun(dict)) this.#runs.set(dict, naslibRun(dict, mapping, name))
    else if (isRun(dict)) this.#takeRun(dict)
    else if (isRecord(dict)) this.#takeRecord(dict)
    else {
      this.#takeNaslib(dict)
      return false
    }
    dict.clear()
    return true
  }

  /** Writes the last batch of architecture records, which may have fewer records than the others. */
  finish(): void {
    if (this.#inBatch > 0) this.#flush()
  }

  #takeRun(dict: Dict): void {
    if (this.#kept !== undefined) return
    const { name } = this.#options
    const dataset = dict.get('name')
    const seed = typeof dict.get('seed') === 'string' ? Number(dict.get('seed')) : dict.get('seed')
    if (!isSeed(seed)) throw new BenchError('bad-input', `${name}: a training has no seed`)
    checkName(dataset, name)
    this.#runs.set(dict, this.#readRun(dict, dataset, seed, `${name}, ${dataset}, seed ${seed}`))
  }

  #takeRecord(dict: Dict): void {
    if (this.#kept !== undefined) this.#count()
    else {
      const readRun: ReadRun = (count, ...names) => this.#runs.get(count) ?? this.#readRun(count, ...names)
      this.#take(architectureRuns(dict, this.#options.name, readRun))
    }
    this.#readRun = runReader()
  }

  /**
   * Extracts the architectures from a Python dict in NASLib's form: architecture → dataset → training. Does nothing for
   * any other dict.
   */
  #takeNaslib(dict: Map<unknown, unknown>): void {
    for (const [arch, datasets] of dict) {
      if (typeof arch !== 'string' || !(datasets instanceof Map) || datasets.size === 0) return
      const runs: TrainingRun[] = []
      for (const [dataset, inner] of datasets as Map<unknown, Dict>) {
        const run = this.#runs.get(inner)
        if (run === undefined) return
        checkName(dataset, this.#options.name)
        runs.push({ ...run, dataset })
      }
      checkLimit('architecture-length', arch.length, this.#options.name)
      this.#take({ index: this.#options.indexOf(arch), arch, runs })
      dict.delete(arch)
    }
  }

  #take(runs: Omit<NamedRuns, 'name'>): void {
    if (this.#kept === undefined) {
      const { name } = this.#options
      const inPercent = runs.runs.map((run) => this.#units.inPercent(run, name))
      this.#waiting.push({ name: `${name}, architecture ${runs.index}`, ...runs, runs: inPercent })
    }
    this.#count()
  }

  #count(): void {
    if (++this.#inBatch === BATCH) this.#flush()
    checkLimit('source-rows', ++this.#done, this.#options.name)
    this.#options.onProgress?.(this.#done)
  }

  #begin(): void {
    const { parts, sha256, withCurves } = this.#options
    this.#waiting = []
    this.#inBatch = 0
    this.#kept = parts.find(this.batches.length, sha256, withCurves)
  }

  #flush(): void {
    const { parts, sha256, withCurves } = this.#options
    this.batches.push(this.#kept ?? parts.keep(this.batches.length, sha256, summarised(this.#waiting, withCurves)))
    this.#begin()
  }
}

const isRun = (dict: Dict): boolean => dict.has('eval_acc1es') && dict.has('train_acc1es') && dict.has('eval_names')

const isRecord = (dict: Dict): boolean =>
  ['12', '200', 'less', 'full'].some((schedule) => {
    const results = dict.get(schedule)
    return results instanceof Map && results.has('all_results')
  })
