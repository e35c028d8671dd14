/**
 * Decides, column by column, whether the accuracies of a source are percentages or fractions of 1. A column without a
 * value above 1 can be either, so the user's mapping has to state its unit; otherwise 0.866 would be read as 0.866 %.
 */
import { BenchError } from '../../core/errors.ts'
import { isAccuracy } from '../columnNames.ts'
import type { NumbersContent } from '../content.ts'
import type { Mapping } from './mapping.ts'
import type { TrainingRun } from './trainingRuns.ts'

export type AccuracyUnit = 'percent' | 'fraction'

/** The name of a column in the table, and its name in the source if that is different. */
interface Column {
  readonly name: string
  readonly sourceName?: string
}

/** The units that the user's mapping states. */
export class AccuracyUnits {
  readonly #all: AccuracyUnit | undefined
  /** Units by the name of a column, or by the first parts of names, such as `cifar10/x-valid`. */
  readonly #byName: ReadonlyMap<string, AccuracyUnit>

  constructor(stated: Mapping['accuracies']) {
    this.#all = typeof stated === 'string' ? stated : undefined
    this.#byName = new Map(Object.entries(typeof stated === 'object' ? stated : {}))
  }

  /** Returns the stated unit of a column; undefined if none is stated. The longest matching name decides. */
  statedOf({ name, sourceName }: Column): AccuracyUnit | undefined {
    const parts = name.split('/')
    const beginnings = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'))
    const key = [sourceName, ...beginnings].find((known) => known !== undefined && this.#byName.has(known))
    return key === undefined ? this.#all : this.#byName.get(key)
  }

  /** Checks that every name in the mapping matches a column of the source. @throws BenchError `bad-input` */
  checkNames(columns: readonly Column[], source: string): void {
    const names = columns.filter(({ name }) => isAccuracy(name))
    const isNamed = (key: string) =>
      names.some(({ name, sourceName }) => key === sourceName || key === name || name.startsWith(`${key}/`))
    const unknown = [...this.#byName.keys()].find((key) => !isNamed(key))
    if (unknown === undefined) return
    const found = names.slice(0, 3).map(({ name }) => name)
    throw new BenchError(
      'bad-input',
      `${source} has no accuracies "${unknown}", which the mapping names; it has ${found.join(', ') || 'none'}`,
    )
  }

  /** Returns the training with all accuracies in percent. @throws BenchError `bad-input` for a fraction above 1 */
  inPercent(run: TrainingRun, source: string): TrainingRun {
    const { dataset, epochs, seed } = run
    const splits = run.splits.map((curves) => {
      const name = `${dataset}/${curves.split}/${epochs}/${seed}`
      const isFraction = this.statedOf({ name }) === 'fraction'
      return isFraction ? { ...curves, accuracyPct: fractionsInPercent(curves.accuracyPct, name, source) } : curves
    })
    return { ...run, splits }
  }
}

/**
 * Checks that the unit of every column of accuracies is known.
 * @param columns the columns with the values of the source, not yet converted
 * @throws BenchError `bad-input` if a column can be either and the mapping does not state its unit
 */
export function checkUnits(columns: readonly NumbersContent[], units: AccuracyUnits, source: string): void {
  const accuracies = columns.filter(({ name }) => isAccuracy(name))
  const open = accuracies.filter((column) => units.statedOf(column) === undefined && isAmbiguous(column.values))
  if (open.length === 0) return
  const [{ name, values }] = open
  const more = open.length - 1
  const others = more === 0 ? '' : ` and of ${more} other column${more === 1 ? '' : 's'}`
  const example = open.length === accuracies.length ? 'fraction' : `{${name}: fraction}`
  throw new BenchError(
    'bad-input',
    `${source}: no accuracy of ${name}${others} is above ${greatest(values)}; say in a mapping whether each is a ` +
      `fraction of 1 or in percent: {accuracies: ${example}}`,
  )
}

/** Converts fractions to percent. @throws BenchError `bad-input` for a fraction above 1 */
export function fractionsInPercent(values: Float64Array, column: string, source: string): Float64Array {
  const above = values.find((value) => value > 1)
  if (above === undefined) return values.map(percent)
  throw new BenchError(
    'bad-input',
    `${source}: accuracy ${above} of ${column} is no fraction of 1; name the columns of fractions in the mapping: ` +
      '{accuracies: {COLUMN: fraction}}',
  )
}

/** Tells whether a column can be percentages or fractions: it has values above 0, and none above 1. */
const isAmbiguous = (values: Float64Array): boolean => {
  const most = greatest(values)
  return most > 0 && most <= 1
}

const greatest = (values: Float64Array): number => values.reduce((most, value) => (value > most ? value : most), 0)

/** Converts one fraction to percent, without rounding noise: 0.9437 → 94.37, not 94.36999999999999. */
const percent = (fraction: number): number => Number((100 * fraction).toPrecision(15))
