/** The colours of drawings in a light or a dark theme. */
import type { Ink } from '../../core/drawing.ts'

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
