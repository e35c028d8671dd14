/** Combines the batches of architecture records that an import has read into the content of one table. */
import { BenchError } from '../../core/errors.ts'
import { checkLimit } from '../../system/limits.ts'
import { checkComplete, type ImportContext, type NumbersContent } from '../content.ts'
import type { Source } from '../manifest.ts'
import type { CurvesBatch } from '../writeCurves.ts'
import type { Imported, Part, Parts } from './importParts.ts'
import { AccuracyUnits, checkUnits, type Mapping } from './mapping.ts'
import type { RecordRow } from './readRecords.ts'
import { columnOrder, seedsOf } from './trainingRuns.ts'

/** What the content of an imported table is made from: batches of architecture records and facts about the source. */
export interface Assembly {
  readonly parts: Parts
  readonly batches: readonly Part[]
  readonly source: Source
  readonly notes: readonly string[]
  readonly withCurves: boolean
  readonly mapping: Mapping
}

/**
 * Combines all batches of architecture records into the content of a table.
 * @throws BenchError `bad-input` if a record has the wrong architecture index, occurs twice, or is missing
 */
export function assemble(assembly: Assembly, context: ImportContext): Imported {
  const { parts, batches, source, notes, withCurves, mapping } = assembly
  const collected = new Columns(
    batches.reduce((sum, { count }) => sum + count, 0),
    source.name,
  )
  const curves = batches.map((part) => {
    const rows = part.rows()
    for (const row of rows) collected.add(row, checkedArch(row, context))
    return { path: part.curvesPath, range: rangeOf(rows) }
  })
  const order = collected.order()
  const index = Int32Array.from(order, (i) => collected.indices[i])
  checkComplete(index, context, source.name)
  const numbers = collected.numbers(order)
  const units = new AccuracyUnits(mapping.accuracies)
  units.checkNames(numbers, source.name)
  // Means have the unit of their columns of single seeds, which decide.
  checkUnits(
    numbers.filter(({ seeds }) => seeds === undefined),
    units,
    source.name,
  )
  return {
    content: { index, arch: Array.from(order, (i) => collected.archs[i]), numbers, texts: [], source, notes },
    parts: {
      folder: parts.folder,
      ...(withCurves ? { curves: curves.sort((a, b) => a.range[0] - b.range[0]) } : {}),
    },
  }
}

function rangeOf(rows: readonly RecordRow[]): CurvesBatch['range'] {
  const indices = rows.map(({ index }) => index)
  return [Math.min(...indices), Math.max(...indices)]
}

/**
 * Checks that a record's index belongs to its architecture. Returns the architecture string in the search space's
 * canonical form.
 * @throws BenchError `bad-input` if it does not
 */
function checkedArch({ name, index, arch }: RecordRow, { space }: ImportContext): string {
  const expected = space.indexOf(arch)
  if (index === expected) return space.canonical(arch)
  throw new BenchError('bad-input', `${name}: architecture ${arch} is #${expected} of ${space.name}, found ${index}`)
}

/** Collects the values of architecture records in columns, with one row per record in the order of arrival. */
class Columns {
  readonly indices: number[] = []
  readonly archs: string[] = []
  readonly #names: string[] = []
  readonly #values = new Map<string, Float64Array>()
  readonly #rows: number
  readonly #source: string

  constructor(rows: number, source: string) {
    this.#rows = rows
    this.#source = source
  }

  add({ name, index, numbers }: RecordRow, arch: string): void {
    const row = this.indices.push(index) - 1
    this.archs.push(arch)
    this.#names.push(name)
    for (const [column, value] of Object.entries(numbers)) {
      const values = this.#values.get(column) ?? this.#newColumn(column)
      values[row] = value
    }
  }

  #newColumn(name: string): Float64Array {
    checkLimit('source-columns', this.#values.size + 1, this.#source)
    checkLimit('source-numbers', (this.#values.size + 1) * this.#rows, this.#source)
    const values = new Float64Array(this.#rows).fill(Number.NaN)
    this.#values.set(name, values)
    return values
  }

  /**
   * Returns the row numbers sorted by the index of the row's architecture.
   * @throws BenchError `bad-input` if an architecture occurs twice
   */
  order(): Uint32Array {
    const order = Uint32Array.from(this.indices, (_, row) => row).sort((a, b) => this.indices[a] - this.indices[b])
    const twice = order.find((row, i) => i > 0 && this.indices[row] === this.indices[order[i - 1]])
    if (twice !== undefined)
      throw new BenchError('bad-input', `${this.#source}: ${this.#names[twice]} occurs twice in the release`)
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
