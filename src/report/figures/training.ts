/**
 * The figure `training`: loss and accuracy over the epochs, of supernets during a search and of networks during full
 * trainings.
 */
import { BenchError } from '../../core/errors.ts'
import { extent, sixDigits } from '../../core/numbers.ts'
import { capitalize } from '../../core/plainText.ts'
import type { ResultRecord } from '../../core/result.ts'
import type { LEARNING } from '../../runner/store/runSummary.ts'
import { groupBy } from '../../system/groupBy.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { type RetrainedRow, rowsOf } from '../comparison/retrainedRuns.ts'
import { labelOf } from '../methods.ts'
import { type Axis, epochAxis, type Figure, type Panel, type Plot, type Series, scaleFor } from '../pictures/figure.ts'
import type { Look } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  type Curve,
  eachCurve,
  inPanels,
  MOST_TOGETHER,
  onEachDataset,
  rangeOf,
  type SeedBand,
  type Spread,
  seedBand,
  shownAs,
  shownMethods,
  spreadFor,
  spreadWords,
  upperCut,
  withRuns,
} from './shared.ts'

/** Quantities that the figure can show, by the name after `--quantity`, each with its description in the help text. */
export const trainingQuantities = {
  loss: 'both losses',
  accuracy: 'both accuracies',
  trainLoss: 'training loss',
  validLoss: 'validation loss',
  trainAccuracy: 'training accuracy',
  validAccuracy: 'validation accuracy',
  testAccuracy: 'test accuracy of full trainings',
} as const

export type TrainingQuantity = keyof typeof trainingQuantities

/** A quantity that is measured in every epoch and drawn as one curve. */
type Measure = Exclude<TrainingQuantity, 'loss' | 'accuracy'>

/** The quantities that a panel shows: `main` as lines with bands, `beside` as thin lines. */
interface Content {
  readonly main: Measure
  readonly beside?: Measure
}

/** The quantities of a group's two panels: the panel of losses and the panel of accuracies. */
interface Contents {
  readonly loss: Content
  readonly accuracy: Content
}

const OF_SEARCHES: Contents = {
  loss: { main: 'validLoss', beside: 'trainLoss' },
  accuracy: { main: 'validAccuracy', beside: 'trainAccuracy' },
}
const OF_TRAININGS: Contents = {
  loss: { main: 'trainLoss' },
  accuracy: { main: 'testAccuracy', beside: 'trainAccuracy' },
}

/** Methods that share panels, because they train on the same images. */
interface Group {
  readonly title: string
  readonly contents: Contents
  readonly methods: readonly Learner[]
}

/** A method, and the function that returns its curves of a quantity, one for each seed. */
interface Learner {
  readonly label: string
  readonly look: Look
  readonly seeds: number
  curves(measure: Measure): Iterable<Curve>
}

/**
 * Returns the figure `training`: for each dataset of searches, and for each of full trainings, a panel of losses and
 * one of accuracies. If there are more than four methods, each has its own panel, and only the losses are shown unless
 * the user chooses accuracies.
 * @param quantity the quantity that is shown; absent: losses and accuracies
 * @param spread what the bands around the lines show; absent: `std` for many seeds, else `range`
 * @throws BenchError `missing` if no run has recorded the quantity
 */
export function trainingFigure(runs: readonly RunRecord[], quantity?: TrainingQuantity, spread?: Spread): Figure {
  const groups = [...searches(runs), ...trainings(runs)]
  const isCrowded = groups.some(({ methods }) => methods.length > MOST_TOGETHER)
  const shown = spread ?? spreadFor(groups.flatMap(({ methods }) => methods.map(({ seeds }) => seeds)))
  const drawn = groups.flatMap((group) =>
    contentsFor(group, quantity ?? (isCrowded ? 'loss' : undefined)).flatMap((content) => {
      const panels = panelsOf(group, content, shown)
      return panels === undefined ? [] : [{ group, content, ...panels }]
    }),
  )
  if (drawn.length === 0) {
    const what = quantity === undefined ? 'losses or accuracies' : trainingQuantities[quantity]
    throw new BenchError('missing', `no run has recorded ${what} of its epochs; searches with a search network do`)
  }
  return {
    name: 'training',
    caption: [
      ...captionsOf(drawn),
      `${capitalize(spreadWords(shown))}.`,
      ...(isCrowded ? ['Grey: the other methods.'] : []),
      ...(drawn.some(({ panels }) => panels.some(isCutOff)) ? ['Lines that begin above the axis are cut off.'] : []),
    ].join(' '),
    columns: isCrowded ? Math.max(...drawn.map(({ columns }) => columns)) : Math.min(2, drawn.length),
    panels: drawn.flatMap(({ panels }) => panels),
  }
}

const isCutOff = (panel: Panel): boolean => panel.kind === 'plot' && panel.y.limits !== undefined

/** Returns one group of methods for each dataset of searches that train a supernet. */
function searches(runs: readonly RunRecord[]): readonly Group[] {
  const learns = ({ epochs }: RunRecord) => epochs.some((epoch) => (epoch.trainLoss ?? epoch.validLoss) !== undefined)
  const methods = withRuns(shownMethods(runs), learns)
  return onEachDataset(methods).map(({ title, methods: onDataset }) => ({
    title,
    contents: OF_SEARCHES,
    methods: onDataset.map(({ label, look, runs: own }) => ({
      label,
      look,
      seeds: own.length,
      curves: (measure) => eachCurve(own, (run) => epochCurve(run, measure)),
    })),
  }))
}

const KEYS: Readonly<Partial<Record<Measure, (typeof LEARNING)[number]>>> = {
  trainLoss: 'trainLoss',
  validLoss: 'validLoss',
  trainAccuracy: 'trainAccuracyPct',
  validAccuracy: 'validAccuracyPct',
}

/** Returns a run's values of a quantity by epoch (from 1), rounded as in the records of a compact report. */
function epochCurve({ epochs }: RunRecord, measure: Measure): Curve {
  const key = KEYS[measure]
  return new Map(
    epochs.flatMap((record) => {
      const value = key && record[key]
      return value === undefined ? [] : [[record.epoch + 1, sixDigits(value)] as const]
    }),
  )
}

/** Returns one group of methods for each dataset and settings of full trainings whose records contain curves. */
function trainings(runs: readonly RunRecord[]): readonly Group[] {
  const rows = rowsOf(runs).filter(({ results }) => results.some(({ trainings: own = [] }) => own.some(hasCurves)))
  const shown = shownAs(runs)
  return [...groupBy(rows, ({ group }) => group)].map(([{ dataset, difference }, own]) => ({
    title: `${datasetTitle(dataset)}, trained in full${difference && `: ${difference}`}`,
    contents: OF_TRAININGS,
    methods: own.map((row) => ({
      label: labelOf(row.method),
      look: shown(row.method).look,
      seeds: trainingsOf(row).length,
      curves: (measure: Measure) => trainingsOf(row).map((training) => trainingCurve(training, measure)),
    })),
  }))
}

type Training = NonNullable<ResultRecord['trainings']>[number]

const hasCurves = ({ curves }: Training): boolean => curves !== undefined

const trainingsOf = ({ results }: RetrainedRow): readonly Training[] =>
  results.flatMap(({ trainings: own = [] }) => own.filter(hasCurves))

function trainingCurve({ curves }: Training, measure: Measure): Curve {
  const { trainLoss = [], trainAccuracyPct = [], testAccuracyPct = [] } = curves ?? {}
  const values = { trainLoss, trainAccuracy: trainAccuracyPct, testAccuracy: testAccuracyPct }
  return new Map((values[measure as keyof typeof values] ?? []).map((value, epoch) => [epoch + 1, value]))
}

/** Returns the quantities of each panel of a group: losses and accuracies, or only the chosen quantity. */
function contentsFor({ contents }: Group, quantity: TrainingQuantity | undefined): readonly Content[] {
  if (quantity === undefined) return [contents.loss, contents.accuracy]
  return [quantity === 'loss' || quantity === 'accuracy' ? contents[quantity] : { main: quantity }]
}

/** Returns the panels that show the given quantities of a group; undefined if no method has a value. */
function panelsOf({ title, methods }: Group, { main, beside }: Content, spread: Spread) {
  const lines = methods
    .map(({ label, look, curves }) => ({
      own: { label, look, form: 'line' as const, ...seedBand(curves(main), spread) },
      thin: beside && thinLine(label, look, seedBand(curves(beside), 'none')),
    }))
    .filter(({ own, thin }) => own.points.length + (thin?.points.length ?? 0) > 0)
  if (lines.length === 0) return undefined
  const all = lines.flatMap(({ own, thin }): Series[] => (thin ? [own, thin] : [own]))
  const plot: Omit<Plot, 'series'> = { kind: 'plot', title, x: epochAxis, y: axisOf(main, all) }
  if (lines.length <= MOST_TOGETHER) {
    const thin = lines.flatMap((line) => (line.thin ? [line.thin] : []))
    return inPanels({ ...plot, series: [...thin, ...lines.map(({ own }) => own)] }, 2 * MOST_TOGETHER)
  }
  const { panels, columns } = inPanels({ ...plot, series: lines.map(({ own }) => own) })
  const whole = (panels as readonly Plot[]).map((panel, i) => {
    const { thin } = lines[i]
    return thin ? { ...panel, series: [...panel.series, thin] } : panel
  })
  return { panels: whole, columns }
}

/**
 * Returns the thin line of a method's training curve, which the HTML page shows and hides together with the method's
 * main line.
 */
const thinLine = (label: string, look: Look, { points }: SeedBand): Series => ({
  ...{ label: `${label}, training`, partOf: label, look, form: 'line', points },
  unnamed: true,
  thin: true,
})

/** Returns the y axis that all panels of a group share. Losses far above the others are cut off. */
function axisOf(measure: Measure, series: readonly Series[]): Axis {
  const range = rangeOf(series)
  if (measure !== 'trainLoss' && measure !== 'validLoss') {
    return { label: 'accuracy (%)', scale: 'linear', atLeast: range }
  }
  const scale = scaleFor(range)
  const losses = series.flatMap(({ points }) => points.flatMap(({ y }) => y ?? []))
  const cut = upperCut(losses)
  const isCut = scale === 'linear' && extent(losses)[1] > cut
  return { label: 'loss', scale, atLeast: range, ...(isCut && { limits: [undefined, Number(cut.toPrecision(2))] }) }
}

/** Returns the sentences of the caption that explain the lines and thin lines. */
function captionsOf(drawn: readonly { readonly group: Group; readonly content: Content }[]): readonly string[] {
  const of = (contents: Contents) =>
    drawn.filter(({ group }) => group.contents === contents).map(({ content }) => content)
  const [searched, trained] = [of(OF_SEARCHES), of(OF_TRAININGS)]
  const isThin = (contents: readonly Content[]) => contents.some(({ beside }) => beside !== undefined)
  const names = (contents: readonly Content[]) => {
    const words = [...new Set(contents.map(({ main }) => trainingQuantities[main].replace(' of full trainings', '')))]
    return capitalize(words.join(' and '))
  }
  return [
    ...(searched.length > 0
      ? [
          `${names(searched)} of the search network after each epoch; validation is the half of the images that the architecture parameters train on.`,
          ...(isThin(searched) ? ['Thin: the half that the network weights train on.'] : []),
        ]
      : []),
    ...(trained.length > 0
      ? [
          `${names(trained)} of full trainings after each epoch.`,
          ...(isThin(trained) ? ['Thin: accuracy in the training steps, under augmentation and drop path.'] : []),
        ]
      : []),
  ]
}
