/** A laid-out figure on a canvas. */
import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas'
import {
  Chart,
  Filler,
  LinearScale,
  LineElement,
  LogarithmicScale,
  type Plugin,
  PointElement,
  ScatterController,
  Title,
} from 'chart.js'
import { drawPoint } from 'chart.js/helpers'
import { chartConfig, fontSize } from './chart.ts'
import { lightTheme } from './drawing.ts'
import type { Plot } from './figure.ts'
import { LABEL_ROOM, logTicks, tickLabel } from './logTicks.ts'
import { paintDrawing, paintText } from './paintDrawing.ts'
import { type Layout, LEGEND_LINE, type LegendEntry } from './pictureLayout.ts'

Chart.register(Filler, LinearScale, LineElement, LogarithmicScale, PointElement, ScatterController, Title)

/** From so many points on, a drawing of lines would be of many megabytes; and pixels so fine are not seen. */
const CLOUD_POINTS = 1000
const CLOUD_DPI = 600

/** Draws the points of a cloud as one image within the drawing. */
const clouds: Plugin<'scatter'> = {
  id: 'clouds',
  beforeDatasetDraw({ ctx, width, height, chartArea }, { meta }) {
    if (meta.data.length < CLOUD_POINTS) return
    const scale = CLOUD_DPI / 96
    const image = createCanvas(Math.ceil(width * scale), Math.ceil(height * scale))
    const context = image.getContext('2d')
    context.scale(scale, scale)
    const own = context as unknown as typeof ctx
    for (const point of meta.data as PointElement[]) point.draw(own, chartArea)
    const target = ctx as unknown as SKRSContext2D
    target.drawImage(image, 0, 0, image.width / scale, image.height / scale)
    return false
  },
}

/** Chart.js labels logarithmic axes by their position in the decade, whether there is room or not. */
Object.assign(Chart.defaults.scales.logarithmic, {
  afterBuildTicks(scale: LogarithmicScale): void {
    const [length, room] = scale.isHorizontal() ? [scale.maxWidth, LABEL_ROOM.x] : [scale.maxHeight, LABEL_ROOM.y]
    const ticks = logTicks(scale.min, scale.max, length / (room * fontSize.tick))
    if (ticks.length > 1) scale.ticks = ticks.map((value) => ({ value, major: true }))
  },
})
Chart.defaults.scales.logarithmic.ticks.callback = (value) => tickLabel(Number(value))

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
  if (form === 'line' || form === 'steps') {
    context.beginPath()
    context.setLineDash([...look.dash])
    context.moveTo(x, middle)
    context.lineTo(x + 18, middle)
    context.stroke()
    context.setLineDash([])
  } else {
    const style = {
      pointStyle: look.marker,
      radius: 3.2,
      borderWidth: look.marker === 'crossRot' ? 1.4 : 0,
      rotation: 0,
    }
    drawPoint(context as unknown as Parameters<typeof drawPoint>[0], style, x + 9, middle)
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
  new Chart(canvas as unknown as HTMLCanvasElement, { ...config, options, plugins: [clouds] }).destroy()
}
