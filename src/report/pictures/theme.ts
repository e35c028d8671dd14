/**
 * Colours and fonts of figures. The font files are part of the package, so that a picture looks the same on every
 * machine.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Ink } from '../../core/drawing.ts'

/**
 * The colours of a figure in a light or a dark theme, as CSS colours: text, faint text, background, tinted areas, grid
 * lines, lines behind others, and clouds of points.
 */
export type Theme = Readonly<Record<Exclude<Ink, `#${string}`>, string>>

export const lightTheme: Theme = {
  ink: '#1c1e21',
  faint: '#6b7076',
  paper: '#ffffff',
  tint: '#eef2f6',
  grid: '#e3e6ea',
  behind: '#b9bfc6',
  cloud: '#9aa6b2',
}

/**
 * Returns the CSS colour of a shape, line or marker: a hexadecimal colour as it is, and the name of a theme's colour looked
 * up in the theme.
 */
export const colourOf = (ink: Ink, theme: Theme): string => (ink.startsWith('#') ? ink : theme[ink as keyof Theme])

const SCRIPTS = { 'Bench Sans': 'latin', 'Bench Sans Greek': 'greek' } as const
const WEIGHTS = [400, 600] as const

export interface FontFile {
  readonly family: keyof typeof SCRIPTS
  readonly weight: (typeof WEIGHTS)[number]
  /** Content of the WOFF2 font file. */
  readonly bytes: Buffer
}

/**
 * Returns the font files of figures: Source Sans 3, Latin and Greek, regular and semibold (SIL Open Font License 1.1).
 */
export function fontFiles(): readonly FontFile[] {
  const require = createRequire(import.meta.url)
  return Object.entries(SCRIPTS).flatMap(([family, script]) =>
    WEIGHTS.map((weight) => {
      const path = require.resolve(`@fontsource/source-sans-3/files/source-sans-3-${script}-${weight}-normal.woff2`)
      return { family: family as FontFile['family'], weight, bytes: readFileSync(path) }
    }),
  )
}
