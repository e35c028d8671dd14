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
