/** A plot as a Chart.js configuration: plain data, the same for pictures and for the interactive page. */
import type { ChartConfiguration, ChartDataset } from 'chart.js'
import type { Theme } from './drawing.ts'
import type { Axis, Plot, Series } from './figure.ts'

/** Letter sizes in CSS px: 8 pt and 7 pt. */
export const fontSize = { label: 10.67, tick: 9.33 }
export const fontFamily = '"Bench Sans", "Bench Sans Greek", "Source Sans 3", system-ui, sans-serif'

const BAND_OPACITY = '2e'

/** @param enlarged factor on letters, lines and markers: pages are read from further away than columns of a paper */
export function chartConfig({ title, x, y, series }: Plot, theme: Theme, enlarged = 1): ChartConfiguration<'scatter'> {
  return {
    type: 'scatter',
    data: { datasets: datasetsOf(series, theme, enlarged) },
    options: {
      animation: false,
      // Chart.js writes numbers as the machine's language does, unless it is told.
      locale: 'en-US',
      responsive: false,
      maintainAspectRatio: false,
      layout: { padding: { right: 6, top: title === '' ? 4 : 0 } },
      plugins: {
        legend: { display: false },
        title: {
          display: title !== '',
          text: title,
          color: theme.ink,
          padding: { top: 0, bottom: 4 },
          font: { family: fontFamily, size: enlarged * fontSize.label, weight: 600 },
        },
      },
      scales: { x: scaleOf(x, theme, enlarged), y: scaleOf(y, theme, enlarged) },
    },
  }
}

/** Chart.js paints the first dataset last: lines over bands, later series over earlier ones. */
function datasetsOf(series: readonly Series[], theme: Theme, enlarged: number): ChartDataset<'scatter'>[] {
  const lines = series.map((line, i) => lineOf(line, i, theme, enlarged))
  return [...lines.reverse(), ...series.flatMap(bandOf)]
}

/** Two invisible lines, the second filled down to the first. */
function bandOf({ band = [], look, form }: Series, index: number): ChartDataset<'scatter'>[] {
  if (!band.some(({ low, high }) => low !== null && high !== null && high > low)) return []
  const edge = {
    series: index,
    showLine: true,
    borderWidth: 0,
    pointRadius: 0,
    pointHitRadius: 0,
    stepped: form === 'steps',
  }
  return [
    { ...edge, data: band.map(({ x, low }) => ({ x, y: low ?? Number.NaN })), fill: false },
    {
      ...edge,
      data: band.map(({ x, high }) => ({ x, y: high ?? Number.NaN })),
      fill: '-1',
      backgroundColor: look.colour + BAND_OPACITY,
    },
  ]
}

function lineOf(
  { label, look, form, points, unnamed }: Series,
  index: number,
  theme: Theme,
  enlarged: number,
): ChartDataset<'scatter'> {
  const isLine = form === 'line' || form === 'steps'
  const cloud = form === 'cloud'
  const marked = points.length <= 12 && !unnamed
  return {
    series: index,
    label,
    data: points.map(({ x, y, note }) => ({ x, y: y ?? Number.NaN, note })),
    showLine: isLine,
    stepped: form === 'steps',
    spanGaps: false,
    borderColor: isLine ? look.colour : theme.paper,
    borderWidth: enlarged * (unnamed ? 0.9 : isLine ? 1.6 : cloud ? 0 : 0.7),
    borderDash: [...look.dash],
    backgroundColor: look.colour,
    pointStyle: look.marker,
    pointRadius: enlarged * (isLine ? (marked ? 2 : 0) : cloud ? 1 : 3.2),
    pointBorderWidth: look.marker === 'crossRot' ? 1.4 : isLine || cloud ? 0 : 0.7,
    pointBorderColor: look.marker === 'crossRot' ? look.colour : theme.paper,
    pointHoverRadius: 4,
    pointHitRadius: 6,
  } as ChartDataset<'scatter'>
}

function scaleOf({ label, scale, whole, atLeast }: Axis, theme: Theme, enlarged: number) {
  return {
    type: scale === 'log' ? ('logarithmic' as const) : ('linear' as const),
    ...(atLeast && { suggestedMin: atLeast[0], suggestedMax: atLeast[1] }),
    title: {
      display: true,
      text: label,
      color: theme.ink,
      padding: 2,
      font: { family: fontFamily, size: enlarged * fontSize.label },
    },
    grid: { color: theme.grid, tickLength: 3, lineWidth: 0.6 },
    border: { color: theme.faint, width: 0.6 },
    ticks: {
      color: theme.faint,
      maxRotation: 0,
      autoSkipPadding: 10,
      padding: 2,
      ...(whole && { precision: 0 }),
      font: { family: fontFamily, size: enlarged * fontSize.tick },
    },
  }
}
