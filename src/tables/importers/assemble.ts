/** From batches of records to a table's content. */
import { BenchError } from '../../core/errors.ts'
import { checkComplete, type ImportContext, type NumbersContent } from '../content.ts'
import type { CurvesBatch } from '../curvesFile.ts'
import type { Source } from '../manifest.ts'
import type { Imported } from './imported.ts'
import type { Part, Parts } from './importParts.ts'
import type { RecordRow } from './readRecords.ts'
import { columnOrder, seedsOf } from './runColumns.ts'

export interface Assembly {
  readonly parts: Parts
  readonly batches: readonly Part[]
  readonly source: Source
  readonly notes: readonly string[]
  readonly withCurves: boolean
}

/** @throws BenchError `bad-input` where a record is not its architecture's, stands twice, or is missing */
export function assemble(assembly: Assembly, context: ImportContext): Imported {
  const { parts, batches, source, notes, withCurves } = assembly
  const collected = new Columns(batches.reduce((sum, { count }) => sum + count, 0))
  const ranges = batches.map((part) => {
    const rows = part.rows()
    for (const row of rows) collected.add(row, checkedArch(row, context))
    return { part, range: rangeOf(rows) }
  })
  const order = collected.order(source.name)
  const index = Int32Array.from(order, (i) => collected.indices[i])
  checkComplete(index, context, source.name)
  return {
    content: {
      index,
      arch: Array.from(order, (i) => collected.archs[i]),
      numbers: collected.numbers(order),
      texts: [],
      source,
      notes,
    },
    ...(withCurves ? { curves: () => curveBatches(ranges) } : {}),
    done: async () => parts.remove(),
  }
}

type Range = CurvesBatch['range']

const rangeOf = (rows: readonly RecordRow[]): Range => {
  const indices = rows.map(({ index }) => index)
  return [Math.min(...indices), Math.max(...indices)]
}

function* curveBatches(ranges: readonly { readonly part: Part; readonly range: Range }[]): Generator<CurvesBatch> {
  const ascending = [...ranges].sort((a, b) => a.range[0] - b.range[0])
  for (const { part, range } of ascending) yield { range, bytes: part.curves() }
}

/** The space's spelling of the record's architecture, which is where the space's order has it. */
function checkedArch({ name, index, arch }: RecordRow, { space }: ImportContext): string {
  const expected = space.indexOf(arch)
  if (index === expected) return space.canonical(arch)
  throw new BenchError('bad-input', `${name}: architecture ${arch} is #${expected} of ${space.name}, found ${index}`)
}

/** Numbers by column, in the order in which they came. */
class Columns {
  readonly indices: number[] = []
  readonly archs: string[] = []
  readonly #names: string[] = []
  readonly #values = new Map<string, Float64Array>()
  readonly #rows: number

  constructor(rows: number) {
    this.#rows = rows
  }

  add({ name, index, numbers }: RecordRow, arch: string): void {
    const row = this.indices.push(index) - 1
    this.archs.push(arch)
    this.#names.push(name)
    for (const [column, value] of Object.entries(numbers)) {
      const values = this.#values.get(column) ?? new Float64Array(this.#rows).fill(Number.NaN)
      values[row] = value
      this.#values.set(column, values)
    }
  }

  /** Rows by ascending index. @throws BenchError where an index stands twice */
  order(source: string): Uint32Array {
    const order = Uint32Array.from(this.indices, (_, row) => row).sort((a, b) => this.indices[a] - this.indices[b])
    const twice = order.find((row, i) => i > 0 && this.indices[row] === this.indices[order[i - 1]])
    if (twice !== undefined)
      throw new BenchError('bad-input', `${source}: ${this.#names[twice]} stands twice in the release`)
    return order
  }

  numbers(order: Uint32Array): NumbersContent[] {
    const names = [...this.#values.keys()].sort(columnOrder)
    return names.map((name) => {
      const values = this.#values.get(name) ?? new Float64Array()
      return { name, values: Float64Array.from(order, (row) => values[row]), ...seedsOf(name, names) }
    })
  }
}
