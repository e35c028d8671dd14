/**
 * A line drawing as data: boxes, paths and texts. Spaces draw their cells in it, and reports draw what no chart library
 * has. Lengths are CSS pixels.
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
      /** The y of the middle of the letters. */
      readonly y: number
      readonly text: string
      readonly align: 'left' | 'center' | 'right'
      readonly size: number
      readonly bold?: boolean
      readonly colour: Ink
    }

/** A colour of the theme, or one of the palette. */
export type Ink = 'ink' | 'faint' | 'paper' | 'tint' | `#${string}`

/** The font size of labels inside a cell. */
export const LABEL_SIZE = 10.67

/** A bold title at the top left of a drawing; no shape for an empty title. */
export const heading = (text: string): Shape[] =>
  text === '' ? [] : [{ kind: 'text', x: 0, y: 8, text, align: 'left', size: LABEL_SIZE, bold: true, colour: 'ink' }]
