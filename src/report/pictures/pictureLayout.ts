/** Where the panels of a figure and its legend stand. */
import { createCanvas } from '@napi-rs/canvas'
import { fontSize } from './chart.ts'
import type { Figure, Panel, Series } from './figure.ts'
import { type DrawingScale, font } from './paintDrawing.ts'

/** Height of a plot over its width. */
const ASPECT = 0.74
const GAP = 12
export const LEGEND_LINE = 15
const LEGEND_INSET = 4

export interface Place {
  readonly panel: Panel
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly legend: readonly LegendEntry[]
  readonly places: readonly Place[]
  readonly drawings: DrawingScale
}

export interface LegendEntry {
  readonly series: Series
  readonly x: number
  readonly y: number
}

/** @param width of the figure, in CSS px */
export function layOut({ panels, columns }: Figure, width: number): Layout {
  const legend = legendOf(panels, width)
  const cell = (width - GAP * (columns - 1)) / columns
  let y = legend.length === 0 ? 0 : legend[legend.length - 1].y + LEGEND_LINE
  const drawings = drawingScale(panels, cell)
  const places: Place[] = []
  for (let start = 0; start < panels.length; start += columns) {
    const row = panels.slice(start, start + columns)
    const height = Math.max(...row.map((panel) => panelHeight(panel, cell, drawings)))
    for (const [i, panel] of row.entries()) places.push({ panel, x: i * (cell + GAP), y, width: cell, height })
    y += height + GAP
  }
  return { width, height: y - GAP, legend, places, drawings }
}

function drawingScale(panels: readonly Panel[], width: number): DrawingScale {
  const widest = Math.max(1, ...panels.map((panel) => (panel.kind === 'drawing' ? panel.width : 0)))
  const factor = Math.min(1, width / widest)
  return { factor, margin: (width - factor * widest) / 2 }
}

const panelHeight = (panel: Panel, width: number, { factor }: DrawingScale): number =>
  panel.kind === 'plot' ? width * ASPECT : panel.height * factor

/** One legend for all panels, in lines as wide as the figure. */
function legendOf(panels: readonly Panel[], width: number): LegendEntry[] {
  const named = new Map(
    panels
      .flatMap((panel) => (panel.kind === 'plot' ? panel.series : []))
      .flatMap((series) => (series.unnamed ? [] : [[series.label, series]])),
  )
  if (named.size === 0) return []
  const context = createCanvas(1, 1).getContext('2d')
  context.font = font(fontSize.label)
  let [x, y] = [LEGEND_INSET, 0]
  return [...named.values()].map((series) => {
    const length = 22 + context.measureText(series.label).width + 12
    if (x > LEGEND_INSET && x + length - 12 > width) [x, y] = [LEGEND_INSET, y + LEGEND_LINE]
    x += length
    return { series, x: x - length, y }
  })
}
