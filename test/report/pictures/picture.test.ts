/** Pictures of one figure in several formats, and of figures with very many points. */
import { expect, test } from 'vitest'
import { lowerCut, rangeOf, upperCut } from '../../../src/report/figures/shared.ts'
import { figureData } from '../../../src/report/page/figureHtml.ts'
import { type Figure, type Plot, type Series, scaleFor } from '../../../src/report/pictures/figure.ts'
import { renderFigure, renderFormats } from '../../../src/report/pictures/picture.ts'

const look = { colour: '#9aa6b2', dash: [], marker: 'circle' } as const

function series(label: string, count: number, form: Series['form']): Series {
  return { label, look, form, points: Array.from({ length: count }, (_, i) => ({ x: 1 + (i % 97), y: 2 + (i % 89) })) }
}

function figure(...panels: (readonly Series[])[]): Figure {
  const axis = { label: 'error (%)', scale: 'log' } as const
  const plots = panels.map((own, i): Plot => ({ kind: 'plot', title: `panel ${i}`, x: axis, y: axis, series: own }))
  return { name: 'scatter', caption: '', columns: 2, panels: plots }
}

/** The ticks among which the page's script chooses, as the page stores them. */
interface Ticks {
  readonly ticks: { readonly y: { readonly choices: readonly (readonly (readonly [number, string])[])[] } }
}

/** Returns the bytes of a picture as text, with the numbers in names of SVG clips and images left out: a process counts them. */
const content = (picture: Buffer): string => picture.toString('latin1').replace(/\b(cl|img)_[\da-f]+/g, '$1')

test('a picture is the same, bit for bit, whether it is made alone or with other formats', () => {
  const shown = figure([series('large', 1500, 'cloud'), series('few', 3, 'points'), series('many', 1200, 'points')])
  const together = renderFormats(shown, ['svg', 'pdf'])
  for (const format of ['svg', 'pdf'] as const) {
    expect(content(together[format]) === content(renderFigure(shown, format)), format).toBe(true)
  }
  expect(together.svg.toString().match(/<image/g)).toHaveLength(2)
})

test('axes are chosen for 150,000 values as for few', () => {
  const few = [1, 50, 60, 40]
  const many = Array.from({ length: 150_000 }, (_, i) => few[i % few.length])
  expect(scaleFor(many)).toBe(scaleFor(few))
  expect(lowerCut(many)).toBeCloseTo(lowerCut(few), 0)
  expect(upperCut(many)).toBeCloseTo(upperCut(few), 0)
  const line: Series = { label: 'all', look, form: 'points', points: many.map((y, x) => ({ x: 1 + x, y })) }
  expect(rangeOf([line])).toEqual([1, 60])
  expect(figureData(figure([line])).panels).toHaveLength(1)
})

test('a page stores a cloud that several panels show once', () => {
  const cloud: Series = { ...series('all', 1500, 'cloud') }
  const [panel] = figure([cloud]).panels
  const { panels, clouds } = figureData({ ...figure([cloud]), panels: [panel, panel, panel] })
  expect(panels).toHaveLength(3)
  expect(clouds).toHaveLength(1)
  expect(clouds[0]).toHaveLength(3000)
  expect(JSON.stringify(panels)).not.toContain('"flat"')
})

test('a page chooses ticks for what a cut logarithmic axis shows, not for the points beyond it', () => {
  const line: Series = { label: 'all', look, form: 'points', points: [6, 14, 90].map((y, x) => ({ x, y })) }
  const [panel] = figure([line]).panels as readonly Plot[]
  const cut = { ...panel, y: { ...panel.y, scale: 'log', limits: [5.4, 15] } } as const
  const [{ ticks }] = figureData({ ...figure([line]), panels: [cut] }).panels as readonly Ticks[]
  const inside = ticks.y.choices.map((choice) => choice.filter(([value]) => value >= 5.4 && value <= 15).length)
  expect(Math.max(...inside)).toBeGreaterThan(3)
})
