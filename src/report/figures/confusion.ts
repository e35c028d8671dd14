/**
 * The figure that `bench evaluate` draws of a trained network: its confusion matrix, and its calibration, which is
 * accuracy against predicted probability. The title and the columns beside the matrix state the accuracies.
 */
import type { ClassificationMeasures, ClassMeasures } from '../../analysis/classification.ts'
import { type Drawing, heading, LABEL_SIZE, type Shape } from '../../core/drawing.ts'
import { pluralize } from '../../core/plainText.ts'
import type { MeasuredModel } from '../listings/modelMeasures.ts'
import type { Figure, Plot } from '../pictures/figure.ts'
import { pairLooks } from '../pictures/palette.ts'

/** Returns the figure of a trained network's measures: confusion matrix and calibration side by side. */
export function confusionFigure(model: MeasuredModel): Figure {
  const { training, epochs, dataset, measures } = model
  const { images, top1Pct, calibrationErrorPct } = measures
  return {
    name: 'confusion',
    caption:
      `Left: images of each class (line) by predicted class (column), shaded by their share of the line, with each class's ` +
      `accuracy and average precision. Right: accuracy against mean probability in intervals of the largest probability. ${training} after ${pluralize(epochs, 'epoch')}, ` +
      `${pluralize(images, 'test image')} of ${dataset}, top-1 ${top1Pct.toFixed(2)} %, ` +
      `expected calibration error ${calibrationErrorPct.toFixed(2)} %.`,
    columns: 2,
    panels: [matrixDrawing(model), calibrationPlot(model)],
  }
}

/** Sizes of the confusion matrix in CSS pixels: its width and height, and the space above it for title, measures and headings. */
const SIDE = 240
const TOP = 52
/** Width of each column of percentages to the right of the matrix. */
const COLUMN = 46
const SHADES = 12
/** Largest number of classes for which the matrix shows class names, and for which it shows numbers of images. */
const MOST_NAMED = 30
const MOST_COUNTED = 12
const LONGEST_NAME = 14

function matrixDrawing({ classNames, measures }: MeasuredModel): Drawing {
  const { confusion } = measures
  const classes = classNames.length
  const isNamed = classes <= MOST_NAMED
  const size = Math.min(LABEL_SIZE, (0.9 * SIDE) / classes)
  const longest = Math.max(...classNames.map((name) => shortened(name).length))
  const left = isNamed ? 12 + 0.55 * size * longest : 16
  const cell = SIDE / classes
  const squares: string[] = Array.from({ length: SHADES + 1 }, () => '')
  const numbers: Shape[] = []
  confusion.forEach((row, label) => {
    const total = Math.max(
      1,
      row.reduce((sum, images) => sum + images, 0),
    )
    row.forEach((images, predicted) => {
      if (images === 0) return
      const [x, y] = [left + predicted * cell, TOP + label * cell]
      const share = images / total
      squares[Math.max(1, Math.round(SHADES * share))] += `M${x} ${y}h${cell}v${cell}h${-cell}z`
      if (classes > MOST_COUNTED) return
      const colour = share > 0.55 ? 'paper' : 'ink'
      const place = { x: x + cell / 2, y: y + cell / 2, align: 'center' as const }
      numbers.push({ kind: 'text', ...place, text: String(images), size: Math.min(size, cell / 2.2), colour })
    })
  })
  const names = isNamed
    ? classNames.map((name, label): Shape => {
        const place = { x: left - 6, y: TOP + (label + 0.5) * cell, align: 'right' as const }
        return { kind: 'text', ...place, text: shortened(name), size, colour: 'ink' }
      })
    : []
  const frame = `M${left} ${TOP}h${SIDE}v${SIDE}h${-SIDE}z`
  const fits = isNamed && 0.55 * size * longest <= cell
  const centred = (text: string, x: number, y: number, textSize = LABEL_SIZE): Shape => ({
    ...{ kind: 'text', text, x, y, align: 'center', size: textSize, colour: 'ink' },
  })
  const below = fits
    ? [
        ...classNames.map((name, label) => centred(name, left + (label + 0.5) * cell, TOP + SIDE + 12, size)),
        centred('predicted class', left + SIDE / 2, TOP + SIDE + 28),
      ]
    : [centred('predicted class, in the same order', left + SIDE / 2, TOP + SIDE + 14)]
  const columns = isNamed ? percentColumns(measures, { left: left + SIDE, cell, size, centred }) : []
  return {
    ...{ kind: 'drawing', title: 'confusion matrix' },
    ...{ width: left + SIDE + 4 + (isNamed ? 2 * COLUMN : 0), height: TOP + SIDE + (fits ? 38 : 24) },
    shapes: [
      ...heading('confusion matrix'),
      { kind: 'text', x: 0, y: 24, text: measuresText(measures), align: 'left', size: LABEL_SIZE, colour: 'ink' },
      ...squares.flatMap((path, shade): Shape[] =>
        path === '' ? [] : [{ kind: 'fill', path, colour: blue(shade / SHADES) }],
      ),
      { kind: 'path', path: frame, colour: 'faint', width: 1 },
      ...numbers,
      ...names,
      ...columns,
      ...below,
    ],
  }
}

/** Returns the text of the measures over all classes: `top-1 93.1 %, balanced 92.8 %, mAP 96.0 %`. */
function measuresText({ top1Pct, top5Pct, balancedPct, meanAveragePrecisionPct }: ClassificationMeasures): string {
  const named: readonly (readonly [string, number | undefined])[] = [
    ['top-1', top1Pct],
    ['top-5', top5Pct],
    ['balanced', balancedPct],
    ['mAP', meanAveragePrecisionPct],
  ]
  return named.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value.toFixed(1)} %`])).join(', ')
}

/** Position and size of the columns of percentages, and the function that returns a text centred at a point. */
interface ColumnPlace {
  readonly left: number
  readonly cell: number
  readonly size: number
  centred(text: string, x: number, y: number, size?: number): Shape
}

/** Returns the accuracy and the average precision of each class, in %, as columns beside the matrix. */
function percentColumns({ classes }: ClassificationMeasures, { left, cell, size, centred }: ColumnPlace): Shape[] {
  const columns: readonly (readonly [string, (own: ClassMeasures) => number | undefined])[] = [
    ['acc. %', ({ accuracyPct }) => accuracyPct],
    ['AP %', ({ averagePrecisionPct }) => averagePrecisionPct],
  ]
  return columns.flatMap(([title, of], i) => {
    const x = left + 4 + (i + 0.5) * COLUMN
    const values = classes.map((own, label) => centred(of(own)?.toFixed(1) ?? '—', x, TOP + (label + 0.5) * cell, size))
    return [centred(title, x, TOP - 9), ...values]
  })
}

const shortened = (name: string): string => (name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`)

/** Returns a colour between white (share 0) and the palette's blue (share 1). */
function blue(share: number): `#${string}` {
  const channel = (end: number) => Math.round(255 + (end - 255) * share)
  const [red, green, blueness] = [0x00, 0x72, 0xb2].map(channel)
  return `#${[red, green, blueness].map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

function calibrationPlot({ measures: { calibration, calibrationErrorPct } }: MeasuredModel): Plot {
  const [grey, measured] = pairLooks
  const filled = calibration.filter(({ images }) => images > 0)
  return {
    kind: 'plot',
    title: `calibration: error ${calibrationErrorPct.toFixed(2)} %`,
    x: { label: 'mean probability (%)', scale: 'linear', atLeast: [0, 100] },
    y: { label: 'accuracy (%)', scale: 'linear', atLeast: [0, 100] },
    series: [
      {
        label: 'measured',
        look: measured,
        form: 'points',
        unnamed: true,
        points: filled.map(({ confidencePct = 0, accuracyPct = 0, images }) => ({
          ...{ x: confidencePct, y: accuracyPct, note: pluralize(images, 'image') },
        })),
      },
      {
        ...{ label: 'perfectly calibrated', look: grey, form: 'line', unnamed: true },
        points: [
          { x: 0, y: 0 },
          { x: 100, y: 100 },
        ],
      },
    ],
  }
}
