/**
 * Derives from a table's columns the validation accuracy that a black-box search's query returns and the simulated
 * seconds that it costs. A query may train an architecture for the usual number of epochs or for another one.
 * The simulated clock is that of NATS-Bench (`simulate_train_eval` of the paper's API). The answer is the validation
 * accuracy after the short training (12 epochs). The cost is the training's seconds plus one validation pass. `cifar10`
 * is read as `cifar10-valid`. There are two departures. The answer is the mean over the training seeds, where the API
 * picks a random seed. And if a table lacks the seconds of the short training or of the validation pass, they are
 * estimated; `meaning` then says how.
 */
import { BenchError } from '../core/errors.ts'
import type { OracleAnswer } from '../core/evaluation.ts'
import { formatQualifier, parseQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'
import { pluralize } from '../core/plainText.ts'
import { isAccuracy } from './columnNames.ts'
import type { Manifest, OracleRule } from './manifest.ts'
import type { Curve } from './readCurves.ts'

type Cost = OracleRule['seconds'][number]

/**
 * Number of validation images divided by the number of training images, for each dataset (NAS-Bench-201 paper, §2.2).
 */
const VALIDATION_SHARE: Readonly<Record<string, number>> = {
  'cifar10-valid': 25_000 / 25_000,
  cifar100: 5_000 / 50_000,
  'ImageNet16-120': 3_000 / 151_700,
}

/**
 * For each dataset that can be searched on, returns the rule by which the table answers queries and charges their cost.
 * Datasets without validation accuracies or training seconds have no rule.
 */
export function oraclesOf(columns: readonly string[]): Record<string, OracleRule> {
  const validations = columns
    .filter(isAccuracy)
    .map(parseQualifier)
    .filter(({ split }) => split === 'x-valid')
  const oracles: Record<string, OracleRule> = {}
  for (const dataset of new Set(validations.map((qualifier) => qualifier.dataset))) {
    const answer = shortest(validations.filter((qualifier) => qualifier.dataset === dataset))
    const rule = ruleOf(answer, new Set(columns))
    if (rule !== undefined) oracles[dataset.replace(/-valid$/, '')] = rule
  }
  return oracles
}

/**
 * Returns the rule by which a table answers the queries of a search on `dataset` and charges their cost.
 * @throws BenchError `missing` if the table has no training times, `unknown-name` if it has no validation accuracies
 */
export function oracleOf({ name, columns, oracles }: Manifest, dataset: string): OracleRule {
  const rule = oracles[dataset]
  if (rule !== undefined) return rule
  const validations = columns.filter((column) => isAccuracy(column.name)).map((column) => parseQualifier(column.name))
  const told = validations.find(
    (qualifier) => qualifier.split === 'x-valid' && qualifier.dataset.replace(/-valid$/, '') === dataset,
  )
  if (told === undefined) throw unknownName(`dataset of table ${name} to search on`, dataset, Object.keys(oracles))
  const column = `train-seconds:${told.dataset}/${told.epochs}`
  throw new BenchError(
    'missing',
    `table ${name} has no training times of ${dataset}, which a black-box search pays; import it with a column ` +
      `${column}, name another table with --table, or use an algorithm that trains a network`,
  )
}

/**
 * Among the validation accuracies of a table, given by dataset, split, epochs and seed, returns the one after the
 * fewest training epochs.
 */
const shortest = (validations: readonly Qualifier[]): Qualifier =>
  afterEpochs(validations, Math.min(...validations.map(({ epochs }) => epochs)))

/**
 * Among the validation accuracies of a table, returns the one after `wanted` training epochs: the mean over training
 * seeds if the table has it, else the first seed's.
 */
function afterEpochs(validations: readonly Qualifier[], wanted: number): Qualifier {
  const candidates = validations.filter(({ epochs }) => epochs === wanted)
  return candidates.find(({ seed }) => seed === 'mean') ?? candidates[0]
}

/**
 * Returns the rules by which a table answers queries and charges their cost, one for each training length (in epochs)
 * with validation accuracies, ascending.
 * @param usual the rule for the usual training length of a search on the same dataset
 */
export function rulesByEpochs(usual: OracleRule, columns: readonly string[]): ReadonlyMap<number, OracleRule> {
  const { dataset, split } = parseQualifier(usual.accuracy)
  const validations = columns
    .filter(isAccuracy)
    .map(parseQualifier)
    .filter((qualifier) => qualifier.dataset === dataset && qualifier.split === split)
  const epochs = [...new Set(validations.map((qualifier) => qualifier.epochs))].sort((a, b) => a - b)
  const known = new Set(columns)
  const rules = epochs.map((length) => [length, ruleOf(afterEpochs(validations, length), known)] as const)
  return new Map(rules.flatMap(([length, rule]) => (rule === undefined ? [] : [[length, rule] as const])))
}

function ruleOf(answer: Qualifier, columns: ReadonlySet<string>): OracleRule | undefined {
  const training = trainingCost(answer, columns)
  if (training === undefined) return undefined
  const validation = validationCost(answer, training, columns)
  return { accuracy: formatQualifier(answer), seconds: validation === undefined ? [training] : [training, validation] }
}

/**
 * Returns the cost of training for `epochs` epochs as a table column in seconds and a factor. If the table has only a
 * longer training, the factor is the fraction of its epochs.
 */
function trainingCost({ dataset, epochs }: Qualifier, columns: ReadonlySet<string>): Cost | undefined {
  const exact = `train-seconds:${dataset}/${epochs}`
  if (columns.has(exact)) return { column: exact, factor: 1, meaning: `${pluralize(epochs, 'epoch')} of training` }
  const timed = [...columns].find((name) => name.startsWith(`train-seconds:${dataset}/`))
  if (timed === undefined) return undefined
  const longer = Number(timed.split('/').at(-1))
  return { column: timed, factor: epochs / longer, meaning: `${epochs} of ${longer} equally long epochs of training` }
}

/**
 * Returns the cost of one validation pass as a table column in seconds and a factor. If the table lacks such a column,
 * a validation image is estimated to take a third of the time of a training image, since it needs no backward pass.
 */
function validationCost(answer: Qualifier, training: Cost, columns: ReadonlySet<string>): Cost | undefined {
  const { dataset, epochs } = answer
  const exact = `eval-seconds:${dataset}/x-valid/${epochs}`
  if (columns.has(exact)) return { column: exact, factor: 1, meaning: 'one validation pass' }
  const share = VALIDATION_SHARE[dataset]
  if (share === undefined) return undefined
  const images = share === 1 ? 'as many images' : `${(100 * share).toPrecision(2)} % of the images`
  const meaning = `one validation pass, estimated: a third of a training epoch's time an image, ${images}`
  return { column: training.column, factor: (training.factor / epochs / 3) * share, meaning }
}

/**
 * A training length for which a table has validation accuracies. Either a training with a learning-rate schedule of
 * this length, or the first epochs of the usual training, taken from its curve.
 */
export interface Fidelity {
  readonly rule: OracleRule
  /**
   * Number of epochs after which the accuracy is read from the usual training's curve; absent: the training itself has
   * this length.
   */
  readonly first?: number
}

/**
 * Returns the training lengths, in epochs, for which a table has validation accuracies, ascending.
 * @param usual the rule for the usual training length of a search on the same dataset
 */
export function fidelitiesOf({ columns, curves }: Manifest, usual: OracleRule): ReadonlyMap<number, Fidelity> {
  const whole = rulesByEpochs(
    usual,
    columns.map(({ name }) => name),
  )
  const { dataset, split, epochs } = parseQualifier(usual.accuracy)
  const hasCurve = Array.isArray(curves?.of) && curves.of.includes(`${dataset}/${split}/${epochs}`)
  const parts = Array.from({ length: hasCurve ? epochs - 1 : 0 }, (_, i) => i + 1)
  return new Map<number, Fidelity>([
    ...parts.map((first) => [first, { rule: partOf(usual, first), first }] as const),
    ...[...whole].map(([length, rule]) => [length, { rule }] as const),
  ])
}

/**
 * Returns the rule for queries that train for the first `first` epochs only. They cost this fraction of the training's
 * seconds (the first item of `seconds`) and a whole validation pass.
 */
function partOf({ accuracy, seconds: [training, ...validation] }: OracleRule, first: number): OracleRule {
  const { epochs } = parseQualifier(accuracy)
  const meaning = `${first} of ${pluralize(epochs, 'epoch')} of training`
  return { accuracy, seconds: [{ ...training, factor: (training.factor * first) / epochs, meaning }, ...validation] }
}

/**
 * Returns an architecture's validation accuracy after the first epochs of a training, from its training curves: the
 * mean over the training seeds that the rule averages.
 * @throws BenchError `missing` if the curves do not contain it
 */
export function accuracyOnCurve(
  curves: readonly Curve[],
  { accuracy }: OracleRule,
  first: number,
): OracleAnswer['accuracyPct'] {
  const wanted = parseQualifier(accuracy)
  const measured = curves
    .filter(
      ({ dataset, split, epochs }) => dataset === wanted.dataset && split === wanted.split && epochs === wanted.epochs,
    )
    .filter(({ seed }) => wanted.seed === 'mean' || seed === wanted.seed)
    .flatMap(({ accuracyPct }) => accuracyPct[first - 1] ?? [])
  if (measured.length > 0) return measured.reduce((sum, value) => sum + value, 0) / measured.length
  throw new BenchError(
    'missing',
    `no curve of ${accuracy} was measured after epoch ${first}, which the search asks for`,
  )
}
