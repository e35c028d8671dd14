/** The downloadable files of a page's figures, made in a worker thread or in this one. */
import { execFileSync } from 'node:child_process'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { accuraciesFigure } from '../../../src/report/figures/accuracies.ts'
import { hessianFigure } from '../../../src/report/figures/hessian.ts'
import { downloadsMaker } from '../../../src/report/page/downloadsThread.ts'
import type { Downloads } from '../../../src/report/page/figureHtml.ts'
import type { Figure, Series } from '../../../src/report/pictures/figure.ts'
import { fixtureRuns } from '../fixtureRuns.ts'

const look = { colour: '#9aa6b2', dash: [], marker: 'circle' } as const

/** A figure with a series that pictures show as a bitmap. */
function largeFigure(): Figure {
  const points = Array.from({ length: 1200 }, (_, i) => ({ x: 1 + (i % 97), y: i % 89, note: `seed ${i}` }))
  const series: Series = { label: 'all', look, form: 'cloud', points }
  const axis = { label: 'error (%)', scale: 'linear' } as const
  return {
    name: 'scatter',
    caption: '',
    columns: 1,
    panels: [{ kind: 'plot', title: '', x: axis, y: axis, series: [series] }],
  }
}

/** Returns unpacked files as text, with the numbers in names of SVG clips and images left out: a process counts them. */
const unpacked = (files: Readonly<Record<string, Downloads>>) =>
  Object.entries(files).map(([name, own]) => [
    name,
    Object.entries(own).map(([ending, packed]) => [
      ending,
      gunzipSync(Buffer.from(packed, 'base64'))
        .toString('latin1')
        .replace(/\b(cl|img)_[\da-f]+/g, '$1'),
    ]),
  ])

async function filesOf(figures: readonly Figure[], isParallel: boolean) {
  const maker = downloadsMaker(figures.length, isParallel)
  for (const figure of figures) maker.add(figure)
  return maker.finish().finally(maker.close)
}

test('a worker thread makes the same files, bit for bit, as this thread', async () => {
  const runs = fixtureRuns(3)
  const figures = [accuraciesFigure(runs), hessianFigure(runs), largeFigure()]
  const files = await filesOf(figures, true)
  expect(Object.keys(files)).toEqual(['accuracies', 'hessian', 'scatter'])
  expect(unpacked(files)).toEqual(unpacked(await filesOf(figures, false)))
})

test('a figure that cannot be drawn gives the same error with and without a worker thread, and nothing waits for ever', async () => {
  const broken = { ...largeFigure(), panels: [{ kind: 'plot' }] } as unknown as Figure
  const error = await filesOf([broken], false).catch((cause: Error) => cause.message)
  expect(error).toMatch(/undefined/)
  await expect(filesOf([largeFigure(), broken, largeFigure()], true)).rejects.toThrow(error as string)
})

test('after an error the process ends, although files were being made', () => {
  const module = new URL('../../../dist/report/page/downloadsThread.js', import.meta.url)
  const steps = `const maker = downloadsMaker(1, true); maker.add(${JSON.stringify(largeFigure())}); await maker.close()`
  const code = `import { downloadsMaker } from '${module}'; ${steps}; console.log('closed')`
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 100_000 })
  expect(String(printed)).toBe('closed\n')
})

test('a page without figures has no files', async () => {
  expect(await filesOf([], true)).toEqual({})
})
