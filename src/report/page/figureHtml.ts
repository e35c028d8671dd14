/** Renders a figure for a report's HTML page: its HTML, and the data from which the page's script draws its plots. */
import { gzipSync } from 'node:zlib'
import type { ChartDataset } from 'chart.js'
import type { Drawing } from '../../core/drawing.ts'
import { extent } from '../../core/numbers.ts'
import { csvField } from '../formats/renderTable.ts'
import {
  chartConfig,
  fontSize,
  isStroked,
  labelRoom,
  markerPaint,
  tickChoices,
  tickLabel,
  wordParts,
} from '../pictures/chart.ts'
import { drawingSvg, escaped, stackedSvg } from '../pictures/drawingSvg.ts'
import type { Axis, Figure, Panel, Plot, Point, Series } from '../pictures/figure.ts'
import type { Look } from '../pictures/palette.ts'
import { renderFormats } from '../pictures/picture.ts'
import { colourOf, lightTheme, type Theme } from '../pictures/theme.ts'

/**
 * Placeholders for the colours in a plot's data; the page's script replaces them by the colours of the light or dark
 * theme.
 */
const tokens: Theme = {
  ink: '@ink',
  faint: '@faint',
  paper: '@paper',
  tint: '@tint',
  grid: '@grid',
  behind: '@behind',
  cloud: '@cloud',
}
const variables: Theme = {
  ink: 'var(--ink)',
  faint: 'var(--faint)',
  paper: 'var(--paper)',
  tint: 'var(--tint)',
  grid: 'var(--grid)',
  behind: 'var(--behind)',
  cloud: 'var(--cloud)',
}

/** A series with more points is stored once for all panels of its figure, with fewer digits. */
const MANY_POINTS = 1000
/** Number of digits after the decimal point of the coordinates of such a series. */
const CLOUD_DIGITS = 3
/** Factor by which letters, lines and markers are larger on the HTML page than in pictures for papers. */
const ENLARGED = 1.25

/** The files of a figure that the page offers for download: gzipped bytes in base64, by file name extension. */
export type Downloads = Readonly<Record<string, string>>

/** Returns the downloadable files of a figure: SVG, PDF, and its numbers as CSV. */
export function filesOf(figure: Figure): Downloads {
  const packed = (bytes: Uint8Array | string) => gzipSync(bytes, { level: 9 }).toString('base64')
  const numbers = figureCsv(figure)
  const { svg, pdf } = picturesOf(figure)
  return { svg: packed(svg), pdf: packed(pdf), ...(numbers !== '' && { csv: packed(numbers) }) }
}

/**
 * Returns a figure as SVG and PDF. In the SVG of drawings, text stays text instead of becoming outlines, which makes the
 * file much smaller; the page's script adds the fonts.
 */
function picturesOf(figure: Figure): { readonly svg: string | Uint8Array; readonly pdf: Uint8Array } {
  const drawings = figure.panels.filter((panel) => panel.kind === 'drawing')
  const isDrawn = drawings.length === figure.panels.length && drawings.length > 0
  if (!isDrawn) return renderFormats(figure, ['svg', 'pdf'])
  return { svg: stackedSvg(drawings, lightTheme, figure.columns), pdf: renderFormats(figure, ['pdf']).pdf }
}

/**
 * Returns the HTML of a figure: legend, panels and caption.
 * @param index position of the figure in the data of the page's script
 * @param endings endings of the files that the page offers for download
 */
export function figureHtml(figure: Figure, index: number, endings: readonly string[] = []): string {
  const { name, caption, panels, columns } = figure
  const classes = [
    ...(panels.length === 1 ? ['single'] : []),
    ...(columns > 1 || panels.length > 2 ? ['wide'] : []),
    ...(panels.every((panel) => panel.kind === 'drawing') ? ['drawings'] : []),
  ]
  const kind = classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
  return [
    `<figure id="figure-${name}"${kind}>`,
    legendHtml(panels),
    `<div class="panels" style="--columns:${columns}">`,
    ...panels.map((panel, i) => panelHtml(panel, index, i)),
    `</div><figcaption>${escaped(caption)}</figcaption>${downloadButtons(name, endings)}</figure>`,
  ].join('\n')
}

/** Labels of the download buttons by file ending. The page's script itself converts the SVG to PNG. */
const LABELS: Readonly<Record<string, string>> = { svg: 'SVG', pdf: 'PDF', png: 'PNG', csv: 'Numbers' }

function downloadButtons(name: string, endings: readonly string[]): string {
  if (endings.length === 0) return ''
  const offered = endings.includes('svg') ? [...endings, 'png'] : endings
  const buttons = Object.keys(LABELS)
    .filter((ending) => offered.includes(ending))
    .map(
      (ending) =>
        `<button type="button" data-download="${escaped(name)}" data-ending="${ending}">${LABELS[ending]}</button>`,
    )
  return `<div class="tools" data-quiet><span>Download</span> ${buttons.join(' ')}</div>`
}

/**
 * Returns the numbers of a figure as CSV: those that its drawings show, or one line for each plotted point. Empty if it
 * consists of drawings without numbers.
 */
export function figureCsv({ panels, numbers }: Figure): string {
  if (numbers !== undefined) return csvOf([numbers.columns, ...numbers.rows])
  const plots = panels.filter((panel) => panel.kind === 'plot')
  if (plots.length === 0) return ''
  const [xs, ys] = (['x', 'y'] as const).map((axis) => [...new Set(plots.map((plot) => plot[axis].label))])
  // Where panels have other axes than the first one, each panel is named by its axes, too.
  const varying = (['x', 'y'] as const).filter((_, i) => [xs, ys][i].length > 1)
  // A series that several panels show, such as all architectures of a lookup table, is listed once.
  const listed = new Set<Series>()
  const isNew = (series: Series) => !listed.has(series) && listed.add(series)
  const lines = plots.flatMap((plot) => {
    const panel = [plot.title, ...varying.map((axis) => plot[axis].label)].filter((words) => words !== '').join(', ')
    return plot.series
      .filter(isNew)
      .flatMap(({ label, points, band = [] }) =>
        points.map(({ x, y, note = '' }, i) => [
          panel,
          label,
          x,
          y ?? '',
          band[i]?.low ?? '',
          band[i]?.high ?? '',
          note,
        ]),
      )
  })
  const [x, y] = [xs.length > 1 ? 'x' : xs[0], ys.length > 1 ? 'y' : ys[0]]
  const head = ['panel', 'series', x, y, 'band low', 'band high', 'note']
  return csvOf([head, ...lines])
}

const csvOf = (lines: readonly (readonly (string | number)[])[]): string =>
  lines.map((fields) => `${fields.map((field) => csvField(String(field))).join(',')}\n`).join('')

/**
 * Returns the data from which the page's script draws a figure: one entry for each panel, null for a panel that is a
 * finished drawing, and the points of large clouds, which several panels may share.
 */
export function figureData({ panels }: Figure): {
  readonly panels: readonly (object | null)[]
  readonly clouds: readonly Coordinates[]
} {
  const clouds: Coordinates[] = []
  const indices = new Map<string, number>()
  const shared = (flat: Coordinates): number => {
    const key = JSON.stringify(flat)
    const index = indices.get(key) ?? clouds.push(flat) - 1
    indices.set(key, index)
    return index
  }
  return { panels: panels.map((panel) => (panel.kind === 'plot' ? plotData(panel, shared) : null)), clouds }
}

function panelHtml(panel: Panel, figure: number, index: number): string {
  if (panel.kind === 'drawing') return drawingHtml(panel)
  const label = escaped(`${panel.title} ${panel.y.label} over ${panel.x.label}`.trim())
  return `<div class="plot"><canvas data-figure="${figure}" data-panel="${index}" role="img" aria-label="${label}"></canvas></div>`
}

const drawingHtml = (drawing: Drawing) => `<div class="drawing">${drawingSvg(drawing, variables)}</div>`

function legendHtml(panels: readonly Panel[]): string {
  const series = panels
    .flatMap((panel) => (panel.kind === 'plot' ? panel.series : []))
    .filter(({ unnamed }) => !unnamed)
  const named = new Map(series.map((entry) => [entry.label, entry]))
  if (named.size === 0) return ''
  return `<div class="legend">${[...named.values()].map(legendEntry).join('')}</div>`
}

function legendEntry({ label, look, form, open }: Series): string {
  const marker = markerSvg({ look, open })
  const sample =
    form === 'line' || form === 'steps'
      ? `<path d="M0 6H22" stroke="${colourOf(look.colour, variables)}" stroke-width="2.4" stroke-dasharray="${look.dash.join(' ')}"/>${marker}`
      : marker
  const name = escaped(label)
  return `<button type="button" aria-pressed="true" data-label="${name}"><svg width="22" height="12" aria-hidden="true">${sample}</svg>${name}</button>`
}

/** SVG paths of the legend's point markers, centred at (11, 6) in a 22 × 12 px image and all of about the same area. */
const MARKERS: Readonly<Record<Look['marker'], string>> = {
  circle: 'M7 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0',
  rect: 'M7.5 2.5h7v7h-7z',
  triangle: 'M11 1.5L15.5 9.5H6.5z',
  rectRot: 'M11 1.2L15.8 6L11 10.8L6.2 6z',
  crossRot: 'M8 3L14 9M14 3L8 9',
  cross: 'M7 6H15M11 2V10',
  star: 'M7 6H15M11 2V10M8.2 3.2L13.8 8.8M13.8 3.2L8.2 8.8',
}

function markerSvg({ look, open }: Pick<Series, 'look' | 'open'>): string {
  const { fill, border } = markerPaint({ look, open }, variables)
  const path = MARKERS[look.marker]
  if (isStroked(look.marker)) return `<path d="${path}" stroke="${border}" stroke-width="2"/>`
  return open
    ? `<path d="${path}" fill="${fill}" stroke="${border}" stroke-width="1.6"/>`
    : `<path d="${path}" fill="${fill}"/>`
}

/** Returns whether a value lies between the ends of an axis that are set. */
const isWithin = (value: number, { limits: [low, high] = [undefined, undefined] }: Axis): boolean =>
  value >= (low ?? value) && value <= (high ?? value)

/** Returns a plot without the points of clouds that lie beyond its axes: the page would be larger without showing them. */
function withoutHidden(plot: Plot): Plot {
  const isInside = ({ x, y }: Point) => isWithin(x, plot.x) && (y === null || isWithin(y, plot.y))
  const series = plot.series.map((each) =>
    each.form === 'cloud' ? { ...each, points: each.points.filter(isInside) } : each,
  )
  return { ...plot, series }
}

/** Coordinates of points as [x, y, x, y, …], with y null for a gap. */
type Coordinates = readonly (number | null)[]

function plotData(plot: Plot, shared: (flat: Coordinates) => number) {
  const { data, ...config } = chartConfig(withoutHidden(plot), tokens, ENLARGED)
  return {
    title: plot.title.split(' ').map(wordParts),
    x: plot.x.label,
    y: plot.y.label,
    labels: plot.series.map(({ label, partOf = label }) => partOf),
    config,
    datasets: data.datasets.map((dataset) => compact(dataset, shared)),
    ticks: { x: ticksOf(plot, 'x'), y: ticksOf(plot, 'y') },
  }
}

/**
 * Returns the lists of ticks among which the page's script chooses for a logarithmic axis, the densest first, and the
 * space that a tick's label needs, in CSS pixels; null for a linear axis.
 */
function ticksOf({ series, ...axes }: Plot, axis: 'x' | 'y') {
  if (axes[axis].scale !== 'log') return null
  const shown = series.flatMap(({ points, band = [] }) => [
    ...points.map((point) => point[axis]),
    ...band.flatMap(({ x, low, high }) => (axis === 'x' ? [x] : [low, high])),
  ])
  const values = shown.filter((value) => value !== null && value > 0 && isWithin(value, axes[axis])) as number[]
  if (values.length === 0) return null
  // More on each side, since the axis extends to its next tick: a decade, or where there is less than one, half.
  const [low, high] = extent(values)
  const beyond = high / low < 10 / 1.5 ** 2 ? 1.5 : 10
  const choices = tickChoices(low / beyond, high * beyond)
  return {
    room: ENLARGED * fontSize.tick * labelRoom(axis, choices),
    choices: choices.map((ticks) => ticks.map((value) => [value, tickLabel(value)])),
  }
}

/**
 * Returns a Chart.js dataset in a compact form: its coordinates, or the index of a large cloud among those of the
 * figure, and the points' notes by the index of the point.
 * @param shared returns the index of a cloud
 */
function compact({ data, ...dataset }: ChartDataset<'scatter'>, shared: (flat: Coordinates) => number) {
  const points = data as unknown as readonly { readonly x: number; readonly y: number; readonly note?: string }[]
  const isCloud = points.length > MANY_POINTS
  const round = (value: number) => (isCloud ? Number(value.toFixed(CLOUD_DIGITS)) : value)
  const flat = points.flatMap(({ x, y }) => [round(x), Number.isFinite(y) ? round(y) : null])
  return {
    ...dataset,
    ...(isCloud ? { cloud: shared(flat) } : { flat }),
    notes: Object.fromEntries(points.flatMap(({ note }, i) => (note === undefined ? [] : [[i, note]]))),
  }
}
