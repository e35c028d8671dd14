/** Drawings and words on a canvas. */
import { Path2D, type SKRSContext2D } from '@napi-rs/canvas'
import { fontFamily } from './chart.ts'
import { colourOf, type Drawing, lightTheme, type Shape } from './drawing.ts'

/** Scaled down where it is wider than there is room. */
export function paintDrawing(context: SKRSContext2D, drawing: Drawing, width: number): void {
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

export function paintText(
  context: SKRSContext2D,
  { x, y, text, align, size, bold, colour }: Shape & { kind: 'text' },
): void {
  context.font = font(size, bold)
  context.textAlign = align
  context.textBaseline = 'alphabetic'
  context.fillStyle = colourOf(colour, lightTheme)
  context.fillText(text, x, y + 0.33 * size)
}

export const font = (size: number, bold = false) => `${bold ? '600 ' : ''}${size}px ${fontFamily}`
