import { expect, test } from 'vitest'
import { correlationFigure } from '../../../src/report/figures/correlation.ts'

const mediansOf = (x: readonly number[], y: readonly number[]) => {
  const [panel] = correlationFigure({ table: 'mine', names: ['params', 'accuracy'], x, y }).panels
  if (panel.kind !== 'plot') throw new Error('not a plot')
  return panel.series[1].points.map((point) => [point.x, point.y])
}

test('the line joins the medians of the tenths by x', () => {
  const x = Array.from({ length: 40 }, (_, i) => 39 - i)
  expect(mediansOf(x, x)).toEqual(Array.from({ length: 10 }, (_, tenth) => [4 * tenth + 1.5, 4 * tenth + 1.5]))
})

test('architectures with equal x share a median', () => {
  const x = [1, 1, 1, 1, 2, 2, 2, 3, 3, 3]
  const y = [10, 20, 30, 40, 5, 6, 7, 9, 9, 9]
  expect(mediansOf(x, y)).toEqual([
    [1, 25],
    [2, 6],
    [3, 9],
  ])
  expect(mediansOf([5, 5, 5], [1, 2, 3])).toEqual([[5, 2]])
})
