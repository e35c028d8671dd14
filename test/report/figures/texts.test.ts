/** The texts of every kind of figure are whole: none is wider than its panel, whatever the methods are called. */
import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas'
import { describe, expect, test } from 'vitest'
import { textRoom } from '../../../src/core/drawing.ts'
import { type FigureKind, figureKinds, makeFigure } from '../../../src/report/figures/index.ts'
import { scatterFigure } from '../../../src/report/figures/scatter.ts'
import { fontSize, textLines } from '../../../src/report/pictures/chart.ts'
import type { Figure } from '../../../src/report/pictures/figure.ts'
import { font, layOut, paintFigure } from '../../../src/report/pictures/paintFigure.ts'
import { renderFigure } from '../../../src/report/pictures/picture.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { writeToyTable } from '../../support/toyTable.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import { askingRun, fixtureRun, fixtureRuns } from '../fixtureRuns.ts'

const folder = temporaryFolder()
writeToyTable(folder)
const table = await openTable('nb201', { folders: [folder] })

/** Seven searches, some with long names, and two black-box searches. */
const runs: readonly RunRecord[] = [
  ...fixtureRuns(3),
  ...fixtureRuns(3, { algorithm: 'darts-v1' }),
  ...fixtureRuns(3, { algorithm: 'darts-v1', options: { earlyStop: 'eigenvalue' } }),
  ...fixtureRuns(3, { algorithm: 'darts-v1', options: { earlyStop: 'a-value-as-long-as-nobody-would-choose-it' } }),
  ...fixtureRuns(3, { algorithm: 'aSearchOfAPluginWhoseNameIsTooLongForAnyPanelAndHasNoPlaceToBreak' }),
  ...fixtureRuns(3, { algorithm: 'pc-darts' }),
  ...['rea', 'reinforce'].flatMap((algorithm) =>
    [0, 1, 2].map((seed) =>
      askingRun(
        [10, 100, 900].map((usedSeconds) => ({
          ...{ genotype: fixtureRun().epochs[0].genotype, usedSeconds },
          accuracyPct: 80 + seed + usedSeconds / 100,
        })),
        { algorithm, seed },
      ),
    ),
  ),
]
const options = { space: builtinSpaces.nb201, references: new Set<string>() }

const figureOf = async (kind: FigureKind): Promise<Figure> =>
  kind === 'scatter' ? scatterFigure(runs, table) : makeFigure(kind, runs, options)

/** A text as it is painted: its width, the width to which the canvas would squeeze it, and the corners of its place. */
interface Painted {
  readonly text: string
  readonly width: number
  readonly most: number
  readonly x: readonly number[]
  readonly y: readonly number[]
}

/** Paints a figure and returns its texts. */
function textsOf(figure: Figure, width: number) {
  const layout = layOut(figure, width)
  const context = createCanvas(Math.ceil(width), Math.ceil(layout.height)).getContext('2d')
  const painted: Painted[] = []
  const fillText = (text: string, x: number, y: number, most = Number.POSITIVE_INFINITY) => {
    const measured = context.measureText(text)
    const { a, b, c, d, e, f } = context.getTransform()
    const lefts = { left: 0, start: 0, center: measured.width / 2, right: measured.width, end: measured.width }
    const left = x - lefts[context.textAlign]
    const corners = [left, left + measured.width].flatMap((at) =>
      [y - measured.actualBoundingBoxAscent, y + measured.actualBoundingBoxDescent].map((height) => [at, height]),
    )
    painted.push({
      ...{ text, width: measured.width, most },
      x: corners.map(([at, height]) => a * at + c * height + e),
      y: corners.map(([at, height]) => b * at + d * height + f),
    })
  }
  const recorder = new Proxy(context, {
    get: (target, key) => {
      if (key === 'fillText') return fillText
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  }) as SKRSContext2D
  paintFigure(recorder, layout, 1, new Map())
  return { painted, layout }
}

describe.each(Object.keys(figureKinds) as FigureKind[])('the figure %s', (kind) => {
  test.each([85, 178])('has all its texts inside, and none squeezed, at %i mm', async (mm) => {
    const figure = await figureOf(kind)
    renderFigure(figure, 'svg', mm)
    const width = (mm * 96) / 25.4
    const { painted, layout } = textsOf(figure, width)
    expect(painted.length).toBeGreaterThan(2)
    for (const { text, x, y, width: own, most } of painted) {
      const place = `${text}: ${x} × ${y}`
      expect(own, place).toBeLessThanOrEqual(most + 0.5)
      expect(Math.min(...x), place).toBeGreaterThanOrEqual(-1)
      expect(Math.max(...x), place).toBeLessThanOrEqual(width + 1)
      expect(Math.min(...y), place).toBeGreaterThanOrEqual(-1)
      expect(Math.max(...y), place).toBeLessThanOrEqual(layout.height + 1)
    }
  })

  test('says all of a title, in lines that are no wider than the panel', async () => {
    const { places } = layOut(await figureOf(kind), 640)
    const context = createCanvas(1, 1).getContext('2d')
    context.font = font(fontSize.label, true)
    for (const { panel, texts, width } of places) {
      if (panel.kind === 'drawing') {
        expect(context.measureText(panel.title).width).toBeLessThanOrEqual(panel.width)
        continue
      }
      const lines = texts?.title ?? []
      expect(lines.join('').replaceAll(' ', '')).toBe(panel.title.replaceAll(' ', ''))
      for (const line of lines) expect(context.measureText(line).width, line).toBeLessThanOrEqual(width)
    }
  })
})

test('plots of one row stand at one height, where one title takes two lines', async () => {
  const { places } = layOut(await figureOf('hessian'), 640)
  const rows = [...new Set(places.map(({ y }) => y))]
  expect(rows.length).toBeGreaterThan(1)
  for (const row of rows) {
    const lines = places.filter(({ y }) => y === row).map(({ texts }) => texts?.title.length)
    expect(new Set(lines).size).toBe(1)
  }
})

test('a line ends at a space, within a long word behind a sign, and between letters only in need', () => {
  const letters = (text: string) => text.length
  expect(textLines('darts-v1 (earlyStop=eigenvalue)', 24, letters)).toEqual(['darts-v1', '(earlyStop=eigenvalue)'])
  expect(textLines('darts-v1 (earlyStop=eigenvalue)', 12, letters)).toEqual(['darts-v1', '(earlyStop=', 'eigenvalue)'])
  expect(textLines('abcdefgh ij', 5, letters)).toEqual(['abcde', 'fgh', 'ij'])
  expect(textLines('short', 10, letters)).toEqual(['short'])
})

test('a drawing has at least the room that a text needs, whatever its letters', async () => {
  renderFigure(await figureOf('accuracies'), 'svg')
  const context = createCanvas(1, 1).getContext('2d')
  const letters = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
  for (const text of [...letters, 'darts-v1 (earlyStop=eigenvalue) (seed 0; all 2 seeds differ)', 'WWWWMMMM', '±×λ—']) {
    for (const isBold of [false, true]) {
      context.font = font(fontSize.label, isBold)
      expect(context.measureText(text).width, text).toBeLessThanOrEqual(textRoom(text, fontSize.label))
    }
  }
})
