/** Figures as PNG, SVG or PDF: Chart.js and our own drawings on Skia's canvas, at the width of a paper's column. */
import { createCanvas, GlobalFonts, Path2D, PDFDocument, type SKRSContext2D, SvgExportFlag } from '@napi-rs/canvas'
import {
  Chart,
  Filler,
  LinearScale,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Title,
} from 'chart.js'
import { unknownName } from '../core/names.ts'
import { chartConfig, fontFamily, fontSize } from './chart.ts'
import { colourOf, type Drawing, lightTheme, type Shape } from './drawing.ts'
import type { Figure, Panel, Plot, Series } from './figure.ts'
import { fontFiles } from './fonts.ts'

export const pictureFormats = ['png', 'svg', 'pdf'] as const
export type PictureFormat = (typeof pictureFormats)[number]

/** CSS px: 96 to the inch. */
const PX_PER_MM = 96 / 25.4
const POINTS_PER_PX = 72 / 96
const PNG_DPI = 300

/** Widths of papers' columns, in mm. */
export const columnWidth = { single: 85, double: 178 }

const ASPECT = 0.74
const GAP = 12
const LEGEND_LINE = 15

/** @param widthMm 85 for figures of one panel, 178 for small multiples, where absent */
export function renderFigure(figure: Figure, format: PictureFormat, widthMm?: number): Buffer {
  registerOnce()
  const width = (widthMm ?? (figure.columns > 1 ? columnWidth.double : columnWidth.single)) * PX_PER_MM
  const layout = layOut(figure, width)
  const paint = (context: SKRSContext2D, scale: number) => paintFigure(context, layout, scale)
  switch (format) {
    case 'png':
      return png(width, layout.height, paint)
    case 'svg':
      return svg(width, layout.height, paint)
    case 'pdf':
      return pdf(width, layout.height, paint)
  }
}

/** The format that a file's ending names. @throws BenchError `unknown-name` */
export function pictureFormat(path: string): PictureFormat {
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  const format = pictureFormats.find((known) => known === ending)
  if (format === undefined) throw unknownName('picture format', ending, pictureFormats)
  return format
}

type Paint = (context: SKRSContext2D, scale: number) => void

function png(width: number, height: number, paint: Paint): Buffer {
  const scale = PNG_DPI / 96
  const canvas = createCanvas(Math.round(width * scale), Math.round(height * scale))
  paint(canvas.getContext('2d'), scale)
  return canvas.toBuffer('image/png')
}

function svg(width: number, height: number, paint: Paint): Buffer {
  const canvas = createCanvas(Math.round(width), Math.round(height), SvgExportFlag.ConvertTextToPaths)
  paint(canvas.getContext('2d'), 1)
  return canvas.getContent()
}

function pdf(width: number, height: number, paint: Paint): Buffer {
  const document = new PDFDocument()
  const page = document.beginPage(width * POINTS_PER_PX, height * POINTS_PER_PX)
  paint(page as SKRSContext2D, POINTS_PER_PX)
  document.endPage()
  return document.close()
}

interface Place {
  readonly panel: Panel
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Layout {
  readonly width: number
  readonly height: number
  readonly legend: readonly LegendEntry[]
  readonly places: readonly Place[]
}

interface LegendEntry {
  readonly series: Series
  readonly x: number
  readonly y: number
}

function layOut({ panels, columns }: Figure, width: number): Layout {
  const legend = legendOf(panels, width)
  const cell = (width - GAP * (columns - 1)) / columns
  let y = legend.length === 0 ? 0 : legend[legend.length - 1].y + LEGEND_LINE
  const places: Place[] = []
  for (let start = 0; start < panels.length; start += columns) {
    const row = panels.slice(start, start + columns)
    const height = Math.max(...row.map((panel) => panelHeight(panel, cell)))
    for (const [i, panel] of row.entries()) places.push({ panel, x: i * (cell + GAP), y, width: cell, height })
    y += height + GAP
  }
  return { width, height: y - GAP, legend, places }
}

const panelHeight = (panel: Panel, width: number): number =>
  panel.kind === 'plot' ? width * ASPECT : panel.height * Math.min(1, width / panel.width)

/** One legend for all panels, in lines as wide as the figure. */
function legendOf(panels: readonly Panel[], width: number): LegendEntry[] {
  const named = new Map(
    panels
      .flatMap((panel) => (panel.kind === 'plot' ? panel.series : []))
      .flatMap((series) => (series.unnamed ? [] : [[series.label, series]])),
  )
  if (named.size === 0) return []
  const context = createCanvas(1, 1).getContext('2d')
  context.font = font(fontSize.label)
  let [x, y] = [0, 0]
  return [...named.values()].map((series) => {
    const length = 22 + context.measureText(series.label).width + 12
    if (x > 0 && x + length - 12 > width) [x, y] = [0, y + LEGEND_LINE]
    x += length
    return { series, x: x - length, y }
  })
}

function paintFigure(context: SKRSContext2D, { width, height, legend, places }: Layout, scale: number): void {
  context.scale(scale, scale)
  context.fillStyle = lightTheme.paper
  context.fillRect(0, 0, width, height)
  for (const entry of legend) paintLegendEntry(context, entry)
  for (const { panel, x, y, width, height } of places) {
    context.save()
    context.translate(x, y)
    if (panel.kind === 'plot') paintPlot(context, panel, width, height)
    else paintDrawing(context, panel, width)
    context.restore()
  }
}

function paintLegendEntry(context: SKRSContext2D, { series: { label, look, form }, x, y }: LegendEntry): void {
  const middle = y + LEGEND_LINE / 2
  context.strokeStyle = look.colour
  context.fillStyle = look.colour
  context.lineWidth = 1.8
  context.beginPath()
  if (form === 'line' || form === 'steps') {
    context.setLineDash([...look.dash])
    context.moveTo(x, middle)
    context.lineTo(x + 18, middle)
    context.stroke()
    context.setLineDash([])
  } else {
    context.arc(x + 9, middle, 3, 0, 2 * Math.PI)
    context.fill()
  }
  paintText(context, {
    kind: 'text',
    x: x + 22,
    y: middle,
    text: label,
    align: 'left',
    size: fontSize.label,
    colour: 'ink',
  })
}

/** Chart.js thinks that it has a canvas of its own; its transformations are kept relative to where the panel stands. */
function paintPlot(context: SKRSContext2D, plot: Plot, width: number, height: number): void {
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
  const config = chartConfig(plot, lightTheme)
  const options = { ...config.options, devicePixelRatio: 1 }
  new Chart(canvas as unknown as HTMLCanvasElement, { ...config, options }).destroy()
}

function paintDrawing(context: SKRSContext2D, drawing: Drawing, width: number): void {
  const scale = Math.min(1, width / drawing.width)
  context.translate((width - scale * drawing.width) / 2, 0)
  context.scale(scale, scale)
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

function paintText(context: SKRSContext2D, { x, y, text, align, size, bold, colour }: Shape & { kind: 'text' }): void {
  context.font = font(size, bold)
  context.textAlign = align
  context.textBaseline = 'alphabetic'
  context.fillStyle = colourOf(colour, lightTheme)
  context.fillText(text, x, y + 0.33 * size)
}

const font = (size: number, bold = false) => `${bold ? '600 ' : ''}${size}px ${fontFamily}`

let registered = false

function registerOnce(): void {
  if (registered) return
  Chart.register(Filler, LinearScale, LineElement, LogarithmicScale, PointElement, ScatterController, Title)
  for (const { family, bytes } of fontFiles()) GlobalFonts.register(bytes, family)
  registered = true
}
