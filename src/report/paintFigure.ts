/** A laid-out figure on a canvas. */
import type { SKRSContext2D } from '@napi-rs/canvas'
import {
  Chart,
  Filler,
  LinearScale,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Title,
} from 'chart.js'
import { chartConfig, fontSize } from './chart.ts'
import { lightTheme } from './drawing.ts'
import type { Plot } from './figure.ts'
import { paintDrawing, paintText } from './paintDrawing.ts'
import { type Layout, LEGEND_LINE, type LegendEntry } from './pictureLayout.ts'

Chart.register(Filler, LinearScale, LineElement, LogarithmicScale, PointElement, ScatterController, Title)

/** @param scale device units a CSS px */
export function paintFigure(
  context: SKRSContext2D,
  { width, height, legend, places, drawings }: Layout,
  scale: number,
): void {
  context.scale(scale, scale)
  context.fillStyle = lightTheme.paper
  context.fillRect(0, 0, width, height)
  for (const entry of legend) paintLegendEntry(context, entry)
  for (const { panel, x, y, width, height } of places) {
    context.save()
    context.translate(x, y)
    if (panel.kind === 'plot') paintPlot(context, panel, width, height)
    else paintDrawing(context, panel, drawings)
    context.restore()
  }
}

function paintLegendEntry(context: SKRSContext2D, { series: { label, look, form }, x, y }: LegendEntry): void {
  const middle = y + LEGEND_LINE / 2
  context.strokeStyle = look.colour
  context.fillStyle = look.colour
  context.lineWidth = 1.8
  context.beginPath()
  if (form === 'line' || form === 'steps') {
    context.setLineDash([...look.dash])
    context.moveTo(x, middle)
    context.lineTo(x + 18, middle)
    context.stroke()
    context.setLineDash([])
  } else {
    context.arc(x + 9, middle, 3, 0, 2 * Math.PI)
    context.fill()
  }
  paintText(context, {
    kind: 'text',
    x: x + 22,
    y: middle,
    text: label,
    align: 'left',
    size: fontSize.label,
    colour: 'ink',
  })
}

/** Chart.js thinks that it has a canvas of its own; its transformations are kept relative to where the panel stands. */
function paintPlot(context: SKRSContext2D, plot: Plot, width: number, height: number): void {
  const canvas = { width, height, style: {}, getContext: () => panelContext }
  const base = context.getTransform()
  const own: Partial<Record<string | symbol, unknown>> = {
    canvas,
    clearRect: () => undefined,
    resetTransform: () => context.setTransform(base),
    setTransform: () => context.setTransform(base),
  }
  const panelContext: SKRSContext2D = new Proxy(context, {
    get: (target, key) => {
      if (key in own) return own[key]
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  })
  const config = chartConfig(plot, lightTheme)
  const options = { ...config.options, devicePixelRatio: 1 }
  new Chart(canvas as unknown as HTMLCanvasElement, { ...config, options }).destroy()
}
