/**
 * Takes trainings out of a pickle while it is read: each is turned into its numbers and curves as soon as its dict is
 * complete, and let go of, so that a file of gigabytes needs the memory of some hundred records.
 *
 * An import that was broken off reads the pickle from its beginning again, for a pickle names objects by the order in
 * which they came before; of the batches that were kept then, it only counts the records.
 */
import { BenchError } from '../../core/errors.ts'
import type { PickleOptions } from '../../pickle/machine.ts'
import { torchStorage } from '../../pickle/values.ts'
import { checkLimit } from '../../system/limits.ts'
import { AccuracyUnits } from './accuracyUnits.ts'
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
import type { Mapping } from './mapping.ts'
import { type NamedRuns, summarised } from './readRecords.ts'
import type { TrainingRun } from './trainingRuns.ts'

export interface RecordStreamOptions {
  readonly name: string
  /** Names the whole file and what is said of its numbers, so that parts of another are not taken for its. */
  readonly sha256: string
  readonly parts: Parts
  readonly withCurves: boolean
  /** What the file does not say of its numbers. */
  readonly mapping: Mapping
  indexOf(arch: string): number
  onProgress?(done: number): void
}

const BATCH = 125

/** Keys that are unique to an epoch and never named again. */
const EPOCH_KEY = /@\d+$/

export class RecordStream implements PickleOptions {
  readonly batches: Part[] = []
  readonly #options: RecordStreamOptions
  readonly #units: AccuracyUnits
  /** Of the record of this moment. */
  #readRun: ReadRun
  /** Of dicts that were complete and are now empty. */
  readonly #runs = new WeakMap<Dict, TrainingRun>()
  #waiting: NamedRuns[] = []
  #inBatch = 0
  /** The batch of this moment, where an earlier attempt kept it. */
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

  /** What waits for its batch to be full. */
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

  /** NASLib's files: architecture → dataset → training. */
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
