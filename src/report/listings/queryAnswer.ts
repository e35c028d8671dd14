/** The answer to one question about a table, or about some of its architectures. */
import { BenchError } from '../../core/errors.ts'
import { builtinSpace } from '../../spaces/index.ts'
import { openTable } from '../../tables/openTable.ts'
import {
  columnOf,
  findArchitecture,
  isomorphicTo,
  neighboursOf,
  ordered,
  pairs,
  type QualifierFilter,
  selectQualifiers,
} from '../../tables/query.ts'
import type { Table } from '../../tables/table.ts'
import type { Tabular } from '../formats/tabular.ts'
import { architecturesTable, architectureTable, correlationTable, curvesTable, qualifierNames } from './queryTables.ts'

/** As `bench query` has it: what is asked, and of which numbers. */
export interface Question extends QualifierFilter {
  /** Name or path. */
  readonly table: string
  /** Instead of the accuracies that the filter leaves. */
  readonly columns?: readonly string[]
  readonly rank?: boolean
  readonly isomorphic?: boolean
  readonly neighbours?: boolean
  readonly top?: number
  readonly bottom?: number
  readonly by?: string
  readonly correlate?: readonly string[]
  readonly curves?: boolean
}

/**
 * @param architectures by index or string; none where the question is about the whole table
 * @throws BenchError `bad-input` for what no answer can heed, `unknown-name` or `missing` for what the table lacks
 */
export async function answer(architectures: readonly string[], question: Question): Promise<Tabular> {
  const table = await openTable(question.table)
  if (question.curves) return curvesOf(table, architectures, question)
  const { correlate, top, bottom } = question
  return [correlate, top, bottom].some((asked) => asked !== undefined)
    ? answerOfTable(table, architectures, question)
    : answerOfRows(table, architectures, question)
}

async function curvesOf(table: Table, architectures: readonly string[], question: Question): Promise<Tabular> {
  if (architectures.length !== 1) {
    throw new BenchError('bad-input', `--curves takes one architecture, found ${architectures.length}`)
  }
  const { readCurves } = await import('../../tables/readCurves.ts')
  const index = findArchitecture(table, builtinSpace(table.manifest.space), architectures[0])
  return curvesTable(table, index, await readCurves(question.table, index), question)
}

function answerOfRows(table: Table, architectures: readonly string[], question: Question): Tabular {
  if (architectures.length === 0) {
    throw new BenchError('bad-input', 'name an architecture, by index or string; or ask with --top or --correlate')
  }
  if (question.by !== undefined)
    throw new BenchError('bad-input', '--by says what --top or --bottom go by; give one of them')
  const space = builtinSpace(table.manifest.space)
  const indices = architectures.map((text) => findArchitecture(table, space, text))
  if (question.isomorphic)
    return related(table, indices, question, 'the same function', (i) => isomorphicTo(table, space, i))
  if (question.neighbours)
    return related(table, indices, question, 'one operation apart', (i) => neighboursOf(table, space, i))
  const single = indices.length === 1 && question.columns === undefined
  if (question.rank && !single) {
    throw new BenchError(
      'bad-input',
      '--rank is of the accuracies of one architecture; leave out the others and --columns',
    )
  }
  if (single) {
    return architectureTable(table, indices[0], selectQualifiers(table, question), question.rank ?? false)
  }
  return architecturesTable(table, indices, columnsOf(table, question), `${indices.length} architectures`)
}

/** Of all its architectures, so that none is to be named. */
function answerOfTable(table: Table, architectures: readonly string[], question: Question): Tabular {
  if (architectures.length > 0) {
    throw new BenchError(
      'bad-input',
      `--top, --bottom and --correlate are of the whole table; leave out ${architectures[0]}`,
    )
  }
  return question.correlate === undefined ? extremes(table, question) : correlation(table, question.correlate)
}

function related(
  table: Table,
  indices: readonly number[],
  question: Question,
  how: string,
  relation: (index: number) => readonly number[],
): Tabular {
  const found = [...new Set(indices.flatMap(relation))]
  const note = `${how} as #${indices.join(', #')}: ${found.length} that the table has`
  return architecturesTable(table, found, columnsOf(table, question), note)
}

function extremes(table: Table, question: Question): Tabular {
  const columns = columnsOf(table, question)
  const by = question.by ?? (columns.length === 1 ? columns[0] : undefined)
  if (by === undefined) {
    throw new BenchError('bad-input', `--top of ${columns.length} columns: say which with --by, as --by ${columns[0]}`)
  }
  const order = question.top === undefined ? 'lowest' : 'highest'
  const indices = [...table.indices()]
  const rows = ordered(table, columnOf(table, by), order)
  const shown = [by, ...(question.columns ?? [])]
  return architecturesTable(
    table,
    rows.slice(0, question.top ?? question.bottom).map((row) => indices[row]),
    [...new Set(shown)],
    `${order} ${by} of the ${rows.length} architectures that have it`,
  )
}

function correlation(table: Table, names: readonly string[]): Tabular {
  if (names.length !== 2) throw new BenchError('bad-input', `--correlate takes two columns, found ${names.length}`)
  const [x, y] = names
  const both = pairs(table, columnOf(table, x), columnOf(table, y))
  return correlationTable({ names: [x, y], ...both }, table.manifest)
}

/** Those named; else the accuracies that the filter leaves. */
const columnsOf = (table: Table, question: Question): readonly string[] =>
  question.columns ?? qualifierNames(selectQualifiers(table, question))
