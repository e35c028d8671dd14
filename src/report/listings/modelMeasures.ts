/** Makes the tables that `bench evaluate` and `bench predict` print about a trained network. */
import type { ClassificationMeasures } from '../../analysis/classification.ts'
import { pluralize } from '../../core/plainText.ts'
import { absent, type Cell, column, count, number, type Tabular, word } from '../formats/tabular.ts'

/** Test measures of a trained network, with the training and the dataset that they belong to. */
export interface MeasuredModel {
  /** Id of the full training whose network was measured. */
  readonly training: string
  /** Number of epochs for which the network had been trained when it was measured. */
  readonly epochs: number
  readonly dataset: string
  readonly classNames: readonly string[]
  readonly measures: ClassificationMeasures
}

/** Returns the printed table of the measures: a line for all classes together, and one for each class. */
export function measuresTable({ training, epochs, dataset, classNames, measures }: MeasuredModel): Tabular {
  const { images, top1Pct, top5Pct, balancedPct, meanAveragePrecisionPct, calibrationErrorPct } = measures
  const rows = measures.classes.map((own, label): Cell[] => [
    word(classNames[label]),
    count(own.images),
    number(own.accuracyPct, 2),
    number(own.averagePrecisionPct, 2),
    confusedWith(measures.confusion[label], label, classNames),
  ])
  const top5 = top5Pct === undefined ? '' : `top-5 ${percent(top5Pct)}, `
  return {
    columns: [
      column('class', 'Class'),
      column('images', 'Images'),
      column('accuracyPct', 'Accuracy (%)'),
      column('averagePrecisionPct', 'Average precision (%)'),
      column('confusedWith', 'Most often taken for', 1),
    ],
    rows: [[word('all'), count(images), number(top1Pct, 2), number(meanAveragePrecisionPct, 2), absent], ...rows],
    notes: [
      `top-1 ${percent(top1Pct)}, ${top5}balanced accuracy ${percent(balancedPct)}, mAP ${percent(meanAveragePrecisionPct)}, ` +
        `expected calibration error ${percent(calibrationErrorPct)} (${measures.calibration.length} intervals)`,
      `${training}, weights after ${pluralize(epochs, 'epoch')}, on ${pluralize(images, 'test image')} of ${dataset}; ` +
        'average precision is of the class against the rest, ranked by probability; the line “all” has top-1 and mAP',
    ],
  }
}

const percent = (value: number): string => `${value.toFixed(2)} %`

/**
 * Returns a cell with the class that the network most often predicts wrongly for images of the given class: `dog (12)`.
 */
function confusedWith(row: readonly number[], label: number, classNames: readonly string[]): Cell {
  const wrong = row.map((images, other) => (other === label ? 0 : images))
  const most = Math.max(...wrong)
  return most === 0 ? absent : word(`${classNames[wrong.indexOf(most)]} (${most})`)
}

/** Returns the printed confusion matrix: a line for each class, a column for each class that was predicted. */
export function confusionTable({ training, epochs, dataset, classNames, measures }: MeasuredModel): Tabular {
  return {
    columns: [column('class', 'Class'), ...classNames.map((name) => column(name, `→ ${name}`))],
    rows: measures.confusion.map((row, label) => [word(classNames[label]), ...row.map(count)]),
    notes: [
      `number of images by class (line) and predicted class (column): ${training}, weights after ` +
        `${pluralize(epochs, 'epoch')}, on ${dataset}`,
    ],
  }
}

/** The most probable classes of one image file, the most probable first. */
export interface Prediction {
  readonly file: string
  readonly classes: readonly { readonly name: string; readonly probability: number }[]
}

/** Returns the printed table of predictions: a line for each image and class. */
export function predictionTable(predictions: readonly Prediction[], training: string): Tabular {
  return {
    columns: [column('file', 'Image'), column('class', 'Class'), column('probabilityPct', 'Probability (%)')],
    rows: predictions.flatMap(({ file, classes }) =>
      classes.map(({ name, probability }) => [word(file), word(name), number(100 * probability, 1)]),
    ),
    notes: [`by ${training}; probability is the softmax of the logits`],
  }
}
