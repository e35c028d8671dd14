/** A figure as HTML, and the data from which the page's script draws it. */
import type { ChartDataset } from 'chart.js'
import { chartConfig } from '../pictures/chart.ts'
import type { Drawing, Theme } from '../pictures/drawing.ts'
import { drawingSvg, escaped } from '../pictures/drawingSvg.ts'
import type { Figure, Panel, Plot, Series } from '../pictures/figure.ts'

/** Colours that the page's script replaces by the theme's. */
const tokens: Theme = { ink: '@ink', faint: '@faint', paper: '@paper', tint: '@tint', grid: '@grid' }
const variables: Theme = {
  ink: 'var(--ink)',
  faint: 'var(--faint)',
  paper: 'var(--paper)',
  tint: 'var(--tint)',
  grid: 'var(--grid)',
}

const CLOUD_DIGITS = 3
const ENLARGED = 1.25

export function figureHtml(figure: Figure, index: number): string {
  const { name, caption, panels, columns } = figure
  const kind = panels.length === 1 ? ' class="single"' : ''
  return [
    `<figure id="figure-${name}"${kind}>`,
    legendHtml(panels),
    `<div class="panels" style="--columns:${columns}">`,
    ...panels.map((panel, i) => panelHtml(panel, index, i)),
    `</div><figcaption>${escaped(caption)}</figcaption></figure>`,
  ].join('\n')
}

/** For the script: one entry a panel, points as flat numbers. */
export function figureData({ panels }: Figure): { readonly panels: readonly (object | null)[] } {
  return {
    panels: panels.map((panel) => (panel.kind === 'plot' ? plotData(panel) : null)),
  }
}

function panelHtml(panel: Panel, figure: number, index: number): string {
  if (panel.kind === 'drawing') return drawingHtml(panel)
  const label = escaped(`${panel.title} ${panel.y.label} over ${panel.x.label}`.trim())
  return `<div class="plot"><canvas data-figure="${figure}" data-panel="${index}" role="img" aria-label="${label}"></canvas></div>`
}

const drawingHtml = (drawing: Drawing) => `<div class="drawing">${drawingSvg(drawing, variables)}</div>`

function legendHtml(panels: readonly Panel[]): string {
  const series = panels
    .flatMap((panel) => (panel.kind === 'plot' ? panel.series : []))
    .filter(({ unnamed }) => !unnamed)
  const named = new Map(series.map((entry) => [entry.label, entry]))
  if (named.size === 0) return ''
  return `<div class="legend">${[...named.values()].map(legendEntry).join('')}</div>`
}

function legendEntry({ label, look, form }: Series): string {
  const sample =
    form === 'line' || form === 'steps'
      ? `<path d="M0 6H22" stroke="${look.colour}" stroke-width="2.4" stroke-dasharray="${look.dash.join(' ')}"/>`
      : `<circle cx="11" cy="6" r="4" fill="${look.colour}"/>`
  const name = escaped(label)
  return `<button type="button" aria-pressed="true" data-label="${name}"><svg width="22" height="12" aria-hidden="true">${sample}</svg>${name}</button>`
}

function plotData(plot: Plot) {
  const { data, ...config } = chartConfig(plot, tokens, ENLARGED)
  return {
    x: plot.x.label,
    y: plot.y.label,
    labels: plot.series.map(({ label }) => label),
    config,
    datasets: data.datasets.map(compact),
  }
}

/** Points as [x, y, x, y, …], with notes by position; a gap is null. */
function compact({ data, ...dataset }: ChartDataset<'scatter'>) {
  const points = data as unknown as readonly { readonly x: number; readonly y: number; readonly note?: string }[]
  const round = (value: number) => (points.length > 1000 ? Number(value.toFixed(CLOUD_DIGITS)) : value)
  return {
    ...dataset,
    flat: points.flatMap(({ x, y }) => [round(x), Number.isFinite(y) ? round(y) : null]),
    notes: Object.fromEntries(points.flatMap(({ note }, i) => (note === undefined ? [] : [[i, note]]))),
  }
}
