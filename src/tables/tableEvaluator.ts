/**
 * Evaluates architectures by looking them up in a table: all accuracies for the report of a search, or the validation
 * accuracy that answers a query of a black-box search.
 */
import { BenchError } from '../core/errors.ts'
import type { Evaluation, Evaluator, OracleAnswer } from '../core/evaluation.ts'
import { once, onceEach } from '../core/onceEach.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { OracleRule } from './manifest.ts'
import { accuracyOnCurve, type Fidelity, fidelitiesOf, oracleOf } from './oracles.ts'
import type { Curve } from './readCurves.ts'
import { indexIn } from './spaceIndex.ts'
import type { Table } from './table.ts'

/**
 * The error for an architecture without a row in the table. An evaluator that can train the architecture instead
 * catches it.
 */
export class MissingRow extends BenchError {
  readonly genotype: string

  constructor(table: string, genotype: string) {
    super(
      'missing',
      `table ${table} has no row for ${genotype}; import its source whole, or name another table with --table`,
    )
    this.genotype = genotype
  }
}

/** Returns the training curves (values per epoch) of the architecture with this index. */
export type ReadCurves = (index: number) => Promise<readonly Curve[]>

/**
 * Returns an evaluator that looks architectures up in a table.
 * @param dataset dataset of the search, which determines the accuracy and the cost that `validate` returns
 * @param curves reads the table's training curves; absent: `validate` accepts only training lengths for which the table
 * has a complete training
 * @throws BenchError `bad-input` if the table is of another search space; `evaluate` and `validate` throw `MissingRow`
 */
export function tableEvaluator<G extends Genotype>(
  table: Table,
  space: SearchSpace<G>,
  dataset: string,
  curves?: ReadCurves,
): Evaluator {
  const { name, space: tableSpace, table: file } = table.manifest
  if (tableSpace !== (space.tablesOf ?? space.name)) {
    throw new BenchError('bad-input', `table ${name} is of space ${tableSpace}, not ${space.name}`)
  }
  const find = (genotype: Genotype) => indexIn(table, space, genotype as G)
  let known: ReadonlyMap<number, Fidelity> | undefined
  const answersOf = onceEach((rule: OracleRule) => answersBy(table, rule))
  /** Answers after the default length of training, which most searches ask for alone. */
  const usualAnswers = once(() => answersOf(oracleOf(table.manifest, dataset)))
  const found = (genotype: Genotype): number => {
    const index = find(genotype)
    if (index === undefined) throw new MissingRow(name, space.format(genotype as G))
    return index
  }
  return {
    identity: `table:${name}@${file.sha256}`,
    evaluate: async (genotype) => evaluationOf(table, found(genotype), dataset),
    lookup: async (genotype) => {
      const index = find(genotype)
      return index === undefined ? undefined : evaluationOf(table, index, dataset)
    },
    get fidelities() {
      return [...fidelities().keys()]
    },
    validate: async (genotype, epochs) => {
      const index = found(genotype)
      if (epochs === undefined) return usualAnswers()(index)
      const { rule, first } = fidelities().get(epochs) ?? noSuchLength(name, epochs, fidelities())
      const answer = answersOf(rule)(index)
      if (first === undefined || curves === undefined) return answer
      return { ...answer, accuracyPct: accuracyOnCurve(await curves(index), rule, first) }
    },
  }

  function fidelities(): ReadonlyMap<number, Fidelity> {
    known ??= knownFidelities()
    return known
  }

  function knownFidelities(): ReadonlyMap<number, Fidelity> {
    const rule = table.manifest.oracles[dataset]
    if (rule === undefined) return new Map()
    const all = fidelitiesOf(table.manifest, rule)
    return curves === undefined ? new Map([...all].filter(([, { first }]) => first === undefined)) : all
  }
}

function noSuchLength(table: string, epochs: number, known: ReadonlyMap<number, Fidelity>): never {
  throw new BenchError(
    'bad-input',
    `table ${table} knows trainings of ${[...known.keys()].join(', ')} ${known.size === 1 && known.has(1) ? 'epoch' : 'epochs'}, not of ${epochs}`,
  )
}

/**
 * Returns an architecture's accuracies in the table, its number of parameters, and its multiply-accumulates; the table
 * contains the latter two in millions.
 */
function evaluationOf(table: Table, index: number, dataset: string): Evaluation {
  const parametersM = costOf(table, index, 'params-M', dataset)
  const macsM = costOf(table, index, 'flops-M', dataset)
  return {
    metrics: table.metrics(index),
    ...(parametersM === undefined ? {} : { parameters: Math.round(parametersM * 1e6) }),
    ...(macsM === undefined ? {} : { macs: Math.round(macsM * 1e6) }),
  }
}

/**
 * Returns an architecture's number of parameters or of multiply-accumulates, from a column for the dataset such as
 * `params-M:cifar100` if the table has one, else from `params-M`.
 */
function costOf(table: Table, index: number, quantity: string, dataset: string): number | undefined {
  const name = [`${quantity}:${dataset}`, quantity].find((column) => table.has(column))
  return name === undefined ? undefined : table.column(name).at(table.row(index) as number)
}

/**
 * Returns a function from an architecture's index to the answer by this rule. The rule's columns are looked up only
 * once, and answers are kept, since searches ask for the same architectures again and again.
 */
function answersBy(table: Table, rule: OracleRule): (index: number) => OracleAnswer {
  const accuracy = table.column(rule.accuracy)
  const costs = rule.seconds.map(({ column, factor }) => ({ name: column, column: table.column(column), factor }))
  const known = new Array<OracleAnswer | undefined>(table.rows)
  return (index) => {
    const row = table.row(index) as number
    const earlier = known[row]
    if (earlier !== undefined) return earlier
    const accuracyPct = accuracy.at(row) ?? noNumber(table, rule.accuracy, row)
    let seconds = 0
    for (const { name, column, factor } of costs) seconds += factor * (column.at(row) ?? noNumber(table, name, row))
    const answer = Object.freeze({ accuracyPct, seconds })
    known[row] = answer
    return answer
  }
}

function noNumber(table: Table, column: string, row: number): never {
  const arch = table.text('arch').at(row)
  throw new BenchError('missing', `table ${table.manifest.name} has no ${column} for ${arch}, which the oracle needs`)
}
