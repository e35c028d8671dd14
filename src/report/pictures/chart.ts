/**
 * Converts a plot to a Chart.js configuration, which pictures and the interactive HTML page share, and chooses the
 * ticks of logarithmic axes.
 */
import type { ChartConfiguration, ChartDataset } from 'chart.js'
import { extent } from '../../core/numbers.ts'
import { grouped } from '../../core/plainText.ts'
import type { Axis, Plot, Series } from './figure.ts'
import type { Look } from './palette.ts'
import { colourOf, type Theme } from './theme.ts'

/** Font sizes of a plot in CSS pixels: 8 pt for axis labels and legend, 7 pt for the numbers at ticks. */
export const fontSize = { label: 10.67, tick: 9.33 }
export const fontFamily = '"Bench Sans", "Bench Sans Greek", "Source Sans 3", system-ui, sans-serif'

const BAND_OPACITY = '2e'
/** Opacity of the inside of open markers. */
const OPEN_OPACITY = '30'

/** Returns the colours of a marker's inside and border, and the width of the border. */
export function markerPaint({ look, open }: Pick<Series, 'look' | 'open'>, theme: Theme) {
  const colour = colourOf(look.colour, theme)
  if (isStroked(look.marker)) return { fill: colour, border: colour, width: 1.4 }
  if (!open) return { fill: colour, border: theme.paper, width: 0.7 }
  const fill = look.colour.startsWith('#') ? look.colour + OPEN_OPACITY : '#00000000'
  return { fill, border: colour, width: 1.3 }
}

/** Tells whether a marker consists of lines and encloses no area, so that its border must be painted in its colour. */
export const isStroked = (marker: Look['marker']): boolean =>
  marker === 'crossRot' || marker === 'cross' || marker === 'star'

/** The texts of a plot in lines that fit into its panel: its title and the labels of its axes. */
export interface PlotTexts {
  readonly title: readonly string[]
  readonly x: readonly string[]
  readonly y: readonly string[]
}

/** Returns the texts of a plot, each on one line. */
const onOneLine = ({ title, x, y }: Plot): PlotTexts => ({
  title: title === '' ? [] : [title],
  x: [x.label],
  y: [y.label],
})

/** Height of a line of text divided by its font size, as Chart.js sets it. */
export const LINE_HEIGHT = 1.2

/** Space below a plot's title, and at the right of a plot, in CSS pixels. */
export const TITLE_GAP = 4
export const RIGHT_GAP = 6

/** Returns the parts of a word between which a line may end: after `=`, `,`, `/`, `:`, `_` or `-`. */
export const wordParts = (word: string): readonly string[] => word.match(/[^=,/:_-]*[=,/:_-]|[^=,/:_-]+/g) ?? []

/**
 * Splits a text into lines that are no wider than `width`. Lines end at spaces, within a word that is wider than that
 * between its `wordParts`, and between letters only if a part is wider, too.
 * @param measure returns the width of a text
 */
export function textLines(text: string, width: number, measure: (text: string) => number): readonly string[] {
  const fits = (part: string) => measure(part) <= width
  const lines = ['']
  const add = (part: string, gap = '') => {
    const last = lines[lines.length - 1]
    if (last === '' || fits(last + gap + part)) lines[lines.length - 1] = last === '' ? part : last + gap + part
    else lines.push(part)
  }
  for (const word of text.split(' ')) {
    if (fits(word)) {
      add(word, ' ')
      continue
    }
    if (lines[lines.length - 1] !== '') lines.push('')
    for (const part of wordParts(word)) {
      for (const piece of fits(part) ? [part] : part) add(piece)
    }
  }
  return lines
}

/**
 * Returns the Chart.js configuration of a plot.
 * @param enlarged factor on the size of letters, lines and markers; above 1 for HTML pages, which are read from further
 * away than papers
 * @param texts the plot's texts in lines; absent: each on one line
 */
export function chartConfig(
  plot: Plot,
  theme: Theme,
  enlarged = 1,
  texts = onOneLine(plot),
): ChartConfiguration<'scatter'> {
  const { y } = plot
  const { title } = texts
  const x = plot.x.whole ? upToLast(plot) : plot.x
  return {
    type: 'scatter',
    data: { datasets: datasetsOf(onLogAxis(plot), theme, enlarged, overhang(plot, enlarged)) },
    options: {
      animation: false,
      // Without this Chart.js formats numbers by the machine's language.
      locale: 'en-US',
      responsive: false,
      maintainAspectRatio: false,
      layout: { padding: { right: RIGHT_GAP, top: title.length === 0 ? 4 : 0 } },
      plugins: {
        legend: { display: false },
        title: {
          display: title.length > 0,
          text: [...title],
          color: theme.ink,
          padding: { top: 0, bottom: TITLE_GAP },
          font: { family: fontFamily, size: enlarged * fontSize.label, weight: 600, lineHeight: LINE_HEIGHT },
        },
      },
      scales: { x: scaleOf(x, texts.x, theme, enlarged), y: scaleOf(y, texts.y, theme, enlarged) },
    },
  }
}

/** How far beyond each side of the axes lines and markers are painted, in CSS pixels. */
type Overhang = Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>>

/**
 * Returns the space beyond the axes in which a marker at their end is painted whole; none at an end that cuts values
 * off.
 */
function overhang({ x, y }: Plot, enlarged: number): Overhang {
  const beyond = (limit: number | undefined) => (limit === undefined ? 5 * enlarged : 0)
  const [left, right, bottom, top] = [x, y].flatMap(({ limits }) => [beyond(limits?.[0]), beyond(limits?.[1])])
  return { left, right, bottom, top }
}

/** Returns an axis of epochs that ends at the last epoch, unless it has an end: Chart.js would go on to the next tick. */
function upToLast({ x, series }: Plot): Axis {
  const [, last] = extent([0, ...series.flatMap(({ points }) => points.map((point) => point.x))])
  return last > 0 ? { ...x, limits: [x.limits?.[0], x.limits?.[1] ?? Math.max(last, x.atLeast?.[1] ?? last)] } : x
}

/**
 * Returns the series of a plot. On a logarithmic y axis with a lower end, values of 0 and below, which such an axis cannot
 * show, are at that end.
 */
function onLogAxis({ y: { scale, limits }, series }: Plot): readonly Series[] {
  const low = limits?.[0]
  if (scale !== 'log' || low === undefined) return series
  const shown = (value: number | null) => (value !== null && value <= 0 ? low : value)
  return series.map(({ points, band, ...rest }) => ({
    ...rest,
    points: points.map((point) => ({ ...point, y: shown(point.y) })),
    ...(band && { band: band.map((point) => ({ ...point, low: shown(point.low), high: shown(point.high) })) }),
  }))
}

/**
 * Returns the Chart.js datasets of a plot. Chart.js paints the first dataset last, so they are ordered to paint lines
 * over bands and later series over earlier ones.
 */
function datasetsOf(
  series: readonly Series[],
  theme: Theme,
  enlarged: number,
  clip: Overhang,
): ChartDataset<'scatter'>[] {
  const lines = series.map((line, i) => ({ ...lineOf(line, i, theme, enlarged), clip }))
  return [...lines.reverse(), ...series.flatMap((line, i) => bandOf(line, i, theme))]
}

/** Returns the band of a series as Chart.js datasets: two invisible lines with the area between them filled. */
function bandOf({ band = [], look, form }: Series, index: number, theme: Theme): ChartDataset<'scatter'>[] {
  if (!band.some(({ low, high }) => low !== null && high !== null && high > low)) return []
  const edge = {
    series: index,
    showLine: true,
    borderWidth: 0,
    pointRadius: 0,
    pointHitRadius: 0,
    stepped: form === 'steps',
  }
  return [
    { ...edge, data: band.map(({ x, low }) => ({ x, y: low ?? Number.NaN })), fill: false },
    {
      ...edge,
      data: band.map(({ x, high }) => ({ x, y: high ?? Number.NaN })),
      fill: '-1',
      backgroundColor: colourOf(look.colour, theme) + BAND_OPACITY,
    },
  ]
}

/** Factor on the radius of each marker shape that makes all shapes look equally large. */
export const MARKER_SCALE: Readonly<Record<string, number>> = {
  circle: 1,
  rect: 1.25,
  triangle: 1.35,
  rectRot: 1.25,
  crossRot: 1.15,
  cross: 1.25,
  star: 1.25,
}

/** A line with at most `ALL_MARKED` points has a marker at every point; a longer line has about `MARKED` markers. */
const ALL_MARKED = 12
const MARKED = 7

/**
 * Returns the radius of the marker at each point of a line, 0 for no marker. On long lines only some points have a
 * marker, and neighbouring lines have theirs at different points.
 */
function lineMarkers(points: number, line: number, radius: number): number | number[] {
  if (points <= ALL_MARKED || radius === 0) return radius
  const step = Math.ceil(points / MARKED)
  const first = Math.floor((step * ((line * 3) % 7)) / 7)
  return Array.from({ length: points }, (_, i) => (i % step === first ? radius : 0))
}

function lineOf(
  { label, look, form, points, thin, open }: Series,
  index: number,
  theme: Theme,
  enlarged: number,
): ChartDataset<'scatter'> {
  const isLine = form === 'line' || form === 'steps'
  const cloud = form === 'cloud'
  const radius = enlarged * (isLine ? 2 : 3.2) * MARKER_SCALE[look.marker]
  const colour = colourOf(look.colour, theme)
  const paint = markerPaint({ look, open }, theme)
  const markers = isLine ? lineMarkers(points.length, index, thin ? 0 : radius) : cloud ? enlarged : radius
  return {
    series: index,
    label,
    data: points.map(({ x, y, note }) => ({ x, y: y ?? Number.NaN, note })),
    showLine: isLine,
    stepped: form === 'steps',
    spanGaps: false,
    borderColor: isLine ? colour : theme.paper,
    borderWidth: enlarged * (thin ? 0.9 : isLine ? 1.6 : cloud ? 0 : 0.7),
    borderDash: [...look.dash],
    backgroundColor: paint.fill,
    pointStyle: look.marker,
    pointRadius: markers,
    pointBorderWidth: !isStroked(look.marker) && (isLine || cloud) ? 0 : paint.width,
    pointBorderColor: paint.border,
    pointHoverRadius: 4,
    pointHitRadius: 6,
  } as ChartDataset<'scatter'>
}

function scaleOf(
  { scale, whole, atLeast, limits: [low, high] = [undefined, undefined] }: Axis,
  label: readonly string[],
  theme: Theme,
  enlarged: number,
) {
  return {
    type: scale === 'log' ? ('logarithmic' as const) : ('linear' as const),
    ...(atLeast && { suggestedMin: atLeast[0], suggestedMax: atLeast[1] }),
    ...(low !== undefined && { min: low }),
    ...(high !== undefined && { max: high }),
    title: {
      display: true,
      text: [...label],
      color: theme.ink,
      padding: 2,
      font: { family: fontFamily, size: enlarged * fontSize.label, lineHeight: LINE_HEIGHT },
    },
    grid: { color: theme.grid, tickLength: 3, lineWidth: 0.6 },
    border: { color: theme.faint, width: 0.6 },
    ticks: {
      color: theme.faint,
      maxRotation: 0,
      autoSkipPadding: 10,
      padding: 2,
      // No ticks at ends that are not round, such as an axis that is cut at 61.
      includeBounds: false,
      ...(whole && { precision: 0 }),
      font: { family: fontFamily, size: enlarged * fontSize.tick },
    },
  }
}

/** The lists of tick mantissas per decade among which a logarithmic axis chooses, the densest first. */
const STEPS = [[1, 2, 5], [1, 3], [1]]

/** Largest number of evenly spaced ticks on an axis that spans less than a decade. */
const MOST_EVEN = 12

/**
 * Returns the space that a tick's label needs along its axis, in multiples of the font size: on x the width of the longest
 * label and a gap, on y the height of two lines.
 * @param choices lists of ticks among which the axis chooses
 */
export const labelRoom = (axis: 'x' | 'y', choices: readonly (readonly number[])[]): number =>
  axis === 'y' ? 2.1 : 2 + 0.52 * Math.max(1, ...choices.flat().map((tick) => tickLabel(tick).length))

/**
 * Returns the possible lists of ticks for a logarithmic axis from `low` to `high`, each in ascending order: 1, 2 and 5
 * of every decade, sparser lists, and, if the axis spans less than a decade, evenly spaced numbers.
 */
export function tickChoices(low: number, high: number): number[][] {
  // The ends lie beyond the values, and so may not be numbers of double precision any more.
  const first = Math.floor(Math.log10(Math.max(low, Number.MIN_VALUE)))
  const last = Math.ceil(Math.log10(Math.min(high, Number.MAX_VALUE)))
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const even = high / low < 10 ? powers.flatMap((power) => [1, 2, 5].map((step) => Number(`${step}e${power - 1}`))) : []
  return [
    ...STEPS.map((steps) => powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))),
    ...even.filter((step) => (high - low) / step <= MOST_EVEN).map((step) => multiples(step, high)),
  ].map((ticks) => ticks.filter((tick) => tick >= low && tick <= high && tick > 0 && Number.isFinite(tick)))
}

/** Returns the multiples of a step up to `high`. They are products, so that no rounding errors add up. */
const multiples = (step: number, high: number): number[] =>
  Array.from({ length: Math.floor(high / step) }, (_, i) => Number(((i + 1) * step).toPrecision(12)))

/**
 * Returns the ticks of a logarithmic axis from `low` to `high`, ascending: of the lists of `tickChoices` whose labels
 * do not overlap the longest, or the powers of ten if all overlap.
 * @param most largest number of evenly spaced labels that fit on the axis
 */
export function logTicks(low: number, high: number, most: number): number[] {
  const room = Math.log10(high / low) / most
  const fits = (ticks: readonly number[]) =>
    ticks.every((tick, i) => i === 0 || Math.log10(tick / ticks[i - 1]) >= room)
  const choices = tickChoices(low, high)
  const thinnest = choices[STEPS.length - 1]
  return choices.filter(fits).reduce((best, ticks) => (ticks.length > best.length ? ticks : best), thinnest)
}

/** Returns the label of a tick: `10,000`, `0.05`, and very large or small values as `1e-7`. */
export const tickLabel = (value: number): string =>
  value >= 1e7 || value < 1e-4 ? value.toExponential().replace('+', '') : grouped(Number(value.toFixed(4)))
