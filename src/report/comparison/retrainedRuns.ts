/** Groups runs with full trainings into rows: one for each method, dataset and settings of the training. */
import { summarise } from '../../analysis/statistics/summary.ts'
import { areStated, type ClassWeighting } from '../../core/classWeights.ts'
import { onceEach } from '../../core/onceEach.ts'
import { limitText, pluralize } from '../../core/plainText.ts'
import type { ResultRecord } from '../../core/result.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'
import { builtinSpaces } from '../../spaces/index.ts'
import { groupBy } from '../../system/groupBy.ts'
import { contentName } from '../../system/json.ts'
import { differingKeys } from '../differences.ts'
import { groupByMethod, longLabel, type Method, oneRunPerSeed } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/**
 * Returns whether a report of these runs shows test errors of full trainings instead of looked-up accuracies: if some
 * runs train their architecture in full and all others are searches without a lookup table.
 */
export const areRetrained = onceEach(
  (runs: readonly RunRecord[]): boolean =>
    runs.some(isRetrained) && runs.every((run) => isRetrained(run) || run.manifest.job.table === undefined),
)

/**
 * Returns the runs without full trainings. If no run has a full training, the result is the given list itself, so that
 * results cached for that list are reused.
 */
export const searchesAmong = onceEach((runs: readonly RunRecord[]): readonly RunRecord[] => {
  const searches = runs.filter((run) => !isRetrained(run))
  return searches.length === runs.length ? runs : searches
})

/** Returns whether a run trains its architecture in full (stand-alone, from scratch) instead of looking it up. */
export const isRetrained = ({ manifest }: RunRecord): boolean => manifest.job.retraining !== undefined

/** The runs whose full trainings have one dataset and one choice of all settings. */
export interface RetrainedGroup {
  readonly dataset: string
  readonly settings: RetrainingSettings
  /**
   * The settings in which the group differs from the other groups of its dataset, such as `epochs=25`; '' if it is the
   * only group of its dataset.
   */
  readonly difference: string
  readonly runs: readonly RunRecord[]
}

/** Returns the runs with full trainings in groups, one for each dataset and settings of the training. */
export function retrainedGroups(runs: readonly RunRecord[]): readonly RetrainedGroup[] {
  const groups = groupBy(runs.filter(isRetrained), ({ manifest: { job } }) =>
    contentName([job.dataset.name, job.retraining?.settings]),
  )
  const described = [...groups.values()].flatMap((own) => {
    const { dataset, retraining } = own[0].manifest.job
    return retraining ? [{ dataset: dataset.name, settings: retraining.settings, runs: own }] : []
  })
  return described.map((group) => {
    const others = described.filter(({ dataset }) => dataset === group.dataset)
    return { ...group, difference: longLabel(group.settings, differingKeys(others.map(({ settings }) => settings))) }
  })
}

export interface RetrainedRow {
  readonly method: Method
  readonly space: string
  readonly dataset: string
  readonly settings: RetrainingSettings
  readonly group: RetrainedGroup
  readonly results: readonly ResultRecord[]
}

/**
 * Returns the rows of the table of full trainings: one for each dataset, training settings and method, in this order.
 * The label of a method is the one that it has among all the given runs, so it is the same in all rows of the method.
 */
export function rowsOf(runs: readonly RunRecord[]): RetrainedRow[] {
  const methods = groupByMethod(runs)
  return retrainedGroups(runs).flatMap((group) => {
    const isOwn = new Set(group.runs)
    return methods.flatMap((whole) => {
      const own = whole.runs.filter((run) => isOwn.has(run))
      if (own.length === 0) return []
      const method = oneRunPerSeed({ ...whole, runs: own })
      const results = method.runs.flatMap(({ result }) => result ?? [])
      const { dataset, settings } = group
      return [{ method, space: own[0].manifest.job.space, dataset, settings, group, results }]
    })
  })
}

type Trainings = NonNullable<ResultRecord['trainings']>

/**
 * Returns a number for each run of a table row, such as its test error: the mean over the run's full trainings.
 * @param of reads the number from a full training
 */
export function meansOf({ results }: RetrainedRow, of: (training: Trainings[number]) => number): number[] {
  return results.flatMap(({ trainings = [] }) => (trainings.length === 0 ? [] : [summarise(trainings.map(of)).mean]))
}

/**
 * Returns one test error in % for each run of a table row: the mean over the full trainings of the run's architecture.
 */
export const errorsOf = (row: RetrainedRow): number[] => meansOf(row, ({ testAccuracyPct }) => 100 - testAccuracyPct)

type Times = NonNullable<ResultRecord['timing']['trainings']>

/**
 * Returns a time of every full training of a table row, such as its wall-clock seconds.
 * @param of reads the time from a training's timing
 */
export const timesOf = ({ results }: RetrainedRow, of: (time: Times[number]) => number): number[] =>
  results.flatMap(({ timing }) => (timing.trainings ?? []).map(of))

/**
 * Returns a phrase that says how the loss weights the classes, for the end of a text about a training; '' if it does
 * not.
 */
function weightedText(weighting: ClassWeighting | undefined): string {
  if (!areStated(weighting)) return weighting === 'balanced' ? ', classes weighted equally in the loss' : ''
  const pairs = Object.entries(weighting).map(([name, weight]) => `${name} ${weight}`)
  return `, classes weighted in the loss: ${pairs.join(', ')}`
}

/**
 * Returns the settings of a full training as text for notes: `preset trial, 10 epochs, at most 2000 training images at
 * 16×16, batch 64, C=8, 5 cells`.
 * @param space name of the search space, which determines whether the cells are counted per stage or in total
 */
export function settingsText({ preset, epochs, batchSize, network, data }: RetrainingSettings, space: string): string {
  const { limit, imageSize, sampling, classWeights } = data
  const head = network.head === undefined ? '' : `, head ${network.head}`
  const drawn = sampling === 'balanced' ? ', classes drawn equally often' : ''
  const weighted = weightedText(classWeights)
  const perStage = builtinSpaces[space]?.family?.depthCounts === 'stage'
  const cells = `${pluralize(network.layers, 'cell')}${perStage ? ' a stage' : ''}`
  const images = `${limitText(limit)}${imageSize === null ? '' : ` at ${imageSize}×${imageSize}`}`
  return `preset ${preset}, ${pluralize(epochs, 'epoch')}, ${images}, batch ${batchSize}, C=${network.channels}, ${cells}${head}${drawn}${weighted}`
}
