/** Renders figures as PNG, SVG or PDF at the width of a paper's column, with Chart.js on the Skia canvas. */
import { createCanvas, GlobalFonts, PDFDocument, type SKRSContext2D, SvgExportFlag } from '@napi-rs/canvas'
import { unknownName } from '../../core/names.ts'
import { printable } from '../../core/plainText.ts'
import type { Figure } from './figure.ts'
import { type Bitmaps, layOut, paintFigure } from './paintFigure.ts'
import { fontFiles } from './theme.ts'

const pictureFormats = ['png', 'svg', 'pdf'] as const
export type PictureFormat = (typeof pictureFormats)[number]

/** CSS pixels per millimetre; an inch has 96. */
const PX_PER_MM = 96 / 25.4
const POINTS_PER_PX = 72 / 96
const PNG_DPI = 300

/** Widths of pictures for a single column and for both columns of a two-column paper, in mm. */
const columnWidth = { single: 85, double: 178 }

/**
 * Largest width, in CSS pixels, of a drawing that fits into a single column. At this width the drawing is shrunk until
 * its 8 pt letters are 6 pt.
 */
const WIDEST_IN_COLUMN = (columnWidth.single * PX_PER_MM * 8) / 6

/**
 * Returns a figure as the bytes of a picture file.
 * @param widthMm width of the picture in mm; absent: 85, or 178 for panels side by side and for wide drawings
 */
export const renderFigure = (figure: Figure, format: PictureFormat, widthMm?: number): Buffer =>
  renderFormats(figure, [format], widthMm)[format]

/** Returns a figure as the bytes of one picture file in each format. What the formats share is painted once. */
export function renderFormats<Format extends PictureFormat>(
  figure: Figure,
  formats: readonly Format[],
  widthMm?: number,
): Readonly<Record<Format, Buffer>> {
  registerFonts()
  const width = (widthMm ?? (isWide(figure) ? columnWidth.double : columnWidth.single)) * PX_PER_MM
  const layout = layOut(withPlainText(figure), width)
  const bitmaps: Bitmaps = new Map()
  const paint = (context: SKRSContext2D, scale: number) => paintFigure(context, layout, scale, bitmaps)
  const files = formats.map((format) => [format, renderers[format](width, layout.height, paint)])
  return Object.fromEntries(files)
}

/**
 * Returns a figure's data with control characters and unpaired surrogates escaped in all texts, since the canvas
 * refuses them.
 */
function withPlainText<T>(data: T): T {
  if (typeof data === 'string') return printable(data) as T
  if (Array.isArray(data)) return data.map(withPlainText) as T
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, withPlainText(value)])) as T
}

/** Returns whether a figure needs both columns of a paper, since its letters would be too small in a single one. */
const isWide = ({ columns, panels }: Figure): boolean =>
  columns > 1 || panels.some((panel) => panel.kind === 'drawing' && panel.width > WIDEST_IN_COLUMN)

/**
 * Returns the picture format (PNG, SVG or PDF) that the ending of a file's path names. @throws BenchError
 * `unknown-name`
 */
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
  return Buffer.from(withShortPaths(canvas.getContent().toString('utf8')))
}

/**
 * Returns an SVG whose paths have coordinates with two decimals, in pixels of 1/96 inch: finer than any print, and the
 * outlines of letters take a third less space.
 */
const withShortPaths = (text: string): string =>
  text.replace(/ d="[^"]*"/g, (path) =>
    path.replace(/-?\d+\.\d{3,}(?:e[-+]?\d+)?/g, (number) => String(Math.round(100 * Number(number)) / 100)),
  )

function pdf(width: number, height: number, paint: Paint): Buffer {
  const document = new PDFDocument()
  const page = document.beginPage(width * POINTS_PER_PX, height * POINTS_PER_PX)
  paint(page as SKRSContext2D, POINTS_PER_PX)
  document.endPage()
  return document.close()
}

const renderers: Readonly<Record<PictureFormat, (width: number, height: number, paint: Paint) => Buffer>> = {
  png,
  svg,
  pdf,
}

let registered = false

function registerFonts(): void {
  if (registered) return
  for (const { family, bytes } of fontFiles()) GlobalFonts.register(bytes, family)
  registered = true
}
