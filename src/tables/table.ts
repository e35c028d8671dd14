/** An open lookup table. Rows are named by the architecture's index in its space's own order. */
import { BenchError } from '../core/errors.ts'
import { formatQualifier, type Metric, parseQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'
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
import { unknownColumn } from './unknownColumn.ts'

export class Table {
  readonly manifest: Manifest
  /** Of every accuracy that the table holds. */
  readonly qualifiers: readonly Qualifier[]
  readonly #read: ReadRange
  readonly #entries: ReadonlyMap<string, ColumnEntry>
  readonly #columns = new Map<string, NumberColumn>()
  readonly #texts = new Map<string, TextColumn>()
  readonly #rowOf: (index: number) => number | undefined
  readonly #index: NumberColumn
  #accuracies: readonly { readonly qualifier: Qualifier; readonly column: NumberColumn }[] | undefined
  #rowOfArch: ReadonlyMap<string, number> | undefined
  #last: { readonly qualifier: Qualifier; readonly column: NumberColumn } | undefined

  constructor(manifest: Manifest, read: ReadRange) {
    this.manifest = manifest
    this.#read = read
    this.#entries = new Map(manifest.columns.map((entry) => [entry.name, entry]))
    this.qualifiers = manifest.columns.filter(({ name }) => isAccuracy(name)).map(({ name }) => parseQualifier(name))
    const index = numberColumn(this.#entry('index'), this.rows, read)
    this.#index = index
    this.#columns.set('index', index)
    this.#rowOf = rowLookup(index, manifest.rows)
  }

  /** The largest column, which most searches never read. */
  get #arch(): TextColumn {
    return this.text('arch')
  }

  get rows(): number {
    return this.manifest.rows
  }

  /** Indices of the architectures that have a row, in the order of the rows. */
  *indices(): Generator<number> {
    for (let row = 0; row < this.rows; row++) yield this.#index.at(row) as number
  }

  /** Position of an architecture's row, or undefined where the table has none: for reading whole columns. */
  row(index: number): number | undefined {
    return this.#rowOf(index)
  }

  /** A column of numbers, read by row. @throws BenchError `unknown-name` */
  column(name: string): NumberColumn {
    const opened = this.#columns.get(name) ?? numberColumn(this.#entry(name), this.rows, this.#read)
    this.#columns.set(name, opened)
    return opened
  }

  /** A column of text, read by row. @throws BenchError `unknown-name` */
  text(name: string): TextColumn {
    const opened = this.#texts.get(name) ?? textColumn(this.#entry(name), this.rows, this.#read)
    this.#texts.set(name, opened)
    return opened
  }

  has(column: string): boolean {
    return this.#entries.has(column)
  }

  /** @throws BenchError `unknown-name` */
  isText(column: string): boolean {
    return this.#entry(column).type === 'utf8'
  }

  /** Accuracy in %, or undefined where the row or this one number is missing. @throws BenchError `unknown-name` */
  value(index: number, qualifier: Qualifier): number | undefined {
    if (this.#last?.qualifier !== qualifier) this.#last = { qualifier, column: this.accuracy(qualifier) }
    const row = this.#rowOf(index)
    return row === undefined ? undefined : this.#last.column.at(row)
  }

  /** The column of accuracies, in %, read by row. @throws BenchError `unknown-name` that says which part is at fault */
  accuracy(qualifier: Qualifier): NumberColumn {
    const name = formatQualifier(qualifier)
    if (!this.#entries.has(name)) throw unknownColumn(`table ${this.manifest.name}`, qualifier, this.qualifiers)
    return this.column(name)
  }

  /** Every accuracy known of an architecture; none where it has no row. */
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

  /** The architecture's string, or undefined where it has no row. */
  arch(index: number): string | undefined {
    const row = this.#rowOf(index)
    return row === undefined ? undefined : this.#arch.at(row)
  }

  /** Index of the architecture whose string this is, in the space's own spelling; undefined where it has no row. */
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

/** Index → row. Complete tables have row = index. @throws BenchError `corrupt` where an index stands twice */
function rowLookup(index: StoredColumn, rows: number): (index: number) => number | undefined {
  if (index.countsRows()) return (index) => (index >= 0 && index < rows ? index : undefined)
  const rowOf = new Map<number, number>()
  for (let row = 0; row < rows; row++) rowOf.set(index.at(row) as number, row)
  if (rowOf.size !== rows) throw new BenchError('corrupt', 'the table has two rows of one architecture; import again')
  return (index) => rowOf.get(index)
}
