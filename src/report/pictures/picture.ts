/** Figures as PNG, SVG or PDF: Chart.js and our own drawings on Skia's canvas, at the width of a paper's column. */
import { createCanvas, GlobalFonts, PDFDocument, type SKRSContext2D, SvgExportFlag } from '@napi-rs/canvas'
import { unknownName } from '../../core/names.ts'
import { printable } from '../../core/plainText.ts'
import type { Figure } from './figure.ts'
import { fontFiles } from './fonts.ts'
import { paintFigure } from './paintFigure.ts'
import { layOut } from './pictureLayout.ts'

const pictureFormats = ['png', 'svg', 'pdf'] as const
export type PictureFormat = (typeof pictureFormats)[number]

/** CSS px: 96 to the inch. */
const PX_PER_MM = 96 / 25.4
const POINTS_PER_PX = 72 / 96
const PNG_DPI = 300

/** Widths of papers' columns, in mm. */
const columnWidth = { single: 85, double: 178 }

/** In CSS px: letters of 8 pt are then no smaller than 6. */
const WIDEST_IN_COLUMN = (columnWidth.single * PX_PER_MM * 8) / 6

/** @param widthMm 85 for figures of one panel, 178 for small multiples and wide drawings, where absent */
export function renderFigure(figure: Figure, format: PictureFormat, widthMm?: number): Buffer {
  registerFonts()
  const width = (widthMm ?? (isWide(figure) ? columnWidth.double : columnWidth.single)) * PX_PER_MM
  const layout = layOut(withPlainText(figure), width)
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

/** The same data with all texts made safe: the canvas takes no control characters and no halves of characters. */
function withPlainText<T>(data: T): T {
  if (typeof data === 'string') return printable(data) as T
  if (Array.isArray(data)) return data.map(withPlainText) as T
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, withPlainText(value)])) as T
}

/** Whether letters would be too small in one column. */
const isWide = ({ columns, panels }: Figure): boolean =>
  columns > 1 || panels.some((panel) => panel.kind === 'drawing' && panel.width > WIDEST_IN_COLUMN)

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

let registered = false

function registerFonts(): void {
  if (registered) return
  for (const { family, bytes } of fontFiles()) GlobalFonts.register(bytes, family)
  registered = true
}
