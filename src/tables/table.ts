/** An open lookup table of trained architectures. Each architecture is identified by its index in the search space. */
import { BenchError } from '../core/errors.ts'
import { formatQualifier, type Metric, parseQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'
import { distinct } from '../system/groupBy.ts'
import { isAccuracy } from './columnNames.ts'
import {
  type NumberColumn,
  numberColumn,
  type ReadRange,
  type StoredColumn,
  type TextColumn,
  textColumn,
} from './columns.ts'
import type { ColumnEntry, Manifest } from './manifest.ts'

/** A lookup table. Its methods return the accuracies and other values of architectures. */
export class Table {
  readonly manifest: Manifest
  readonly #read: ReadRange
  readonly #entries: ReadonlyMap<string, ColumnEntry>
  readonly #columns = new Map<string, NumberColumn>()
  readonly #texts = new Map<string, TextColumn>()
  readonly #rowOf: (index: number) => number | undefined
  readonly #index: NumberColumn
  #qualifiers: readonly Qualifier[] | undefined
  #accuracies: readonly { readonly qualifier: Qualifier; readonly column: NumberColumn }[] | undefined
  #rowOfArch: ReadonlyMap<string, number> | undefined
  #last: { readonly qualifier: Qualifier; readonly column: NumberColumn } | undefined

  constructor(manifest: Manifest, read: ReadRange) {
    this.manifest = manifest
    this.#read = read
    const entries = new Map<string, ColumnEntry>()
    for (const entry of manifest.columns) entries.set(entry.name, entry)
    this.#entries = entries
    const index = numberColumn(this.#entry('index'), this.rows, read)
    this.#index = index
    this.#columns.set('index', index)
    this.#rowOf = rowLookup(index, manifest.rows)
  }

  /**
   * The table's column of architecture strings. It is the largest column, and opened only when it is used, since most
   * searches never need it.
   */
  get #arch(): TextColumn {
    return this.text('arch')
  }

  /** Qualifiers of the table's accuracy columns: dataset, split, epochs and seed of each. */
  get qualifiers(): readonly Qualifier[] {
    this.#qualifiers ??= this.manifest.columns
      .filter(({ name }) => isAccuracy(name))
      .map(({ name }) => parseQualifier(name))
    return this.#qualifiers
  }

  /** Number of rows of the table, one for each architecture. */
  get rows(): number {
    return this.manifest.rows
  }

  /** Yields the indices of the architectures that have a row in the table, in the order of the rows. */
  *indices(): Generator<number> {
    for (let row = 0; row < this.rows; row++) yield this.#index.at(row) as number
  }

  /** Returns the row number of an architecture, for reading columns; undefined if the table has no row for it. */
  row(index: number): number | undefined {
    return this.#rowOf(index)
  }

  /** Returns the table's numeric column with this name. @throws BenchError `unknown-name` */
  column(name: string): NumberColumn {
    const opened = this.#columns.get(name) ?? numberColumn(this.#entry(name), this.rows, this.#read)
    this.#columns.set(name, opened)
    return opened
  }

  /** Returns the table's text column with this name. @throws BenchError `unknown-name` */
  text(name: string): TextColumn {
    const opened = this.#texts.get(name) ?? textColumn(this.#entry(name), this.rows, this.#read)
    this.#texts.set(name, opened)
    return opened
  }

  /** Returns whether the table has a column with this name. */
  has(column: string): boolean {
    return this.#entries.has(column)
  }

  /** Returns whether the table's column with this name contains text. @throws BenchError `unknown-name` */
  isText(column: string): boolean {
    return this.#entry(column).type === 'utf8'
  }

  /**
   * Returns the accuracy of an architecture in %, for one dataset, split, number of epochs and seed; undefined if it is
   * missing.
   * @throws BenchError `unknown-name`
   */
  value(index: number, qualifier: Qualifier): number | undefined {
    if (this.#last?.qualifier !== qualifier) this.#last = { qualifier, column: this.accuracy(qualifier) }
    const row = this.#rowOf(index)
    return row === undefined ? undefined : this.#last.column.at(row)
  }

  /**
   * Returns the table's accuracy column (in %) for one dataset, split, number of epochs and seed.
   * @throws BenchError `unknown-name` that names the part that the table lacks
   */
  accuracy(qualifier: Qualifier): NumberColumn {
    const name = formatQualifier(qualifier)
    if (!this.#entries.has(name)) throw unknownColumn(`table ${this.manifest.name}`, qualifier, this.qualifiers)
    return this.column(name)
  }

  /** Returns all accuracies of an architecture; an empty list if it has no row in the table. */
  metrics(index: number): Metric[] {
    const row = this.#rowOf(index)
    const metrics: Metric[] = []
    if (row === undefined) return metrics
    this.#accuracies ??= this.qualifiers.map((qualifier) => ({ qualifier, column: this.accuracy(qualifier) }))
    for (const { qualifier, column } of this.#accuracies) {
      const accuracyPct = column.at(row)
      if (accuracyPct !== undefined) metrics.push({ ...qualifier, accuracyPct })
    }
    return metrics
  }

  /** Returns the architecture string of the architecture with this index; undefined if it has no row in the table. */
  arch(index: number): string | undefined {
    const row = this.#rowOf(index)
    return row === undefined ? undefined : this.#arch.at(row)
  }

  /**
   * Returns the index of the architecture with this string, which must be in the search space's canonical form;
   * undefined if the table has no row for it.
   */
  find(arch: string): number | undefined {
    this.#rowOfArch ??= new Map(Array.from({ length: this.rows }, (_, row) => [this.#arch.at(row) as string, row]))
    const row = this.#rowOfArch.get(arch)
    return row === undefined ? undefined : this.#index.at(row)
  }

  #entry(name: string): ColumnEntry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw unknownName(`column of table ${this.manifest.name}`, name, this.#entries.keys())
    return entry
  }
}

/**
 * Returns a function from an architecture's index to the number of its row; in a complete table the two are equal.
 * @throws BenchError `corrupt` if an index occurs twice
 */
function rowLookup(index: StoredColumn, rows: number): (index: number) => number | undefined {
  if (index.countsRows()) return (index) => (index >= 0 && index < rows ? index : undefined)
  const rowOf = new Map<number, number>()
  for (let row = 0; row < rows; row++) rowOf.set(index.at(row) as number, row)
  if (rowOf.size !== rows) throw new BenchError('corrupt', 'the table has two rows of one architecture; import again')
  return (index) => rowOf.get(index)
}

/**
 * Returns the error for accuracies (dataset, split, epochs, seed) that a table does not have.
 * @param place where they were looked up, for the message: `table nb201`
 * @param candidates existing qualifiers with which `wanted` is compared to find its wrong part
 * @param known all qualifiers of the table, for hints
 */
export function unknownColumn(
  place: string,
  wanted: Qualifier,
  candidates: readonly Qualifier[],
  known: readonly Qualifier[] = candidates,
): BenchError {
  const ofDataset = candidates.filter(({ dataset }) => dataset === wanted.dataset)
  if (ofDataset.length === 0) {
    return unknownName(`dataset of ${place}`, wanted.dataset, distinct(candidates.map(({ dataset }) => dataset)))
  }
  const ofSplit = ofDataset.filter(({ split }) => split === wanted.split)
  if (ofSplit.length === 0) return unknownSplit(wanted, ofDataset, known)
  const ofEpochs = ofSplit.filter(({ epochs }) => epochs === wanted.epochs)
  const found = `${place} has ${wanted.dataset}/${wanted.split}`
  if (ofEpochs.length === 0) {
    const epochs = distinct(ofSplit.map(({ epochs }) => epochs))
    return new BenchError(
      'unknown-name',
      `${found} after ${epochs.join(' and ')} ${epochs.at(-1) === 1 ? 'epoch' : 'epochs'}, not after ${wanted.epochs}`,
    )
  }
  const seeds = ofEpochs.map(({ seed }) => seed).join(', ')
  return new BenchError('unknown-name', `${found}/${wanted.epochs} for seeds ${seeds}, not for ${wanted.seed}`)
}

/**
 * Returns the error for a split that a dataset does not have. It points to the dataset `cifar10-valid`: NAS-Bench-201
 * has CIFAR-10's validation accuracies under this name, since those networks were trained on half of the training set.
 */
function unknownSplit(wanted: Qualifier, ofDataset: readonly Qualifier[], known: readonly Qualifier[]): BenchError {
  const splits = distinct(ofDataset.map(({ split }) => split)).join(', ')
  const half = known.find(({ dataset, split }) => dataset === `${wanted.dataset}-valid` && split === wanted.split)
  const hint = half === undefined ? '' : `; there is ${formatQualifier(half)}`
  return new BenchError(
    'unknown-name',
    `dataset ${wanted.dataset} has no split ${wanted.split}; it has ${splits}${hint}`,
  )
}
