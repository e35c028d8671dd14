/**
 * What a source's accuracies are given in: percent, or fractions of 1. It is decided column by column. A column in which
 * nothing is above 1 can be either, so the mapping has to say which; 0.866 would otherwise stand for 0.866 %.
 */
import { BenchError } from '../../core/errors.ts'
import { isAccuracy } from '../columnNames.ts'
import type { NumbersContent } from '../content.ts'
import type { Mapping } from './mapping.ts'
import type { TrainingRun } from './trainingRuns.ts'

export type AccuracyUnit = 'percent' | 'fraction'

/** A column of accuracies, and the name that it has in the source where that is another. */
interface Column {
  readonly name: string
  readonly sourceName?: string
}

export class AccuracyUnits {
  readonly #all: AccuracyUnit | undefined
  /** By the name of a column, or the beginning of names up to a slash, as `cifar10/x-valid`. */
  readonly #byName: ReadonlyMap<string, AccuracyUnit>

  constructor(stated: Mapping['accuracies']) {
    this.#all = typeof stated === 'string' ? stated : undefined
    this.#byName = new Map(Object.entries(typeof stated === 'object' ? stated : {}))
  }

  /** What the mapping says of a column; undefined where it says nothing. The longest name decides. */
  statedOf({ name, sourceName }: Column): AccuracyUnit | undefined {
    const parts = name.split('/')
    const beginnings = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'))
    const key = [sourceName, ...beginnings].find((known) => known !== undefined && this.#byName.has(known))
    return key === undefined ? this.#all : this.#byName.get(key)
  }

  /** @throws BenchError `bad-input` where the mapping names no column of the source */
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

  /** The run with its accuracies in percent. @throws BenchError `bad-input` where one is above its unit */
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
 * @param columns in whatever unit the source has them
 * @throws BenchError `bad-input` where a column can be either and the mapping does not say which
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

/** Fractions × 100. @throws BenchError `bad-input` where one is above 1 */
export function fractionsInPercent(values: Float64Array, column: string, source: string): Float64Array {
  const above = values.find((value) => value > 1)
  if (above === undefined) return values.map(percent)
  throw new BenchError(
    'bad-input',
    `${source}: accuracy ${above} of ${column} is no fraction of 1; name the columns of fractions in the mapping: ` +
      '{accuracies: {COLUMN: fraction}}',
  )
}

/** Zero is zero in either unit. */
const isAmbiguous = (values: Float64Array): boolean => {
  const most = greatest(values)
  return most > 0 && most <= 1
}

const greatest = (values: Float64Array): number => values.reduce((most, value) => (value > most ? value : most), 0)

/** 0.9437 → 94.37, and not 94.36999999999999. */
const percent = (fraction: number): number => Number((100 * fraction).toPrecision(15))
