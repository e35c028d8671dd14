/** Questions to a table: which rows, in which order, and how far up a number stands. */
import { BenchError } from '../core/errors.ts'
import { formatQualifier, type Qualifier } from '../core/metric.ts'
import { type Genotype, neighbours, type SearchSpace } from '../core/space.ts'
import type { NumberColumn } from './columns.ts'
import { indexIn } from './spaceIndex.ts'
import type { Table } from './table.ts'
import { unknownColumn } from './unknownColumn.ts'

export type QualifierFilter = Partial<Qualifier>

const PARTS = ['dataset', 'split', 'epochs', 'seed'] as const

/** Whether an accuracy agrees with every part of the filter. */
export const agrees = (qualifier: Qualifier, filter: QualifierFilter): boolean =>
  PARTS.every((part) => filter[part] === undefined || qualifier[part] === filter[part])

/** Accuracies that agree with every part of the filter. @throws BenchError `unknown-name` for a part that none has */
export const selectQualifiers = (table: Table, filter: QualifierFilter): readonly Qualifier[] =>
  qualifiersIn(`table ${table.manifest.name}`, table.qualifiers, filter)

/** The same among the accuracies of a place, which messages name. @throws BenchError `unknown-name` */
export function qualifiersIn(
  place: string,
  qualifiers: readonly Qualifier[],
  filter: QualifierFilter,
): readonly Qualifier[] {
  return PARTS.reduce((selected, part) => {
    const wanted = filter[part]
    if (wanted === undefined) return selected
    const fitting = selected.filter((qualifier) => qualifier[part] === wanted)
    if (fitting.length > 0) return fitting
    throw unknownColumn(place, { ...selected[0], [part]: wanted }, selected, qualifiers)
  }, qualifiers)
}

/**
 * Index of an architecture, typed as its index (`6111`) or as its string in any spelling that the space reads.
 * @throws BenchError `bad-input` where it is neither, `missing` where the table has no row
 */
export function findArchitecture<G extends Genotype>(table: Table, space: SearchSpace<G>, text: string): number {
  const index = /^#?\d+$/.test(text) ? Number(text.replace('#', '')) : indexIn(table, space, space.parse(text))
  if (index !== undefined && table.row(index) !== undefined) return index
  const { name, rows, architectures } = table.manifest
  if (index !== undefined && architectures !== null && index >= architectures) {
    throw new BenchError('bad-input', `there is no architecture ${text}; ${space.name} has 0 to ${architectures - 1}`)
  }
  throw new BenchError('missing', `table ${name} has no row for ${text}; it has ${rows} of ${architectures ?? '?'}`)
}

const everyRow = (table: Table): number[] => Array.from({ length: table.rows }, (_, row) => row)

/**
 * Rows that have the number, best first; of equals the lower index first.
 * @param among positions of the rows to choose from; absent: all
 */
export function ordered(
  table: Table,
  column: NumberColumn,
  order: 'highest' | 'lowest' = 'highest',
  among: readonly number[] = everyRow(table),
): number[] {
  const rows = among.filter((row) => column.at(row) !== undefined)
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
    (genotype) => indexIn(table, space, genotype) ?? [],
  )
}

/** Both numbers of every row that has both. @param among positions of the rows to choose from; absent: all */
export function pairs(
  table: Table,
  x: NumberColumn,
  y: NumberColumn,
  among: readonly number[] = everyRow(table),
): { x: number[]; y: number[] } {
  const both: { x: number[]; y: number[] } = { x: [], y: [] }
  for (const row of among) {
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

const COMPARISONS = {
  '<=': (a: number, b: number) => a <= b,
  '>=': (a: number, b: number) => a >= b,
  '!=': (a: number, b: number) => a !== b,
  '<': (a: number, b: number) => a < b,
  '>': (a: number, b: number) => a > b,
  '=': (a: number, b: number) => a === b,
} as const

/** What a row has to meet: `params-M<0.5`. */
export interface Condition {
  /** As typed. */
  readonly text: string
  readonly column: string
  readonly comparison: keyof typeof COMPARISONS
  readonly value: string
}

/** Reads `column<value`, with <, <=, >, >=, = or !=. @throws BenchError `bad-input` */
export function parseCondition(text: string): Condition {
  const [, column, comparison, value] = /^([^<>=!]+)(<=|>=|!=|<|>|==?)([^<>=!]+)$/s.exec(text) ?? []
  if (column?.trim() && value?.trim()) {
    const known = (comparison === '==' ? '=' : comparison) as Condition['comparison']
    return { text, column: column.trim(), comparison: known, value: value.trim() }
  }
  const expected = 'a column, one of < <= > >= = != and a value, as "params-M<0.5"'
  throw new BenchError('bad-input', `--where "${text}" is no condition; expected ${expected}`)
}

/**
 * Positions of the rows that meet all conditions; a row that lacks a number does not meet its condition.
 * @throws BenchError `unknown-name` for a column that the table lacks, `bad-input` where a value cannot be compared with it
 */
export function rowsWhere(table: Table, conditions: readonly Condition[]): number[] {
  const tests = conditions.map((condition) => testOf(table, condition))
  return everyRow(table).filter((row) => tests.every((meets) => meets(row)))
}

function testOf(table: Table, { text, column, comparison, value }: Condition): (row: number) => boolean {
  if (table.isText(column)) {
    if (comparison !== '=' && comparison !== '!=') {
      throw new BenchError('bad-input', `--where "${text}": ${column} holds text, which is only = or !=`)
    }
    const texts = table.text(column)
    return (row) => texts.at(row) !== undefined && (texts.at(row) === value) === (comparison === '=')
  }
  const bound = Number(value)
  if (!Number.isFinite(bound)) {
    throw new BenchError('bad-input', `--where "${text}": ${column} holds numbers, and "${value}" is none`)
  }
  const numbers = table.column(column)
  return (row) => {
    const number = numbers.at(row)
    return number !== undefined && COMPARISONS[comparison](number, bound)
  }
}

export type Better = 'lower' | 'higher'

export interface Objective {
  readonly column: NumberColumn
  readonly better: Better
}

export interface FrontPoint {
  readonly row: number
  readonly x: number
  readonly y: number
}

/** Every row that has both numbers. */
export function pointsOf(rows: number, x: NumberColumn, y: NumberColumn): FrontPoint[] {
  return Array.from({ length: rows }, (_, row) => ({ row, x: x.at(row), y: y.at(row) })).filter(
    (point): point is FrontPoint => point.x !== undefined && point.y !== undefined,
  )
}

/** The points that no other equals in one and beats in the other, the best in x first; of equal points the first. */
export function paretoFront<P extends { readonly x: number; readonly y: number }>(
  points: readonly P[],
  x: Better,
  y: Better,
): P[] {
  const [signX, signY] = [x, y].map((better) => (better === 'lower' ? 1 : -1))
  let best = Number.POSITIVE_INFINITY
  return points
    .toSorted((a, b) => signX * (a.x - b.x) || signY * (a.y - b.y))
    .filter((point) => {
      const better = signY * point.y < best
      if (better) best = signY * point.y
      return better
    })
}
