/**
 * The figure that `bench evaluate` draws of a trained network: its confusion matrix, and its calibration, which is
 * accuracy against predicted probability.
 */
import { type Drawing, heading, LABEL_SIZE, type Shape } from '../../core/drawing.ts'
import { pluralize } from '../../core/plainText.ts'
import type { MeasuredModel } from '../listings/modelMeasures.ts'
import type { Figure, Plot } from '../pictures/figure.ts'
import { categorical } from '../pictures/palette.ts'

/** Returns the figure of a trained network's measures: confusion matrix and calibration side by side. */
export function confusionFigure(model: MeasuredModel): Figure {
  const { training, epochs, dataset, measures } = model
  const { images, top1Pct, calibrationErrorPct } = measures
  return {
    name: 'confusion',
    caption:
      `Left: images of each class (line) by predicted class (column), shaded by their share of the line. Right: accuracy ` +
      `against mean probability in intervals of the largest probability. ${training} after ${pluralize(epochs, 'epoch')}, ` +
      `${pluralize(images, 'test image')} of ${dataset}, top-1 ${top1Pct.toFixed(2)} %, ` +
      `expected calibration error ${calibrationErrorPct.toFixed(2)} %.`,
    columns: 2,
    panels: [matrixDrawing(model), calibrationPlot(model)],
  }
}

/** Sizes of the confusion matrix in CSS pixels: its width and height, and the space above it for a title. */
const SIDE = 240
const TOP = 24
const SHADES = 12
/** Largest numbers of classes with which the matrix shows class names, and with which it shows numbers of images. */
const MOST_NAMED = 30
const MOST_COUNTED = 12
const LONGEST_NAME = 14

function matrixDrawing({ classNames, measures: { confusion } }: MeasuredModel): Drawing {
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
  const below: Shape = {
    ...{ kind: 'text', x: left + SIDE / 2, y: TOP + SIDE + 14, align: 'center', size: LABEL_SIZE, colour: 'ink' },
    text: 'predicted class, in the same order',
  }
  return {
    ...{ kind: 'drawing', title: 'confusion matrix', width: left + SIDE + 4, height: TOP + SIDE + 24 },
    shapes: [
      ...heading('confusion matrix'),
      ...squares.flatMap((path, shade): Shape[] =>
        path === '' ? [] : [{ kind: 'fill', path, colour: blue(shade / SHADES) }],
      ),
      { kind: 'path', path: frame, colour: 'faint', width: 1 },
      ...numbers,
      ...names,
      below,
    ],
  }
}

const shortened = (name: string): string => (name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`)

/** Returns a shade of blue: white for share 0, the palette's blue for share 1. */
function blue(share: number): `#${string}` {
  const channel = (end: number) => Math.round(255 + (end - 255) * share)
  const [red, green, blueness] = [0x00, 0x72, 0xb2].map(channel)
  return `#${[red, green, blueness].map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

function calibrationPlot({ measures: { calibration } }: MeasuredModel): Plot {
  const [grey, measured] = categorical
  const filled = calibration.filter(({ images }) => images > 0)
  return {
    kind: 'plot',
    title: 'calibration',
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
