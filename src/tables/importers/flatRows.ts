/** Rows of a flat file (CSV, Parquet) to a table's content: checked cell by cell, put in the space's order. */
import { BenchError } from '../../core/errors.ts'
import { type ColumnRole, isAccuracy } from '../columnNames.ts'
import { checkComplete, type ImportContext, type TableContent } from '../content.ts'
import type { Source } from '../manifest.ts'

/** A cell's text or number; empty or null where there is none. */
export type Cell = string | number | null

export class FlatRows {
  readonly #roles: readonly ColumnRole[]
  readonly #context: ImportContext
  readonly #cells: Cell[][] = []
  readonly #lineOf = new Map<number, string>()
  readonly #indices: number[] = []

  constructor(roles: readonly ColumnRole[], context: ImportContext) {
    this.#roles = roles
    this.#context = context
  }

  /** @param where for messages, as `nb201.csv line 12` */
  add(cells: readonly Cell[], where: string): void {
    const checked = this.#roles.map((role, i) => checkedCell(cells[i], role, where))
    const index = this.#indexOf(checked, where)
    const earlier = this.#lineOf.get(index)
    if (earlier !== undefined) {
      const arch = checked[this.#roles.findIndex(({ kind }) => kind === 'arch')]
      throw new BenchError('bad-input', `${where}: architecture ${arch} stands there already (${earlier})`)
    }
    this.#lineOf.set(index, where)
    this.#indices.push(index)
    this.#cells.push(checked)
  }

  /** @throws BenchError `bad-input` where architectures are missing that should be there */
  content(source: Source, notes: readonly string[]): TableContent {
    const order = this.#indices.map((_, i) => i).sort((a, b) => this.#indices[a] - this.#indices[b])
    const index = Int32Array.from(order, (i) => this.#indices[i])
    checkComplete(index, this.#context, source.name)
    const column = (at: number) => order.map((i) => this.#cells[i][at])
    return {
      index,
      arch: column(this.#roles.findIndex(({ kind }) => kind === 'arch')) as string[],
      texts: this.#roles.flatMap((role, at) =>
        role.kind === 'text' ? [{ name: role.name, values: column(at) as (string | null)[] }] : [],
      ),
      numbers: this.#roles.flatMap((role, at) =>
        role.kind === 'number'
          ? [
              {
                ...role,
                values: Float64Array.from(column(at), (cell) => (cell === null ? Number.NaN : (cell as number))),
              },
            ]
          : [],
      ),
      source,
      notes,
    }
  }

  /** From the architecture's string; an index beside it must agree. */
  #indexOf(cells: readonly Cell[], where: string): number {
    const { space } = this.#context
    const arch = cells[this.#roles.findIndex(({ kind }) => kind === 'arch')] as string
    const index = space.size === null ? this.#indices.length : indexIn(space, arch, where)
    const stated = cells[this.#roles.findIndex(({ kind }) => kind === 'index')]
    if (space.size === null || stated === undefined || stated === index) return index
    throw new BenchError(
      'bad-input',
      `${where}: architecture ${arch} is #${index} of ${space.name}, found index ${stated}`,
    )
  }
}

function indexIn(space: ImportContext['space'], arch: string, where: string): number {
  try {
    return space.indexOf(arch)
  } catch (cause) {
    if (cause instanceof BenchError) throw new BenchError(cause.code, `${where}: ${cause.message}`, { cause })
    throw cause
  }
}

function checkedCell(cell: Cell | undefined, role: ColumnRole, where: string): Cell {
  if (role.kind === 'ignored') return null
  const empty = cell === '' || cell === null || cell === undefined
  if (role.kind === 'text') return empty ? null : String(cell)
  if (role.kind === 'arch') {
    if (empty) throw new BenchError('bad-input', `${where}: no architecture string`)
    return String(cell)
  }
  if (role.kind === 'index') return checkedNumber(cell, 'index', where)
  return empty ? null : checkedNumber(cell, role.name, where)
}

function checkedNumber(cell: Cell | undefined, name: string, where: string): number {
  const value = typeof cell === 'string' && cell.trim() === '' ? Number.NaN : Number(cell)
  if (!Number.isFinite(value)) {
    throw new BenchError('bad-input', `${where}: ${name} is "${cell}", not a number (leave missing values empty)`)
  }
  if (isAccuracy(name) && (value < 0 || value > 100)) {
    throw new BenchError('bad-input', `${where}: accuracy ${name} is ${value}, not in 0 … 100 %`)
  }
  return value
}
