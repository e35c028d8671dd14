/** Questions to a table: which rows, in which order, and how far up a number stands. */
import { BenchError } from '../core/errors.ts'
import { formatQualifier, type Qualifier } from '../core/metric.ts'
import { type Genotype, neighbours, type SearchSpace } from '../core/space.ts'
import type { NumberColumn } from './columns.ts'
import type { Table } from './table.ts'
import { unknownColumn } from './unknownColumn.ts'

export type QualifierFilter = Partial<Qualifier>

/** Accuracies that agree with every part of the filter. @throws BenchError `unknown-name` for a part that none has */
export function selectQualifiers(table: Table, filter: QualifierFilter): readonly Qualifier[] {
  const parts = ['dataset', 'split', 'epochs', 'seed'] as const
  return parts.reduce((selected, part) => {
    const wanted = filter[part]
    if (wanted === undefined) return selected
    const fitting = selected.filter((qualifier) => qualifier[part] === wanted)
    if (fitting.length > 0) return fitting
    throw unknownColumn(table.manifest.name, { ...selected[0], [part]: wanted }, selected, table.qualifiers)
  }, table.qualifiers)
}

/**
 * Index of an architecture, typed as its index (`6111`) or as its string in any spelling that the space reads.
 * @throws BenchError `bad-input` where it is neither, `missing` where the table has no row
 */
export function findArchitecture<G extends Genotype>(table: Table, space: SearchSpace<G>, text: string): number {
  const index = /^#?\d+$/.test(text) ? Number(text.replace('#', '')) : table.find(space.format(space.parse(text)))
  if (index !== undefined && table.row(index) !== undefined) return index
  const { name, rows, architectures } = table.manifest
  if (index !== undefined && architectures !== null && index >= architectures) {
    throw new BenchError('bad-input', `there is no architecture ${text}; ${space.name} has 0 to ${architectures - 1}`)
  }
  throw new BenchError('missing', `table ${name} has no row for ${text}; it has ${rows} of ${architectures ?? '?'}`)
}

/** Rows that have the number, best first; of equals the lower index first. */
export function ordered(table: Table, column: NumberColumn, order: 'highest' | 'lowest' = 'highest'): number[] {
  const rows = Array.from({ length: table.rows }, (_, row) => row).filter((row) => column.at(row) !== undefined)
  const sign = order === 'highest' ? -1 : 1
  return rows.sort((a, b) => sign * ((column.at(a) as number) - (column.at(b) as number)) || a - b)
}

/** 1 for the highest; rows of equal numbers have the same rank. Undefined where the row lacks the number. */
export function rankOf(table: Table, column: NumberColumn, row: number): { rank: number; of: number } | undefined {
  const own = column.at(row)
  if (own === undefined) return undefined
  let [higher, of] = [0, 0]
  for (let other = 0; other < table.rows; other++) {
    const value = column.at(other)
    if (value === undefined) continue
    of++
    if (value > own) higher++
  }
  return { rank: higher + 1, of }
}

/** Indices of all rows that compute this one's function, itself among them. @throws BenchError `unsupported` */
export function isomorphicTo<G extends Genotype>(table: Table, space: SearchSpace<G>, index: number): number[] {
  if (space.functionOf === undefined) {
    throw new BenchError('unsupported', `space ${space.name} does not tell which architectures are the same function`)
  }
  const functionOf = (of: number) => space.functionOf?.(space.parse(table.arch(of) as string))
  const own = functionOf(index)
  return [...table.indices()].filter((other) => functionOf(other) === own)
}

/** Indices of the rows that differ in one operation. */
export function neighboursOf<G extends Genotype>(table: Table, space: SearchSpace<G>, index: number): number[] {
  return neighbours(space, space.parse(table.arch(index) as string)).flatMap(
    (genotype) => table.find(space.format(genotype)) ?? [],
  )
}

/** Both numbers of every row that has both. */
export function pairs(table: Table, x: NumberColumn, y: NumberColumn): { x: number[]; y: number[] } {
  const both: { x: number[]; y: number[] } = { x: [], y: [] }
  for (let row = 0; row < table.rows; row++) {
    const [a, b] = [x.at(row), y.at(row)]
    if (a === undefined || b === undefined) continue
    both.x.push(a)
    both.y.push(b)
  }
  return both
}

/** `cifar10/ori-test/200/mean` → its column; every other name → the column of that name. */
export const columnOf = (table: Table, name: string | Qualifier): NumberColumn =>
  table.column(typeof name === 'string' ? name : formatQualifier(name))
