/**
 * Reads a user's mapping, a YAML file that states what an imported file does not (the meaning of its columns, their
 * units, split and seed), and applies it to the columns. The unit of accuracies is determined for each column. If a
 * column has no value above 1, its values may be percentages or fractions, so the mapping has to state which; otherwise
 * 0.866 would be read as 0.866 %.
 */

import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { oneOrMore, readYaml } from '../../system/yamlFile.ts'
import { type ColumnRole, isAccuracy, roleOf } from '../columnNames.ts'
import type { NumbersContent } from '../content.ts'
import type { TrainingRun } from './trainingRuns.ts'

const unit = z.enum(['percent', 'fraction'])

const schema = z
  .strictObject({
    space: z.string().describe('search space of the architectures').optional(),
    index: z.string().describe("column with the architecture's index in the space's official order").optional(),
    arch: z.string().describe('column with the architecture string').optional(),
    columns: z.record(z.string(), z.string()).default({}).describe("source column: table's name of it"),
    ignore: oneOrMore(z.string(), 0).default([]).describe('source columns that are left out'),
    split: z.string().describe('split of the numbers of a NASLib pickle, which does not state it').optional(),
    seed: z.int().describe('training seed of the numbers of a NASLib pickle').optional(),
    epochs: z
      .int()
      .positive()
      .describe('epochs of the trainings of a NASLib pickle with final numbers only')
      .optional(),
    accuracies: z
      .union([unit, z.record(z.string(), unit)])
      .describe('what accuracies are given in: of all columns, or of each')
      .optional(),
    notes: oneOrMore(z.string(), 0).default([]).describe('sentences for the manifest'),
  })
  .readonly()

export type Mapping = z.infer<typeof schema>

/** A column of a CSV or Parquet file: its name in the file, and the table column that it becomes. */
export interface FlatColumn {
  readonly sourceName: string
  readonly role: ColumnRole
}

/** The mapping without any entry, for an imported file whose columns already have the names of table columns. */
export const identityMapping: Mapping = schema.parse({})

/** Returns the mapping in a YAML file, after checking it. @throws BenchError `bad-input` or `missing` */
export async function readMapping(path: string): Promise<Mapping> {
  return readYaml(path, { what: 'mapping', schema, example: '"arch: COLUMN"' }).data
}

/** Checks that the search space in a mapping, if it names one, is the table's. @throws BenchError `bad-input` */
export function checkSpace({ space }: Mapping, expected: string): void {
  if (space === undefined || space === expected) return
  throw new BenchError('bad-input', `the mapping is of space ${space}, the table of ${expected}; make them the same`)
}

/**
 * Returns the table column that each column in the header of a CSV or Parquet file becomes.
 * @throws BenchError `bad-input` for an unknown column, and for two columns with the same meaning
 */
export function mapColumns(header: readonly string[], mapping: Mapping, source: string): FlatColumn[] {
  const renamed = new Map(Object.entries(mapping.columns))
  if (mapping.index !== undefined) renamed.set(mapping.index, 'index')
  if (mapping.arch !== undefined) renamed.set(mapping.arch, 'arch')
  const present = new Set(header)
  for (const name of [...renamed.keys(), ...mapping.ignore]) {
    if (!present.has(name)) {
      throw new BenchError('bad-input', `${source} has no column "${name}", which the mapping names`)
    }
  }
  const ignore = new Set(mapping.ignore)
  const roles = header.map((name) => (ignore.has(name) ? ignored : roleOf(renamed.get(name) ?? name)))
  const unknown = header.filter((_, i) => roles[i] === undefined)
  if (unknown.length > 0) {
    const names = unknown.slice(0, 5).map((name) => `"${name}"`)
    throw new BenchError(
      'bad-input',
      `${source}: unknown column ${names.join(', ')}; name it or ignore it in a mapping (--mapping FILE.yaml)`,
    )
  }
  checkDistinct(roles as ColumnRole[], source)
  return (roles as ColumnRole[]).map((role, i) => ({ sourceName: header[i], role }))
}

const ignored: ColumnRole = { kind: 'ignored' }

function checkDistinct(roles: readonly ColumnRole[], source: string): void {
  const names = new Set<string>()
  for (const role of roles) {
    if (role.kind === 'ignored') continue
    const name = 'name' in role ? role.name : role.kind
    if (names.has(name)) throw new BenchError('bad-input', `${source}: two columns are "${name}"`)
    names.add(name)
  }
  if (names.has('arch')) return
  throw new BenchError(
    'bad-input',
    `${source} has no column "arch"; say which one it is in a mapping (--mapping FILE.yaml)`,
  )
}

export type AccuracyUnit = 'percent' | 'fraction'

/** The name of a column in the table and, if it differs, its name in the imported file. */
interface Column {
  readonly name: string
  readonly sourceName?: string
}

/** The units of accuracies (percent or fraction) that the user's mapping states, by column. */
export class AccuracyUnits {
  readonly #all: AccuracyUnit | undefined
  /**
   * Unit for each name in the mapping: a column's name, or the beginning of column names, such as `cifar10/x-valid`.
   */
  readonly #byName: ReadonlyMap<string, AccuracyUnit>

  constructor(stated: Mapping['accuracies']) {
    this.#all = typeof stated === 'string' ? stated : undefined
    this.#byName = new Map(Object.entries(typeof stated === 'object' ? stated : {}))
  }

  /**
   * Returns the unit that the mapping states for an accuracy column; undefined if it states none. If several names in
   * the mapping match the column, the longest decides.
   */
  statedOf({ name, sourceName }: Column): AccuracyUnit | undefined {
    const parts = name.split('/')
    const beginnings = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'))
    const key = [sourceName, ...beginnings].find((known) => known !== undefined && this.#byName.has(known))
    return key === undefined ? this.#all : this.#byName.get(key)
  }

  /**
   * Checks that every name for which the mapping states a unit matches a column of the imported file.
   * @throws BenchError `bad-input`
   */
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

  /**
   * Returns a training with all accuracies in percent.
   * @throws BenchError `bad-input` for a fraction above 1
   */
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
 * Checks for every accuracy column that its unit is known: percentages or fractions.
 * @param columns the columns with the values of the imported file, not yet converted
 * @throws BenchError `bad-input` if a column's values may be either and the mapping does not state its unit
 */
export function checkUnits(columns: readonly NumbersContent[], units: AccuracyUnits, source: string): void {
  const accuracies = columns.filter(({ name }) => isAccuracy(name))
  for (const column of accuracies) if (units.statedOf(column) === undefined) refuseMixture(column, source)
  const open = accuracies.filter((column) => units.statedOf(column) === undefined && isAmbiguous(column.values))
  if (open.length === 0) return
  const [{ name, values }] = open
  const more = open.length - 1
  const others = more === 0 ? '' : ` and of ${pluralize(more, 'other column')}`
  const example = open.length === accuracies.length ? 'fraction' : `{${name}: fraction}`
  throw new BenchError(
    'bad-input',
    `${source}: no accuracy of ${name}${others} is above ${greatest(values)}; say in a mapping whether each is a ` +
      `fraction of 1 or in percent: {accuracies: ${example}}`,
  )
}

/**
 * Matches datasets with so many classes that random guessing is right in at most 1 % of cases, so that percentages
 * below 1 do occur.
 */
const MANY_CLASSES = /^(cifar100|ImageNet16-120)\b/

/**
 * Throws if a column of percentages has values below 1, which are more likely fractions.
 * @throws BenchError `bad-input`
 */
function refuseMixture({ name, values }: NumbersContent, source: string): void {
  const most = greatest(values)
  if (most <= 1 || MANY_CLASSES.test(name)) return
  const fractions = values.filter((value) => value > 0 && value < 1)
  if (fractions.length === 0) return
  throw new BenchError(
    'bad-input',
    `${source}: ${name} has accuracies up to ${most}, and ${pluralize(fractions.length, 'value')} that may be a fraction ` +
      `of 1, as ${fractions[0]}; correct the source, or say in a mapping that all are in percent: ` +
      `{accuracies: {${name}: percent}}`,
  )
}

/** Returns a column's fractions converted to percent. @throws BenchError `bad-input` for a fraction above 1 */
export function fractionsInPercent(values: Float64Array, column: string, source: string): Float64Array {
  const above = values.find((value) => value > 1)
  if (above === undefined) return values.map(percent)
  throw new BenchError(
    'bad-input',
    `${source}: accuracy ${above} of ${column} is not a fraction of 1; name the columns of fractions in the mapping: ` +
      '{accuracies: {COLUMN: fraction}}',
  )
}

/** Returns whether accuracies may be percentages as well as fractions: some are above 0, and none is above 1. */
const isAmbiguous = (values: Float64Array): boolean => {
  const most = greatest(values)
  return most > 0 && most <= 1
}

const greatest = (values: Float64Array): number => values.reduce((most, value) => (value > most ? value : most), 0)

/** Converts a fraction to percent, rounded to 15 digits: 0.9437 gives 94.37, not 94.36999999999999. */
const percent = (fraction: number): number => Number((100 * fraction).toPrecision(15))
