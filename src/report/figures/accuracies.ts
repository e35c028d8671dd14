/**
 * The figure `accuracies`: the test accuracy of every seed as a dot, with mean and 95 % interval of each search, best
 * search first. Fixed architectures, such as `optimal`, are lines.
 */
import { quantile } from 'simple-statistics'
import { accuracyInterval, summarise } from '../../analysis/statistics/summary.ts'
import { type Drawing, heading, type Ink, type Shape, textRoom } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { extent } from '../../core/numbers.ts'
import { groupBy } from '../../system/groupBy.ts'
import { compare, datasetTitle, type Row, searchesOf } from '../comparison/comparison.ts'
import { areRetrained, errorsOf, rowsOf, searchesAmong } from '../comparison/retrainedRuns.ts'
import { labelOf } from '../methods.ts'
import type { AxisLimits, Figure } from '../pictures/figure.ts'
import type { Look } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import { lowerCut, shownAs } from './shared.ts'

/** One row of the figure: a search and its accuracies in %, one for each seed. */
interface Line {
  readonly label: string
  readonly look: Look
  readonly values: readonly number[]
  /** Seeds of the values, in the same order. */
  readonly seeds: readonly number[]
}

interface Reference {
  readonly label: string
  readonly value: number
}

/** Sizes in CSS pixels: height of a row, width of the plotted area, width of the printed means, and two font sizes. */
const ROW = 18
const PLOT = 214
const VALUE = 76
const SIZE = 10.67
const SMALL = 9.33
/**
 * Largest number of seeds that are drawn as dots. More dots would cover each other, so a box of quartiles replaces
 * them.
 */
const MANY_SEEDS = 40

/**
 * Returns the figure `accuracies`, with a panel for each looked-up test accuracy that the runs report, and one for each
 * dataset and settings of full trainings.
 * @param references names of the algorithms that answer with a fixed architecture
 * @param limits lowest and highest accuracy of the axes in %; absent: chosen for each panel so that searches far below
 * the others are cut off
 * @throws BenchError `missing` if no search has a test accuracy
 */
export function accuraciesFigure(
  runs: readonly RunRecord[],
  references: ReadonlySet<string> = new Set(),
  limits?: AxisLimits,
): Figure {
  const panels = [...lookedUp(runs, references), ...trained(runs)].filter(({ lines }) => lines.length > 0)
  if (panels.length === 0) throw new BenchError('missing', 'no finished run has a test accuracy')
  const drawings = panels.map(({ title, lines, references: fixed }) => panel(title, lines, fixed, limits))
  const many = panels.some(({ lines }) => lines.some(({ values }) => values.length > MANY_SEEDS))
  const fixed = panels.some((each) => each.references.length > 0)
  return {
    name: 'accuracies',
    caption: [
      `Test accuracy of the architectures found, best mean first; ${many ? 'boxes are quartiles, lines reach from the 5th to the 95th percentile of the seeds' : 'a dot is a seed'}, the bar is the mean with its 95 % t interval, the text at the right mean ± standard deviation.`,
      ...(fixed ? ['Dashed: fixed architectures.'] : []),
      ...(drawings.some(({ isCut }) => isCut) ? ['An arrow stands for seeds beyond the axis.'] : []),
      ...(drawings.some(({ isOpen }) => isOpen) ? ['A line that ends in an open arrow goes on beyond it.'] : []),
    ].join(' '),
    columns: Math.min(2, drawings.length),
    panels: drawings.map(({ drawing }) => drawing),
    numbers: {
      columns: ['panel', 'method', 'seed', 'test accuracy (%)'],
      rows: panels.flatMap(({ title, lines }) =>
        lines.flatMap(({ label, seeds, values }) => values.map((value, i) => [title, label, seeds[i], value])),
      ),
    },
  }
}

function lookedUp(runs: readonly RunRecord[], names: ReadonlySet<string>) {
  if (areRetrained(runs)) return []
  const comparison = compare(searchesAmong(runs), { mix: true })
  const shown = shownAs(runs)
  const searches = searchesOf(comparison, names)
  const fixed = comparison.rows.filter((row) => !searches.includes(row))
  return comparison.columns.flatMap(({ split, title }, column) => {
    if (split !== 'test') return []
    const line = (row: Row): Line => {
      const known = [...row.cells[column].bySeed]
        .filter(([, accuracyPct]) => Number.isFinite(accuracyPct))
        .sort(([a], [b]) => a - b)
      return {
        label: shown(row.method).label,
        look: shown(row.method).look,
        seeds: known.map(([seed]) => seed),
        values: known.map(([, accuracyPct]) => accuracyPct),
      }
    }
    const isKnown = ({ values }: Line) => values.length > 0
    return [
      {
        title,
        lines: searches.map(line).filter(isKnown),
        references: fixed
          .map(line)
          .filter(isKnown)
          .map(({ label, values }) => ({ label, value: summarise(values).mean })),
      },
    ]
  })
}

function trained(runs: readonly RunRecord[]) {
  const shown = shownAs(runs)
  return [...groupBy(rowsOf(runs), ({ group }) => group)].map(([{ dataset, difference }, rows]) => ({
    title: `${datasetTitle(dataset)} test, trained in full${difference && `: ${difference}`}`,
    lines: rows
      .map(
        (row): Line => ({
          label: labelOf(row.method),
          look: shown(row.method).look,
          seeds: row.results.flatMap(({ seed, trainings = [] }) => (trainings.length === 0 ? [] : [seed])),
          values: errorsOf(row).map((error) => 100 - error),
        }),
      )
      .filter(({ values }) => values.length > 0),
    references: [] as readonly Reference[],
  }))
}

function panel(title: string, lines: readonly Line[], references: readonly Reference[], limits?: AxisLimits) {
  const sorted = lines.toSorted((a, b) => summarise(b.values).mean - summarise(a.values).mean)
  const own = limitsOf(sorted, references)
  const [low, high] = [limits?.[0] ?? own[0], limits?.[1] ?? own[1]]
  if (low >= high) throw new BenchError('bad-input', `there is no accuracy of ${title} between ${low} and ${high}`)
  const left = 10 + Math.max(...sorted.map(({ label }) => textRoom(label, SIZE)))
  const x = (value: number) => left + ((value - low) / (high - low)) * PLOT
  const shown = references.filter(({ value }) => value >= low && value <= high).sort((a, b) => b.value - a.value)
  const above = 6 + (title === '' ? 0 : 20)
  const top = above + 12 * shown.length
  const bottom = top + 4 + ROW * sorted.length
  const isBeyond = (value: number) => value < low || value > high
  const shapes: Shape[] = [
    ...heading(title),
    ...axisShapes({ low, high, top, bottom }, x),
    ...referenceShapes(shown, { above, bottom, right: left + PLOT }, x),
    ...sorted.flatMap((line, i) => rowShapes(line, top + 4 + ROW * (i + 0.5), { low, high, left }, x)),
  ]
  const drawing: Drawing = {
    kind: 'drawing',
    title: title === '' ? 'Test accuracies' : title,
    width: Math.max(left + PLOT + VALUE, textRoom(title)),
    height: bottom + 34,
    shapes,
  }
  const isCut = sorted.some(({ values }) => values.length <= MANY_SEEDS && values.some(isBeyond))
  const isOpen = sorted.some(({ values }) => {
    const interval = accuracyInterval(values)
    return (
      interval !== undefined &&
      interval.high > low &&
      interval.low < high &&
      (interval.low < low || interval.high > high)
    )
  })
  return { drawing, isCut, isOpen }
}

/**
 * Returns the range of the accuracy axis. It contains all seeds and fixed architectures, except seeds so far below the
 * others that including them would compress the rest.
 */
function limitsOf(lines: readonly Line[], references: readonly Reference[]): [number, number] {
  // The extreme ones among many seeds are not drawn.
  const values = lines.flatMap(({ values }) =>
    values.length > MANY_SEEDS ? quantile([...values], [0.05, 0.25, 0.5, 0.75, 0.95]) : values,
  )
  const fixed = references.map(({ value }) => value)
  const [least] = extent(values)
  const [, greatest] = extent([...values, ...fixed])
  const cut = lowerCut(values, greatest)
  const low = Math.max(least, cut)
  const room = Math.max((greatest - low) * 0.04, 0.05)
  return [low - room, Math.min(100, greatest + room)]
}

/** Largest number of ticks on an axis. */
const MOST_TICKS = 6

/** Returns evenly spaced round values between two bounds, at most six of them. */
export function roundTicks(low: number, high: number): number[] {
  const power = 10 ** Math.floor(Math.log10((high - low) / MOST_TICKS))
  const ticks = [1, 2, 2.5, 5, 10, 20].map((factor) => {
    const step = factor * power
    const first = Math.ceil(low / step)
    const count = Math.max(0, Math.floor(high / step) - first + 1)
    return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  })
  return ticks.find(({ length }) => length <= MOST_TICKS) ?? []
}

const stroke = (path: string, colour: Ink, width: number, dash?: readonly number[]): Shape => ({
  kind: 'path',
  path,
  colour,
  width,
  ...(dash && { dash }),
})

type Text = Shape & { readonly kind: 'text' }
const text = (x: number, y: number, words: string, style: Pick<Text, 'align' | 'size' | 'colour'>): Shape => ({
  kind: 'text',
  x,
  y,
  text: words,
  ...style,
})

function axisShapes(
  { low, high, top, bottom }: { low: number; high: number; top: number; bottom: number },
  x: (value: number) => number,
): Shape[] {
  return [
    ...roundTicks(low, high).flatMap((tick): Shape[] => [
      stroke(`M${x(tick)},${top} V${bottom}`, 'grid', 0.8),
      text(x(tick), bottom + 9, String(tick), { align: 'center', size: SMALL, colour: 'faint' }),
    ]),
    stroke(`M${x(low)},${bottom} H${x(high)}`, 'faint', 0.8),
    text((x(low) + x(high)) / 2, bottom + 24, 'test accuracy (%)', { align: 'center', size: SIZE, colour: 'ink' }),
  ]
}

function referenceShapes(
  references: readonly Reference[],
  { above, bottom, right }: { readonly above: number; readonly bottom: number; readonly right: number },
  x: (value: number) => number,
): Shape[] {
  return references.flatMap(({ label, value }, i): Shape[] => {
    const y = above + 12 * i + 4
    const words = `${label} ${value.toFixed(2)}`
    const isLeft = x(value) + textRoom(words, SMALL) > right
    const align = isLeft ? 'right' : 'left'
    return [
      stroke(`M${x(value)},${y + 5} V${bottom}`, 'faint', 1, [3, 2]),
      text(x(value) + (isLeft ? -3 : 3), y, words, { align, size: SMALL, colour: 'faint' }),
    ]
  })
}

function rowShapes(
  { label, look, values }: Line,
  y: number,
  { low, high, left }: { readonly low: number; readonly high: number; readonly left: number },
  x: (value: number) => number,
): Shape[] {
  const { mean, std } = summarise(values)
  const clamped = (value: number) => x(Math.min(high, Math.max(low, value)))
  const interval = accuracyInterval(values)
  const isMany = values.length > MANY_SEEDS
  const inside = values.filter((value) => value >= low && value <= high)
  const lower = isMany ? [] : values.filter((value) => value < low)
  const upper = isMany ? [] : values.filter((value) => value > high)
  return [
    text(left - 8, y, label, { align: 'right', size: SIZE, colour: 'ink' }),
    ...(isMany ? boxShapes(values, look, y, clamped) : inside.flatMap((value) => dot(x(value), y, look))),
    ...(interval && interval.high > low && interval.low < high
      ? [
          stroke(`M${clamped(interval.low)},${y} H${clamped(interval.high)}`, 'ink', 1),
          ...(interval.low < low ? [openArrow(x(low), y, -1)] : []),
          ...(interval.high > high ? [openArrow(x(high), y, 1)] : []),
        ]
      : []),
    ...(mean >= low && mean <= high ? [stroke(`M${x(mean)},${y - 5} V${y + 5}`, 'ink', 1.8)] : []),
    ...(lower.length > 0 ? beyond(x(low), y, -1, lower, look) : []),
    ...(upper.length > 0 ? beyond(x(high), y, 1, upper, look) : []),
    text(left + PLOT + VALUE - 2, y, `${mean.toFixed(2)} ± ${std?.toFixed(2) ?? '—'}`, {
      align: 'right',
      size: SMALL,
      colour: 'ink',
    }),
  ]
}

/** Returns the open arrow head at the end of a line that goes on beyond the axis. */
const openArrow = (x: number, y: number, side: 1 | -1): Shape =>
  stroke(`M${x - side * 4},${y - 3} L${x},${y} L${x - side * 4},${y + 3}`, 'ink', 1)

const dot = (x: number, y: number, { colour }: Look): Shape => ({
  kind: 'fill',
  path: `M${x - 3.4},${y} a3.4,3.4 0 1 0 6.8,0 a3.4,3.4 0 1 0 -6.8,0 Z`,
  colour,
})

function boxShapes(values: readonly number[], { colour }: Look, y: number, x: (value: number) => number): Shape[] {
  const [p5, q1, q3, p95] = quantile([...values], [0.05, 0.25, 0.75, 0.95]).map(x)
  return [
    stroke(`M${p5},${y} H${p95}`, colour, 1.4),
    { kind: 'fill', path: `M${q1},${y - 5} H${q3} V${y + 5} H${q1} Z`, colour },
  ]
}

/** Returns an arrow at the edge of the axis, with the number of seeds beyond it and the most distant value. */
function beyond(x: number, y: number, side: 1 | -1, values: readonly number[], { colour }: Look): Shape[] {
  const far = side === 1 ? Math.max(...values) : Math.min(...values)
  const words = `${values.length > 1 ? `${values.length} seeds, to ` : ''}${far.toFixed(1)}`
  return [
    { kind: 'fill', path: `M${x + side * 1},${y} l${-6 * side},-4 v8 Z`, colour },
    text(x - side * 9, y - 5, words, { align: side === 1 ? 'right' : 'left', size: SMALL - 1, colour: 'faint' }),
  ]
}
