/**
 * Lays out the panels and the legend of a figure, and paints them on a canvas: plots with Chart.js, drawings shape by
 * shape.
 */
import { type Canvas, createCanvas, Path2D, type SKRSContext2D } from '@napi-rs/canvas'
import {
  Chart,
  Filler,
  LinearScale,
  LineElement,
  LogarithmicScale,
  type Plugin,
  PointElement,
  ScatterController,
  Title,
} from 'chart.js'
import { drawPoint } from 'chart.js/helpers'
import type { Drawing, Shape } from '../../core/drawing.ts'
import { oneLine } from '../../core/plainText.ts'
import {
  chartConfig,
  fontFamily,
  fontSize,
  isStroked,
  LINE_HEIGHT,
  labelRoom,
  logTicks,
  MARKER_SCALE,
  markerPaint,
  type PlotTexts,
  RIGHT_GAP,
  TITLE_GAP,
  textLines,
  tickChoices,
  tickLabel,
} from './chart.ts'
import type { Figure, Panel, Plot, Series } from './figure.ts'
import { colourOf, lightTheme } from './theme.ts'

Chart.register(Filler, LinearScale, LineElement, LogarithmicScale, PointElement, ScatterController, Title)

/** A series with at least this many points is painted as a bitmap, because as vector shapes it would take megabytes. */
const CLOUD_POINTS = 1000
const CLOUD_DPI = 600
/** Distance in CSS pixels by which a point of a bitmap on the end of an axis may go beyond it. */
const OVERHANG = 1

/** The bitmaps of each plot in the order in which they are painted, so that several picture formats share them. */
export type Bitmaps = Map<Plot, readonly Canvas[]>

/**
 * Returns a Chart.js plugin for one chart that paints the points of large series as bitmaps. Large series that are
 * painted directly after one another share one bitmap.
 * @param bitmaps the bitmaps of this plot are taken from here, or added
 */
function clouds(plot: Plot, bitmaps: Bitmaps): Plugin<'scatter'> {
  const scale = CLOUD_DPI / 96
  const known = bitmaps.get(plot)
  const used: Canvas[] = []
  let image: Canvas | undefined
  function flush(ctx: Chart['ctx']): void {
    if (image === undefined) return
    const target = ctx as unknown as SKRSContext2D
    target.drawImage(image, 0, 0, image.width / scale, image.height / scale)
    image = undefined
  }
  /** Returns an empty bitmap as large as the chart, on which only the area within the axes can be painted. */
  function blank({ width, height, chartArea: { left, top, right, bottom } }: Chart<'scatter'>): Canvas {
    const canvas = createCanvas(Math.ceil(width * scale), Math.ceil(height * scale))
    const own = canvas.getContext('2d')
    own.scale(scale, scale)
    own.beginPath()
    own.rect(left - OVERHANG, top - OVERHANG, right - left + 2 * OVERHANG, bottom - top + 2 * OVERHANG)
    own.clip()
    return canvas
  }
  return {
    id: 'clouds',
    beforeDatasetDraw(chart, { meta }) {
      const { ctx, chartArea } = chart
      if (meta.data.length < CLOUD_POINTS) return flush(ctx)
      if (image === undefined) {
        image = known?.[used.length] ?? blank(chart)
        used.push(image)
      }
      if (known !== undefined) return false
      const own = image.getContext('2d') as unknown as typeof ctx
      for (const point of meta.data as PointElement[]) point.draw(own, chartArea)
      return false
    },
    afterDatasetsDraw({ ctx }) {
      flush(ctx)
      if (used.length > 0) bitmaps.set(plot, used)
    },
  }
}

// Replaces the ticks of Chart.js on logarithmic axes, which do not consider whether their labels have room.
Object.assign(Chart.defaults.scales.logarithmic, {
  afterBuildTicks(scale: LogarithmicScale): void {
    const [length, axis] = scale.isHorizontal() ? ([scale.maxWidth, 'x'] as const) : ([scale.maxHeight, 'y'] as const)
    const room = labelRoom(axis, tickChoices(scale.min, scale.max))
    const ticks = logTicks(scale.min, scale.max, length / (room * fontSize.tick))
    if (ticks.length > 1) scale.ticks = ticks.map((value) => ({ value, major: true }))
  },
})
Chart.defaults.scales.logarithmic.ticks.callback = (value) => tickLabel(Number(value))

/**
 * Paints a laid-out figure on a canvas.
 * @param scale canvas units for each CSS pixel
 * @param bitmaps bitmaps of the same layout that an earlier call has painted
 */
export function paintFigure(
  context: SKRSContext2D,
  { width, height, legend, places, drawings }: Layout,
  scale: number,
  bitmaps: Bitmaps,
): void {
  context.scale(scale, scale)
  context.fillStyle = lightTheme.paper
  context.fillRect(0, 0, width, height)
  for (const entry of legend) paintLegendEntry(context, entry)
  for (const { x, y, ...place } of places) {
    context.save()
    context.translate(x, y)
    if (place.panel.kind === 'plot') paintPlot(context, place.panel, { ...place, bitmaps })
    else paintDrawing(context, place.panel, drawings)
    context.restore()
  }
}

function paintLegendEntry(context: SKRSContext2D, { series, lines, x, y }: LegendEntry): void {
  const { look, form } = series
  const middle = y + LEGEND_LINE / 2
  context.strokeStyle = colourOf(look.colour, lightTheme)
  context.lineWidth = 1.8
  if (form === 'line' || form === 'steps') {
    context.beginPath()
    context.setLineDash([...look.dash])
    context.moveTo(x, middle)
    context.lineTo(x + 18, middle)
    context.stroke()
    context.setLineDash([])
  }
  const isLine = form === 'line' || form === 'steps'
  const paint = markerPaint(series, lightTheme)
  context.fillStyle = paint.fill
  context.strokeStyle = paint.border
  const marker = {
    pointStyle: look.marker,
    radius: (isLine ? 2.2 : form === 'cloud' ? 1.6 : 3.2) * MARKER_SCALE[look.marker],
    borderWidth: isStroked(look.marker) || series.open ? paint.width : 0,
    rotation: 0,
  }
  drawPoint(context as unknown as Parameters<typeof drawPoint>[0], marker, x + 9, middle)
  const style = { align: 'left', size: fontSize.label, colour: 'ink' } as const
  for (const [i, text] of lines.entries()) {
    paintText(context, { kind: 'text', x: x + LEGEND_SAMPLE, y: middle + i * LEGEND_LINE, text, ...style })
  }
}

/**
 * Paints a plot with Chart.js into its panel's part of the canvas. Chart.js gets a proxy of the canvas context whose
 * origin is the corner of the panel, even after Chart.js resets the transformation.
 */
function paintPlot(
  context: SKRSContext2D,
  plot: Plot,
  { width, height, texts, bitmaps }: Omit<Place, 'x' | 'y'> & { readonly bitmaps: Bitmaps },
): void {
  const canvas = { width, height, style: {}, getContext: () => panelContext }
  const base = context.getTransform()
  const own: Partial<Record<string | symbol, unknown>> = {
    canvas,
    clearRect: () => undefined,
    resetTransform: () => context.setTransform(base),
    setTransform: () => context.setTransform(base),
  }
  const panelContext: SKRSContext2D = new Proxy(context, {
    get: (target, key) => {
      if (key in own) return own[key]
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  })
  const config = chartConfig(plot, lightTheme, 1, texts)
  const options = { ...config.options, devicePixelRatio: 1 }
  new Chart(canvas as unknown as HTMLCanvasElement, { ...config, options, plugins: [clouds(plot, bitmaps)] }).destroy()
}

/** Height of a plot's panel divided by its width. */
const ASPECT = 0.74
/** Smallest width of a plot's panel in CSS pixels (38 mm); in narrower panels tick labels and titles would not fit. */
const NARROWEST = 144
const GAP = 12
export const LEGEND_LINE = 15
const LEGEND_INSET = 4
/** Width of the sample of line and marker before a legend entry's text, and the space behind the text. */
const LEGEND_SAMPLE = 22
const LEGEND_GAP = 12
/** Space in CSS pixels that ticks and label take below a plot, and that a panel's right edge and ticks take beside it. */
const BELOW = 33
const BESIDE = 12

export interface Place {
  readonly panel: Panel
  /** The texts of a plot in lines that fit into the panel; absent for a drawing. */
  readonly texts?: PlotTexts
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly legend: readonly LegendEntry[]
  readonly places: readonly Place[]
  readonly drawings: DrawingScale
}

export interface LegendEntry {
  readonly series: Series
  /** The label of the series in lines that are no wider than the figure. */
  readonly lines: readonly string[]
  readonly x: number
  readonly y: number
}

/**
 * Returns the positions of a figure's panels and legend entries. If plots would be too narrow, a row has fewer panels
 * than the figure's `columns`.
 * @param width width of the figure in CSS pixels
 */
export function layOut({ panels, columns: wanted }: Figure, width: number): Layout {
  const legend = legendOf(panels, width)
  const isPlotted = panels.some((panel) => panel.kind === 'plot')
  const most = Math.max(1, Math.floor((width + GAP) / (NARROWEST + GAP)))
  const columns = isPlotted ? Math.min(wanted, most) : wanted
  const cell = (width - GAP * (columns - 1)) / columns
  let y = Math.max(0, ...legend.map((entry) => entry.y + LEGEND_LINE * entry.lines.length))
  const drawings = drawingScale(panels, cell)
  const places: Place[] = []
  for (let start = 0; start < panels.length; start += columns) {
    const row = panels.slice(start, start + columns)
    const titles = titlesOf(row, cell)
    const [{ length: lines }] = titles
    const more = LINE_HEIGHT * fontSize.label * Math.max(0, lines - 1)
    const height = Math.max(...row.map((panel) => panelHeight(panel, cell, drawings) + more))
    for (const [i, panel] of row.entries()) {
      const texts = panel.kind === 'plot' && { texts: textsOf(panel, titles[i], cell, height) }
      places.push({ panel, ...texts, x: i * (cell + GAP), y, width: cell, height })
    }
    y += height + GAP
  }
  return { width, height: y - GAP, legend, places, drawings }
}

/**
 * Returns the titles of the plots in a row in lines that fit into their panels. All have as many lines, the first ones
 * blank if need be, so that the plots stand at one height.
 */
function titlesOf(row: readonly Panel[], width: number): readonly (readonly string[])[] {
  const measure = measureIn(font(fontSize.label, true))
  const titles = row.map((panel) =>
    panel.kind === 'plot' && panel.title !== '' ? textLines(panel.title, width - RIGHT_GAP, measure) : [],
  )
  const most = Math.max(...titles.map((lines) => lines.length))
  return titles.map((lines) => [...Array<string>(most - lines.length).fill(''), ...lines])
}

/** Returns the texts of a plot in lines that fit into its panel. The labels of the axes are centred on the axes. */
function textsOf({ x, y }: Plot, title: readonly string[], width: number, height: number): PlotTexts {
  const measure = measureIn(font(fontSize.label))
  const above = title.length === 0 ? 0 : LINE_HEIGHT * fontSize.label * title.length + TITLE_GAP
  return {
    title,
    x: textLines(x.label, width - BESIDE, measure),
    y: textLines(y.label, height + above - BELOW, measure),
  }
}

/** Returns a function that measures the width of a text in a font, in CSS pixels. */
function measureIn(style: string): (text: string) => number {
  const context = createCanvas(1, 1).getContext('2d')
  context.font = style
  return (text) => context.measureText(text).width
}

function drawingScale(panels: readonly Panel[], width: number): DrawingScale {
  const widest = Math.max(1, ...panels.map((panel) => (panel.kind === 'drawing' ? panel.width : 0)))
  const factor = Math.min(1, width / widest)
  return { factor, margin: (width - factor * widest) / 2 }
}

const panelHeight = (panel: Panel, width: number, { factor }: DrawingScale): number =>
  panel.kind === 'plot' ? width * ASPECT : panel.height * factor

/**
 * Returns the entries of the figure's legend, which all panels share, with positions in lines as wide as the figure.
 */
function legendOf(panels: readonly Panel[], width: number): LegendEntry[] {
  const named = new Map(
    panels
      .flatMap((panel) => (panel.kind === 'plot' ? panel.series : []))
      .flatMap((series) => (series.unnamed ? [] : [[series.label, series]])),
  )
  if (named.size === 0) return []
  const measure = measureIn(font(fontSize.label))
  let [x, y, below] = [LEGEND_INSET, 0, 0]
  return [...named.values()].map((series) => {
    const lines = textLines(series.label, width - LEGEND_INSET - LEGEND_SAMPLE, measure)
    const length = LEGEND_SAMPLE + Math.max(...lines.map(measure)) + LEGEND_GAP
    if (x > LEGEND_INSET && x + length - LEGEND_GAP > width) [x, y] = [LEGEND_INSET, below]
    below = Math.max(below, y + LEGEND_LINE * lines.length)
    x += length
    return { series, lines, x: x - length, y }
  })
}

/** Scale of the drawings in a figure. All drawings have the same scale, so that their letters have the same size. */
export interface DrawingScale {
  /** Number of CSS pixels for each unit of length in a drawing; at most 1. */
  readonly factor: number
  /** Space to the left of each drawing in CSS pixels, which centres the widest drawing in its panel. */
  readonly margin: number
}

export function paintDrawing(context: SKRSContext2D, drawing: Drawing, { factor, margin }: DrawingScale): void {
  context.translate(margin, 0)
  context.scale(factor, factor)
  for (const shape of drawing.shapes) paintShape(context, shape)
}

function paintShape(context: SKRSContext2D, shape: Shape): void {
  switch (shape.kind) {
    case 'path':
      context.strokeStyle = colourOf(shape.colour, lightTheme)
      context.lineWidth = shape.width
      context.setLineDash([...(shape.dash ?? [])])
      context.stroke(new Path2D(shape.path))
      context.setLineDash([])
      return
    case 'fill':
      context.fillStyle = colourOf(shape.colour, lightTheme)
      context.fill(new Path2D(shape.path))
      return
    case 'box':
      context.beginPath()
      context.roundRect(shape.x, shape.y, shape.width, shape.height, shape.radius)
      context.fillStyle = colourOf(shape.fill, lightTheme)
      context.fill()
      context.strokeStyle = colourOf(shape.stroke, lightTheme)
      context.lineWidth = 1
      context.stroke()
      return
    case 'text':
      paintText(context, shape)
  }
}

export function paintText(
  context: SKRSContext2D,
  { x, y, text, align, size, bold, colour }: Shape & { kind: 'text' },
): void {
  context.font = font(size, bold)
  context.textAlign = align
  context.textBaseline = 'alphabetic'
  context.fillStyle = colourOf(colour, lightTheme)
  context.fillText(oneLine(text), x, y + 0.33 * size)
}

export const font = (size: number, bold = false) => `${bold ? '600 ' : ''}${size}px ${fontFamily}`
