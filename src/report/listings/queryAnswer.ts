/** Computes what `bench query` prints about a lookup table or about some of its architectures. */

import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { SearchSpace } from '../../core/space.ts'
import { type OpenSpaces, openSpaces } from '../../spaces/index.ts'
import { openTable } from '../../tables/openTable.ts'
import {
  type Condition,
  columnOf,
  findArchitecture,
  isomorphicTo,
  neighboursOf,
  ordered,
  pairs,
  type QualifierFilter,
  rowsWhere,
  selectQualifiers,
} from '../../tables/query.ts'
import type { Table } from '../../tables/table.ts'
import { type TableRequirements, tableWith } from '../../tables/tableWith.ts'
import type { Tabular } from '../formats/tabular.ts'
import { architecturesTable, architectureTable, correlationTable, curvesTable, qualifierNames } from './queryTables.ts'
import { scoreCorrelations, scoreCorrelationTable } from './scoreCorrelations.ts'

const IS_INDEX = /^#?\d+$/

/** The parsed options of `bench query`. */
export interface Question extends QualifierFilter {
  /** Plugins that define the search space of the lookup table: files or packages, as after `--plugin`. */
  readonly plugin?: readonly string[]
  /** Name or path of the lookup table; absent: the only installed table that has the columns asked for. */
  readonly table?: string
  /** Columns of the lookup table to show; absent: the accuracies selected by `--dataset`, `--split` and the like. */
  readonly columns?: readonly string[]
  readonly rank?: boolean
  readonly isomorphic?: boolean
  readonly neighbours?: boolean
  readonly top?: number
  readonly bottom?: number
  readonly by?: string
  readonly correlate?: readonly string[]
  readonly curves?: boolean
  /** Conditions on columns, from `--where`, that the listed architectures have to meet. */
  readonly where?: readonly Condition[]
}

/**
 * Returns the answer to a `bench query` as a table.
 * @param architectures indices or strings of architectures; empty if the question is about the whole lookup table
 * @throws BenchError `bad-input` for options that contradict each other, `unknown-name` or `missing` for names or data
 * that the lookup table lacks
 */
export async function answer(architectures: readonly string[], question: Question): Promise<Tabular> {
  const spaces = await openSpaces(question.plugin ?? [])
  const name = question.table ?? (await tableWith(wantedBy(architectures, question, spaces)))
  const table = await openTable(name)
  if (question.curves) return curvesOf(table, name, architectures, question, spaces)
  const { correlate, top, bottom, where } = question
  const isOfTable = [correlate, top, bottom].some((asked) => asked !== undefined)
  return isOfTable || (where !== undefined && architectures.length === 0)
    ? answerOfTable(table, architectures, question)
    : answerOfRows(table, architectures, question, spaces)
}

function wantedBy(architectures: readonly string[], question: Question, spaces: OpenSpaces): TableRequirements {
  const { columns = [], by, correlate = [], where = [], dataset, split, epochs, seed } = question
  const strings = architectures.filter((text) => !IS_INDEX.test(text))
  const correlated = correlate.length === 1 && correlate[0] === 'scores' ? [] : correlate
  return {
    columns: [
      ...new Set([...columns, ...(by === undefined ? [] : [by]), ...correlated, ...where.map(({ column }) => column)]),
    ],
    filter: { dataset, split, epochs, seed },
    ...(strings.length > 0 && { ofSpace: (space: string) => strings.every((text) => isOf(spaces, space, text)) }),
  }
}

/**
 * Returns whether a text may be looked up in a table of the named search space: if it is an architecture of that space,
 * or of no space at all, where the lookup then reports the error.
 */
function isOf({ registry }: OpenSpaces, name: string, text: string): boolean {
  const reads = (space: SearchSpace) => {
    try {
      return space.parse(text) !== undefined
    } catch {
      return false
    }
  }
  const readers = registry.spaces.filter(reads)
  return readers.length === 0 || readers.some((space) => space.name === name)
}

async function curvesOf(
  table: Table,
  name: string,
  architectures: readonly string[],
  question: Question,
  spaces: OpenSpaces,
): Promise<Tabular> {
  if (architectures.length !== 1) {
    throw new BenchError('bad-input', `--curves takes one architecture, found ${architectures.length}`)
  }
  refuseWhere(question)
  const { readCurves } = await import('../../tables/readCurves.ts')
  const index = findArchitecture(table, spaces.space(table.manifest.space), architectures[0])
  return curvesTable(table, index, await readCurves(name, index), question)
}

function answerOfRows(table: Table, architectures: readonly string[], question: Question, spaces: OpenSpaces): Tabular {
  if (architectures.length === 0) {
    const others = 'ask with --top, --where or --correlate'
    throw new BenchError('bad-input', `no architecture is named; name one, by index or string, or ${others}`)
  }
  if (question.by !== undefined)
    throw new BenchError('bad-input', '--by names the column that sorts --top, --bottom or --where; give one of them')
  const space = spaces.space(table.manifest.space)
  const indices = architectures.map((text) => findArchitecture(table, space, text))
  if (question.isomorphic)
    return related(table, space, indices, question, 'the same function', (i) => isomorphicTo(table, space, i))
  if (question.neighbours)
    return related(table, space, indices, question, 'one operation apart', (i) => neighboursOf(table, space, i))
  refuseWhere(question)
  const single = indices.length === 1 && question.columns === undefined
  if (question.rank && !single) {
    throw new BenchError(
      'bad-input',
      '--rank ranks one architecture, in all columns; leave out the others, and --columns',
    )
  }
  if (single) {
    return architectureTable(table, indices[0], selectQualifiers(table, question), question.rank ?? false)
  }
  return architecturesTable(table, {
    indices,
    ...columnsOf(table, question),
    note: `${pluralize(indices.length, 'architecture')}`,
  })
}

/**
 * Checks that the option `--where` is absent in a question about named architectures. @throws BenchError `bad-input` if
 * it is given
 */
function refuseWhere({ where }: Question): void {
  if (where === undefined) return
  const found = `--where "${where[0].text}" chooses architectures`
  throw new BenchError('bad-input', `${found}, and they are named; leave one of the two out`)
}

/**
 * Returns the answer to `--top`, `--bottom`, `--correlate` or `--where`, which are about all architectures of a lookup
 * table.
 * @throws BenchError `bad-input` if an architecture is named
 */
function answerOfTable(table: Table, architectures: readonly string[], question: Question): Tabular {
  if (architectures.length > 0) {
    const [flag] = (['top', 'bottom', 'correlate'] as const).filter((name) => question[name] !== undefined)
    throw new BenchError('bad-input', `--${flag} asks about the whole table; leave out ${architectures.join(', ')}`)
  }
  const { correlate, top, bottom, where = [] } = question
  if (correlate !== undefined) {
    const [filter] = filtersOf(question)
    if (filter === undefined) return correlation(table, correlate, where)
    const what = correlate.length === 2 ? 'the two columns that it names' : 'all scores with all accuracies'
    throw new BenchError('bad-input', `--correlate correlates ${what}; leave out --${filter}`)
  }
  if (top === undefined && bottom === undefined) return matches(table, question, where)
  return extremes(table, question, where)
}

function related(
  table: Table,
  space: SearchSpace,
  indices: readonly number[],
  question: Question,
  how: string,
  relation: (index: number) => readonly number[],
): Tabular {
  const { where = [], neighbours } = question
  const allowed = new Set(where.length > 0 ? rowsWhere(table, where) : [])
  const all = [...new Set(indices.flatMap(relation))]
  const found = where.length === 0 ? all : all.filter((index) => allowed.has(table.row(index) as number))
  const [own] = indices
  const listing = {
    indices: found,
    ...withColumns(columnsOf(table, question), columnsWhere(where)),
    // The changed edge says more than the architecture string, and fits a terminal.
    ...(neighbours && indices.length === 1 && { change: (index: number) => changeBetween(space, table, own, index) }),
    note: `${how} as #${indices.join(', #')}: ${found.length} ${where.length > 0 ? `of ${all.length} ` : ''}that the table has${whereWords(where)}`,
  }
  return architecturesTable(table, listing)
}

/**
 * Returns a text that lists the edges on which two architectures differ, with the operations of the second: `1→3
 * skip_connect`.
 */
function changeBetween(space: SearchSpace, table: Table, from: number, to: number): string {
  const [own, other] = [from, to].map((index) => space.oneHot(space.parse(table.arch(index) as string)))
  const cells = new Set(space.edges.map(({ cell }) => cell))
  return space.edges
    .flatMap(({ cell, from: start, to: end, operations }, edge) => {
      if (other[edge].every((weight, op) => weight === own[edge][op])) return []
      const names = operations.filter((_, op) => other[edge][op] > 0).join(' + ') || 'no operation'
      return `${cells.size > 1 ? `${cell} ` : ''}${start}→${end} ${names}`
    })
    .join(', ')
}

/**
 * Returns the printed table of all architectures that meet the conditions, in the order of their indices or sorted by
 * one column.
 */
function matches(table: Table, question: Question, where: readonly Condition[]): Tabular {
  const { by } = question
  const met = rowsWhere(table, where)
  const rows = by === undefined ? met : ordered(table, columnOf(table, by), 'highest', met)
  const indices = [...table.indices()]
  return architecturesTable(table, {
    indices: rows.map((row) => indices[row]),
    ...withColumns(columnsOf(table, question), [...(by === undefined ? [] : [by]), ...columnsWhere(where)]),
    note: `${rows.length} of ${pluralize(table.rows, 'architecture')}${whereWords(where)}${by === undefined ? '' : `, highest ${by} first`}`,
  })
}

function extremes(table: Table, question: Question, where: readonly Condition[]): Tabular {
  const { columns, byDefault } = columnsOf(table, question)
  const by = question.by ?? (columns.length === 1 ? columns[0] : undefined)
  if (by === undefined) {
    const asked = question.top === undefined ? '--bottom' : '--top'
    throw new BenchError(
      'bad-input',
      `${asked} of ${pluralize(columns.length, 'column')}: say which with --by, as --by ${columns[0]}`,
    )
  }
  const order = question.top === undefined ? 'lowest' : 'highest'
  const indices = [...table.indices()]
  const rows = ordered(table, columnOf(table, by), order, rowsWhere(table, where))
  const shown = rows.slice(0, question.top ?? question.bottom)
  const isSelected = question.columns !== undefined || filtersOf(question).length > 0
  return architecturesTable(table, {
    indices: shown.map((row) => indices[row]),
    // Without a word about columns, those that order and choose the architectures suffice.
    ...withColumns({ columns: isSelected ? columns : [], byDefault: isSelected && byDefault }, [
      by,
      ...columnsWhere(where),
    ]),
    note: `${order} ${by} of ${pluralize(rows.length, 'architecture')} with that number${where.length === 0 ? '' : `,${whereWords(where)}`}`,
  })
}

function correlation(table: Table, names: readonly string[], where: readonly Condition[]): Tabular {
  if (names.length === 1 && names[0] === 'scores') {
    if (where.length === 0) return scoreCorrelationTable(table, scoreCorrelations(table))
    throw new BenchError('bad-input', '--correlate scores is of all architectures; leave out --where')
  }
  if (names.length !== 2) {
    throw new BenchError('bad-input', `--correlate takes two columns, or the word scores; found ${names.length}`)
  }
  return correlationTable(columnPair(table, names, where), table.manifest, whereWords(where))
}

/** Returns the values of two columns in the rows of a lookup table that have both and meet the conditions. */
function columnPair(table: Table, [x, y]: readonly string[], where: readonly Condition[]) {
  const names: readonly [string, string] = [x, y]
  return { names, ...pairs(table, columnOf(table, x), columnOf(table, y), rowsWhere(table, where)) }
}

/**
 * Returns the values of the two columns that `--correlate A,B` names, for a picture.
 * @throws BenchError `bad-input` for any other question, `missing` if no architecture has both values
 */
export async function correlatedColumns(question: Question) {
  const { correlate = [], where = [] } = question
  if (correlate.length !== 2) {
    throw new BenchError('bad-input', '--picture draws two columns; ask with --correlate A,B, or leave it out')
  }
  const table = await openTable(question.table ?? (await tableWith({ columns: [...new Set(correlate)] })))
  const pair = { table: table.manifest.name, ...columnPair(table, correlate, where) }
  if (pair.x.length > 0) return pair
  throw new BenchError('missing', `no architecture of table ${pair.table} has both ${correlate.join(' and ')}`)
}

/** Returns the names of the options that select accuracies and are given, such as `dataset`. */
const filtersOf = (question: Question) =>
  (['dataset', 'split', 'epochs', 'seed'] as const).filter((part) => question[part] !== undefined)

interface Columns {
  readonly columns: readonly string[]
  /** Whether the columns were chosen by default, since the user named none. */
  readonly byDefault: boolean
}

/**
 * Returns the columns to show: those that the user named, else the accuracies selected by `--dataset`, `--split` and
 * the like.
 */
const columnsOf = (table: Table, question: Question): Columns => ({
  columns: question.columns ?? qualifierNames(selectQualifiers(table, question)),
  byDefault: question.columns === undefined,
})

/** Returns the columns to show, with the columns `more` in front of them. */
const withColumns = ({ columns, byDefault }: Columns, more: readonly string[]): Columns => ({
  columns: [...new Set([...more, ...columns])],
  byDefault,
})

const columnsWhere = (where: readonly Condition[]): readonly string[] =>
  where.map(({ column }) => column).filter((column) => column !== 'index' && column !== 'arch')

/** Returns a phrase for a note with the conditions of `--where`, such as ` with params-M<0.5 and flops-M<80`. */
const whereWords = (where: readonly Condition[]): string =>
  where.length === 0 ? '' : ` with ${where.map(({ text }) => text).join(' and ')}`
