/** Converts the trainings of a table build to the table's rows and per-epoch curves, and rows back to trainings. */
import type { ImageShape } from '../core/data.ts'
import { formatQualifier } from '../core/metric.ts'
import { macCount, parameterCount } from '../core/network.ts'
import { pluralize } from '../core/plainText.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { groupBy } from '../system/groupBy.ts'
import type { NumbersContent, TableContent } from '../tables/content.ts'
import type { ArchitectureRuns, TrainingRun } from '../tables/importers/trainingRuns.ts'
import { type Recipe, recipeHash } from '../tables/recipe.ts'
import type { Table } from '../tables/table.ts'
import { type CurvesBatch, encodeCurves } from '../tables/writeCurves.ts'
import { SPLITS, type Split, type TrainedArchitecture } from './trainArchitecture.ts'
import { numberingOf, type Sharing, type TableTraining, type TrainingRecord, type TrainingSet } from './trainingSet.ts'

/** What a built table's rows are computed from, together with the trainings: search space, recipe and image shape. */
export interface TableSetting<G extends Genotype = Genotype> {
  readonly space: SearchSpace<G>
  readonly sharing: Sharing
  readonly recipe: Recipe
  /** Shape of the training images, from which multiply-accumulates are counted. */
  readonly shape: ImageShape
}

/**
 * Returns the content of a built table: a row for every architecture that was trained or shares another's training,
 * with the accuracies for each training seed.
 */
export function contentOf<G extends Genotype>(setting: TableSetting<G>, trainings: TrainingSet): TableContent {
  const { space, sharing, recipe } = setting
  const { at, count } = numberingOf(space)
  const isOfRecipe = ({ seed }: { readonly seed: number }) => recipe.seeds.includes(seed)
  const rowsOf = Array.from({ length: count }, (_, index) => trainings.of(sharing.servedBy(index)).filter(isOfRecipe))
  const seeds = recipe.seeds.filter((seed) => trainings.seeds.includes(seed))
  const index = Int32Array.from(rowsOf.keys()).filter((i) => rowsOf[i].length > 0)
  const rows = Array.from(index, (i) => rowsOf[i])
  return {
    index,
    arch: Array.from(index, (i) => space.format(at(i))),
    numbers: [...accuracies(recipe, seeds, rows), ...seconds(recipe, rows), ...costs(setting, index)],
    texts: [],
    source: { format: 'built', name: 'bench tables build', sha256: recipeHash(recipe) },
    notes: notesOn(setting, trainings, rows),
    recipe,
  }
}

/** Yields the trainings whose accuracies are in a built table, each with the index of the trained architecture. */
export function* trainingsIn(table: Table, recipe: Recipe, { servedBy }: Sharing): Generator<TrainingRecord> {
  for (const index of table.indices()) {
    for (const trained of trainingsOf(table, recipe, index)) yield { index: servedBy(index), trained }
  }
}

/**
 * Returns the trainings whose accuracies are in one row of a built table; an empty list if the table lacks the row.
 * Their seconds are means over the training seeds, since the row contains no others.
 */
export function trainingsOf(table: Table, recipe: Recipe, index: number): TableTraining[] {
  const row = table.row(index)
  if (row === undefined) return []
  const measured = (column: string) => table.column(column).at(row) ?? Number.NaN
  const seconds = { train: measured(trainSeconds(recipe)), valid: measured(validSeconds(recipe)) }
  const seeds = [...new Set(table.qualifiers.map(({ seed }) => seed))].filter((seed) => seed !== 'mean')
  return seeds.flatMap((seed) => {
    const [train, valid, test] = SPLITS.map((split) => table.value(index, qualifier(recipe, split, seed)))
    if (train === undefined || valid === undefined || test === undefined) return []
    return [{ seed, accuraciesPct: { train, 'x-valid': valid, 'x-test': test }, seconds }]
  })
}

const qualifier = ({ dataset, training: { epochs } }: Recipe, split: Split, seed: number | 'mean') => ({
  dataset: dataset.name,
  split,
  epochs,
  seed,
})

const trainSeconds = ({ dataset, training }: Recipe) => `train-seconds:${dataset.name}/${training.epochs}`
const validSeconds = ({ dataset, training }: Recipe) => `eval-seconds:${dataset.name}/x-valid/${training.epochs}`

type Rows = readonly (readonly TableTraining[])[]

/**
 * Returns the accuracy columns of a built table: for each split, one column for each training seed, then the mean over
 * the seeds that a row has.
 */
function accuracies(recipe: Recipe, seeds: readonly number[], rows: Rows): NumbersContent[] {
  return SPLITS.flatMap((split) => {
    const name = (seed: number | 'mean') => formatQualifier(qualifier(recipe, split, seed))
    const single = (seed: number) => (trainings: readonly TableTraining[]) =>
      trainings.find((training) => training.seed === seed)?.accuraciesPct[split] ?? Number.NaN
    return [
      ...seeds.map((seed) => ({ name: name(seed), values: Float64Array.from(rows, single(seed)) })),
      { name: name('mean'), seeds, values: meanOf(rows, (training) => training.accuraciesPct[split]) },
    ]
  })
}

/**
 * Returns the columns of measured seconds (means over the training seeds) of a built table, and the column with the
 * number of trainings per row.
 */
const seconds = (recipe: Recipe, rows: Rows): NumbersContent[] => [
  { name: trainSeconds(recipe), values: meanOf(rows, (training) => training.seconds.train) },
  { name: validSeconds(recipe), values: meanOf(rows, (training) => training.seconds.valid) },
  { name: 'trainings', values: Float64Array.from(rows, (trainings) => trainings.length) },
]

const meanOf = (rows: Rows, of: (training: TableTraining) => number): Float64Array =>
  Float64Array.from(rows, (trainings) => mean(trainings.map(of)))

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * Returns the columns of parameters and multiply-accumulates of a built table, in millions. They are counted separately
 * for each architecture, since architectures that share a training may differ in operations whose result never reaches
 * the output.
 */
function costs<G extends Genotype>({ space, recipe, shape }: TableSetting<G>, index: Int32Array): NumbersContent[] {
  const { at } = numberingOf(space)
  const parameters = new Float64Array(index.length)
  const macs = new Float64Array(index.length)
  index.forEach((architecture, row) => {
    const network = space.network(at(architecture), { shape, ...recipe.network })
    parameters[row] = parameterCount(network) / 1e6
    macs[row] = macCount(network) / 1e6
  })
  return [
    { name: 'params-M', values: parameters },
    { name: 'flops-M', values: macs },
  ]
}

function notesOn({ space, sharing, recipe }: TableSetting, trainings: TrainingSet, rows: Rows): string[] {
  const { count } = numberingOf(space)
  const complete = rows.filter((row) => recipe.seeds.every((seed) => row.some((training) => training.seed === seed)))
  const shared = `${pluralize(sharing.trained.length, 'training')} a seed serve all ${pluralize(count, 'architecture')}`
  return [
    `Made by ${pluralize(trainings.count, 'training')} by the recipe below; all but the seconds follow from it bit for bit.`,
    'x-valid and x-test are the two halves of the test set; train is the accuracy over the steps of the last epoch.',
    sharing.trained.length === count
      ? 'Every architecture was trained for itself.'
      : `Architectures that are one network, weights included, share its trainings: ${shared}.`,
    `${rows.length} of ${pluralize(count, 'architecture')} have a row, ${complete.length} of them all ${pluralize(recipe.seeds.length, 'seed')}; a mean is over the seeds that the row has.`,
    'Seconds are processor time on the machine that trained, one core, mean over the seeds.',
  ]
}

/**
 * Number of architectures in one record batch of the file of training curves. To read the curves of one architecture, a
 * whole batch is read.
 */
const BATCH = 256

/**
 * Yields record batches with the per-epoch training curves of every architecture, including those that share a
 * training. Validation and test accuracies have no curves, since they are measured after the last epoch only.
 */
export function* builtCurves(
  records: readonly TrainingRecord<TrainedArchitecture>[],
  recipe: Recipe,
  { count, servedBy }: Sharing,
): Generator<CurvesBatch> {
  const recordsOf = groupBy(records, ({ index }) => index)
  for (let first = 0; first < count; first += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => first + i)
    const architectures = indices.flatMap((index): ArchitectureRuns[] => {
      const own = recordsOf.get(servedBy(index)) ?? []
      return own.length === 0 ? [] : [{ index, arch: '', runs: own.map(({ trained }) => runOf(trained, recipe)) }]
    })
    if (architectures.length === 0) continue
    const last = architectures[architectures.length - 1]
    yield { range: [architectures[0].index, last.index], bytes: encodeCurves(architectures) }
  }
}

function runOf({ seed, curves, seconds }: TrainedArchitecture, { dataset, training: { epochs } }: Recipe): TrainingRun {
  const train = {
    split: 'train',
    accuracyPct: Float64Array.from(curves.trainAccuracyPct),
    loss: Float64Array.from(curves.trainLoss),
    seconds: new Float64Array(epochs).fill(seconds.train / epochs),
  }
  return { dataset: dataset.name, epochs, seed, splits: [train] }
}
