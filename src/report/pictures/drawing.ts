/** Line drawings as data, for what no chart library draws: cells and critical differences. Lengths are CSS px. */

export interface Drawing {
  readonly kind: 'drawing'
  readonly title: string
  readonly width: number
  readonly height: number
  readonly shapes: readonly Shape[]
}

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
      /** Of the middle of the letters. */
      readonly y: number
      readonly text: string
      readonly align: 'left' | 'center' | 'right'
      readonly size: number
      readonly bold?: boolean
      readonly colour: Ink
    }

/** A colour of the theme, or one of the palette. */
export type Ink = 'ink' | 'faint' | 'paper' | 'tint' | `#${string}`

/** A theme's colours. */
export type Theme = Readonly<Record<'ink' | 'faint' | 'paper' | 'tint' | 'grid', string>>

export const lightTheme: Theme = {
  ink: '#1c1e21',
  faint: '#6b7076',
  paper: '#ffffff',
  tint: '#eef2f6',
  grid: '#e3e6ea',
}

/** The colour that an ink stands for. */
export const colourOf = (ink: Ink, theme: Theme): string => (ink.startsWith('#') ? ink : theme[ink as keyof Theme])
