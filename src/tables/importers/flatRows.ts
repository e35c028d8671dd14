/** Rows of a flat file (CSV, Parquet) to a table's content: checked cell by cell, put in the space's order. */
import { BenchError } from '../../core/errors.ts'
import { type ColumnRole, isAccuracy, isSeconds, isSize } from '../columnNames.ts'
import { checkComplete, type ImportContext, type NumbersContent, type TableContent } from '../content.ts'
import type { Source } from '../manifest.ts'
import type { Mapping } from './mapping.ts'

/** A cell's text or number; empty or null where there is none. */
export type Cell = string | number | null

export class FlatRows {
  readonly #roles: readonly ColumnRole[]
  readonly #context: ImportContext
  readonly #cells: Cell[][] = []
  readonly #lineOf = new Map<string, string>()
  readonly #indices: number[] = []

  constructor(roles: readonly ColumnRole[], context: ImportContext) {
    this.#roles = roles
    this.#context = context
  }

  /** @param where for messages, as `nb201.csv line 12` */
  add(cells: readonly Cell[], where: string): void {
    const checked = this.#roles.map((role, i) => checkedCell(cells[i], role, where))
    const at = this.#roles.findIndex(({ kind }) => kind === 'arch')
    const arch = canonical(this.#context.space, checked[at] as string, where)
    const earlier = this.#lineOf.get(arch)
    if (earlier !== undefined) {
      throw new BenchError('bad-input', `${where}: architecture ${arch} stands there already (${earlier})`)
    }
    this.#lineOf.set(arch, where)
    this.#indices.push(this.#indexOf(arch, checked, where))
    this.#cells.push(checked.with(at, arch))
  }

  /** @throws BenchError `bad-input` where architectures are missing that should be there, or accuracies are fractions */
  content(source: Source, { notes, accuracies }: Pick<Mapping, 'notes' | 'accuracies'>): TableContent {
    const order = this.#indices.map((_, i) => i).sort((a, b) => this.#indices[a] - this.#indices[b])
    const index = Int32Array.from(order, (i) => this.#indices[i])
    checkComplete(index, this.#context, source.name)
    const column = (at: number) => order.map((i) => this.#cells[i][at])
    const numbers = this.#roles.flatMap((role, at): NumbersContent[] =>
      role.kind === 'number'
        ? [{ ...role, values: Float64Array.from(column(at), (cell) => Number(cell ?? Number.NaN)) }]
        : [],
    )
    return {
      index,
      arch: column(this.#roles.findIndex(({ kind }) => kind === 'arch')) as string[],
      texts: this.#roles.flatMap((role, at) =>
        role.kind === 'text' ? [{ name: role.name, values: column(at) as (string | null)[] }] : [],
      ),
      numbers: inPercent(numbers, accuracies, source.name),
      source,
      notes,
    }
  }

  /** From the architecture's string; an index beside it must agree. */
  #indexOf(arch: string, cells: readonly Cell[], where: string): number {
    const { space } = this.#context
    if (space.size === null) return this.#indices.length
    const index = space.indexOf(arch)
    const stated = cells[this.#roles.findIndex(({ kind }) => kind === 'index')]
    if (stated === undefined || stated === index) return index
    throw new BenchError(
      'bad-input',
      `${where}: architecture ${arch} is #${index} of ${space.name}, found index ${stated}`,
    )
  }
}

/** The space's own spelling. @throws BenchError `bad-input` with the line of what is no architecture */
function canonical(space: ImportContext['space'], arch: string, where: string): string {
  try {
    return space.canonical(arch)
  } catch (cause) {
    if (cause instanceof BenchError) throw new BenchError(cause.code, `${where}: ${cause.message}`, { cause })
    throw cause
  }
}

/**
 * Fractions × 100, where the mapping says that accuracies are fractions. A file of which none is above 1 must say what it
 * means, for as percentages they would all be worse than guessing.
 */
function inPercent(
  columns: readonly NumbersContent[],
  stated: Mapping['accuracies'],
  source: string,
): readonly NumbersContent[] {
  const accuracies = columns.filter(({ name }) => isAccuracy(name))
  const greatest = accuracies.reduce((most, { values }) => values.reduce(greater, most), 0)
  if (stated === undefined && greatest > 0 && greatest <= 1) {
    const problem = `no accuracy is above ${greatest}; say whether they are fractions or percentages`
    throw new BenchError('bad-input', `${source}: ${problem}, in a mapping: {accuracies: fraction}`)
  }
  if (stated !== 'fraction') return columns
  if (greatest > 1) throw new BenchError('bad-input', `${source}: accuracy ${greatest} is no fraction of 1`)
  return columns.map((column) =>
    accuracies.includes(column) ? { ...column, values: column.values.map((value) => percent(value)) } : column,
  )
}

const greater = (a: number, b: number): number => (b > a ? b : a)
/** 0.9437 → 94.37, and not 94.36999999999999. */
const percent = (fraction: number): number => Number((100 * fraction).toPrecision(15))

function checkedCell(cell: Cell | undefined, role: ColumnRole, where: string): Cell {
  if (role.kind === 'ignored') return null
  const empty = cell === null || cell === undefined || (typeof cell === 'string' && cell.trim() === '')
  if (empty && (role.kind === 'arch' || role.kind === 'index')) {
    throw new BenchError('bad-input', `${where}: no ${role.kind === 'arch' ? 'architecture string' : 'index'}`)
  }
  if (role.kind === 'arch') return String(cell)
  if (empty) return null
  if (role.kind === 'text') return String(cell)
  return checkedNumber(cell, role.kind === 'index' ? 'index' : role.name, where)
}

/** A decimal number, as programs write it: no thousands, no sign of percent, no other base. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function checkedNumber(cell: string | number, name: string, where: string): number {
  const value = typeof cell === 'number' || DECIMAL.test(cell.trim()) ? Number(cell) : Number.NaN
  if (!Number.isFinite(value)) {
    throw new BenchError('bad-input', `${where}: ${name} is "${cell}", not a number (leave missing values empty)`)
  }
  if (isAccuracy(name) && (value < 0 || value > 100)) {
    throw new BenchError('bad-input', `${where}: accuracy ${name} is ${value}, not in 0 … 100 %`)
  }
  if ((isSeconds(name) && value <= 0) || (isSize(name) && value < 0)) {
    throw new BenchError('bad-input', `${where}: ${name} is ${value}; leave it empty where it was not measured`)
  }
  return value
}
