/**
 * A line drawing as data: boxes, paths and texts. Search spaces use it for pictures of their cells, and reports for
 * figures that the chart library cannot draw. Lengths are CSS pixels.
 */

/** A picture as a list of shapes, drawn in order. */
export interface Drawing {
  readonly kind: 'drawing'
  readonly title: string
  readonly width: number
  readonly height: number
  readonly shapes: readonly Shape[]
}

/** A shape of a drawing: a stroked path, a filled path, a box, or a text. */
export type Shape =
  | {
      readonly kind: 'path'
      readonly path: string
      readonly colour: Ink
      readonly width: number
      readonly dash?: readonly number[]
    }
  | { readonly kind: 'fill'; readonly path: string; readonly colour: Ink }
  | {
      readonly kind: 'box'
      readonly x: number
      readonly y: number
      readonly width: number
      readonly height: number
      readonly radius: number
      readonly fill: Ink
      readonly stroke: Ink
    }
  | {
      readonly kind: 'text'
      readonly x: number
      /** Vertical position of the text in the drawing: the y of the middle of its letters. */
      readonly y: number
      readonly text: string
      readonly align: 'left' | 'center' | 'right'
      readonly size: number
      readonly bold?: boolean
      readonly colour: Ink
    }

/**
 * A colour in a drawing or a plot: one that the theme defines by name, or a fixed colour such as `#1f77b4`. `behind` is
 * for lines in the background of others, `cloud` for the points of all architectures of a lookup table.
 */
export type Ink = 'ink' | 'faint' | 'paper' | 'tint' | 'grid' | 'behind' | 'cloud' | `#${string}`

/** Font size of the labels inside a drawn cell, in CSS pixels. */
export const LABEL_SIZE = 10.67

/** Returns a bold title at the top left of a drawing; an empty list for an empty title. */
export const heading = (text: string): Shape[] =>
  text === '' ? [] : [{ kind: 'text', x: 0, y: 8, text, align: 'left', size: LABEL_SIZE, bold: true, colour: 'ink' }]

/**
 * Largest width of the letters of the figures' font, divided by the font size: of narrow letters, wide ones, capitals, and
 * the other Latin and Greek ones.
 */
const LETTERS = [
  [/[fijlrtI .,:;()'!|/-]/, 0.38],
  [/[mwMW%@—]/, 0.88],
  [/[A-Z&Α-Ω]/, 0.7],
  [/[ -ʯΆ-ώ]/, 0.58],
] as const

/** Returns a width in CSS pixels that a text does not exceed, whether it is bold or not. */
export const textRoom = (text: string, size: number = LABEL_SIZE): number =>
  size * [...text].reduce((sum, letter) => sum + (LETTERS.find(([letters]) => letters.test(letter))?.[1] ?? 1), 0)
