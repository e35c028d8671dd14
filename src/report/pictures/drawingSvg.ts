/** Renders drawings, such as those of cells, as SVG text. */

import type { Drawing, Shape } from '../../core/drawing.ts'
import { printable } from '../../core/plainText.ts'
import { fontFamily } from './chart.ts'
import { colourOf, lightTheme, type Theme } from './theme.ts'

/**
 * Returns a drawing as an SVG document.
 * @param theme colours of the drawing; they may be CSS variables, so that the drawing follows the theme of an HTML page
 */
export function drawingSvg({ title, width, height, shapes }: Drawing, theme: Theme = lightTheme): string {
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`
  const name = title === '' ? '' : `<title>${escaped(title)}</title>`
  const body = shapes.map((shape) => shapeSvg(shape, theme)).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" font-family="${escaped(fontFamily)}">${name}\n${body}\n</svg>\n`
}

/**
 * Returns one SVG document with several drawings, row by row.
 * @param columns number of drawings side by side
 */
export function stackedSvg(drawings: readonly Drawing[], theme: Theme = lightTheme, columns = 1): string {
  const cell = Math.max(...drawings.map((drawing) => drawing.width)) + STACK_GAP
  let height = 0
  const parts: string[] = []
  for (let start = 0; start < drawings.length; start += columns) {
    const row = drawings.slice(start, start + columns)
    for (const [i, drawing] of row.entries()) {
      parts.push(`<g transform="translate(${round(i * cell)} ${round(height)})">\n${drawingSvg(drawing, theme)}</g>`)
    }
    height += Math.max(...row.map((drawing) => drawing.height)) + STACK_GAP
  }
  const width = cell * Math.min(columns, drawings.length) - STACK_GAP
  const size = `width="${round(width)}" height="${round(height - STACK_GAP)}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${parts.join('\n')}\n</svg>\n`
}

const STACK_GAP = 16

function shapeSvg(shape: Shape, theme: Theme): string {
  const colour = (ink: Parameters<typeof colourOf>[0]) => colourOf(ink, theme)
  switch (shape.kind) {
    case 'path': {
      const dash = shape.dash ? ` stroke-dasharray="${shape.dash.join(' ')}"` : ''
      return `<path d="${shape.path}" fill="none" stroke="${colour(shape.colour)}" stroke-width="${shape.width}"${dash}/>`
    }
    case 'fill':
      return `<path d="${shape.path}" fill="${colour(shape.colour)}"/>`
    case 'box': {
      const { x, y, width, height, radius } = shape
      const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${radius}"`
      return `<rect ${place} fill="${colour(shape.fill)}" stroke="${colour(shape.stroke)}"/>`
    }
    case 'text': {
      const anchor = { left: 'start', center: 'middle', right: 'end' }[shape.align]
      const weight = shape.bold ? ' font-weight="600"' : ''
      const place = `x="${round(shape.x)}" y="${round(shape.y)}" dy="0.33em" text-anchor="${anchor}"`
      return `<text ${place} font-size="${shape.size}"${weight} fill="${colour(shape.colour)}">${escaped(shape.text)}</text>`
    }
  }
}

const round = (value: number) => Math.round(100 * value) / 100

/** Returns a text with the special characters of SVG and HTML escaped, for content and for quoted attributes. */
export const escaped = (text: string): string =>
  printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
