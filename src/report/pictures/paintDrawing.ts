/** Drawings and words on a canvas. */
import { Path2D, type SKRSContext2D } from '@napi-rs/canvas'
import type { Drawing, Shape } from '../../core/drawing.ts'
import { oneLine } from '../../core/plainText.ts'
import { fontFamily } from './chart.ts'
import { colourOf, lightTheme } from './drawing.ts'

/** One for all drawings of a figure, so that their letters are of one size. */
export interface DrawingScale {
  /** CSS px a length of a drawing; at most 1. */
  readonly factor: number
  /** Room left of each drawing: the widest stands in the middle of its panel. */
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
