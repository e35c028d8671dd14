/**
 * Answers queries on a lookup table: selects and sorts rows, ranks a row by a column, finds isomorphic and neighbouring
 * architectures, and computes Pareto fronts.
 */
import { BenchError } from '../core/errors.ts'
import { formatQualifier, type Qualifier } from '../core/metric.ts'
import { type Genotype, neighbours, type SearchSpace } from '../core/space.ts'
import type { NumberColumn } from './columns.ts'
import { genotypeIn, indexIn } from './spaceIndex.ts'
import { type Table, unknownColumn } from './table.ts'

/** Dataset, split, epochs or seed by which accuracy columns are selected; absent parts match any column. */
export type QualifierFilter = Partial<Qualifier>

const PARTS = ['dataset', 'split', 'epochs', 'seed'] as const

/** Returns whether a qualifier (dataset, split, epochs, seed) matches all parts that the filter has. */
export const agrees = (qualifier: Qualifier, filter: QualifierFilter): boolean =>
  PARTS.every((part) => filter[part] === undefined || qualifier[part] === filter[part])

/**
 * Returns the qualifiers (dataset, split, epochs, seed) of a table's accuracy columns that match the filter.
 * @throws BenchError `unknown-name` for a part of the filter that no qualifier has
 */
export const selectQualifiers = (table: Table, filter: QualifierFilter): readonly Qualifier[] =>
  qualifiersIn(`table ${table.manifest.name}`, table.qualifiers, filter)

/**
 * Returns the qualifiers (dataset, split, epochs, seed) that match the filter.
 * @param place what the qualifiers belong to, for messages, such as `table nb201`
 * @throws BenchError `unknown-name` for a part of the filter that no qualifier has
 */
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
 * Returns the index of an architecture that the user typed as an index (`6111`) or as an architecture string in any
 * form that the search space can parse.
 * @throws BenchError `bad-input` if the text is neither, `missing` if the table has no row for the architecture
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
 * Returns the row numbers that have a value in the column, sorted by value, best first; rows with equal values in table
 * order.
 * @param among row numbers to choose from; absent: all rows
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

/**
 * Returns the rank of a row's value in its column (1 for the highest value) and the number of values. Equal values have
 * the same rank. Undefined if the row's value is missing.
 */
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

/**
 * Returns the indices of all architectures that the search space considers to define the same network as this one,
 * including itself.
 * @throws BenchError `unsupported` if the search space cannot tell
 */
export function isomorphicTo<G extends Genotype>(table: Table, space: SearchSpace<G>, index: number): number[] {
  if (space.trainingKey === undefined) {
    throw new BenchError('unsupported', `space ${space.name} does not tell which architectures are the same function`)
  }
  const keyOf = (other: number) => space.trainingKey?.(genotypeIn(table, space, other))
  const own = keyOf(index)
  return [...table.indices()].filter((other) => keyOf(other) === own)
}

/** Returns the indices of the architectures in the table that differ from this one in one operation. */
export function neighboursOf<G extends Genotype>(table: Table, space: SearchSpace<G>, index: number): number[] {
  return neighbours(space, genotypeIn(table, space, index)).flatMap((genotype) => indexIn(table, space, genotype) ?? [])
}

/**
 * Returns the values of two columns in the rows that have both.
 * @param among row numbers to choose from; absent: all rows
 */
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

/** Returns a numeric column of a table by its name or, for accuracies, by dataset, split, epochs and seed. */
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

/** A condition on the rows of a table, such as `params-M<0.5`. */
export interface Condition {
  /** The condition as the user typed it. */
  readonly text: string
  readonly column: string
  readonly comparison: keyof typeof COMPARISONS
  readonly value: string
}

/** Parses a condition on a table's rows, `column<value`, with <, <=, >, >=, = or !=. @throws BenchError `bad-input` */
export function parseCondition(text: string): Condition {
  const [, column, comparison, value] = /^([^<>=!]+)(<=|>=|!=|<|>|==?)([^<>=!]+)$/s.exec(text) ?? []
  if (column?.trim() && value?.trim()) {
    const known = (comparison === '==' ? '=' : comparison) as Condition['comparison']
    return { text, column: column.trim(), comparison: known, value: value.trim() }
  }
  const expected = 'a column, one of < <= > >= = != and a value, as "params-M<0.5"'
  throw new BenchError('bad-input', `--where "${text}" is not a condition; expected ${expected}`)
}

/**
 * Returns the row numbers that meet all conditions. A row without a value in the condition's column does not meet it.
 * @throws BenchError `unknown-name` for a column that the table lacks, `bad-input` if a value cannot be compared with
 * the column's values
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
    throw new BenchError('bad-input', `--where "${text}": ${column} holds numbers, and "${value}" is not a number`)
  }
  const numbers = table.column(column)
  return (row) => {
    const number = numbers.at(row)
    return number !== undefined && COMPARISONS[comparison](number, bound)
  }
}

/** Whether lower or higher values are better in a column that a Pareto front is computed from. */
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

/**
 * Returns a point for every row with values in both columns: x from the first column, y from the second, and the row
 * number.
 */
export function pointsOf(rows: number, x: NumberColumn, y: NumberColumn): FrontPoint[] {
  return Array.from({ length: rows }, (_, row) => ({ row, x: x.at(row), y: y.at(row) })).filter(
    (point): point is FrontPoint => point.x !== undefined && point.y !== undefined,
  )
}

/** Returns the Pareto front of the points, sorted with the best x first. Of equal points, only the first is kept. */
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
