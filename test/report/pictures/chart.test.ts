import { expect, test } from 'vitest'
import { chartConfig, logTicks, tickChoices, tickLabel } from '../../../src/report/pictures/chart.ts'
import { epochAxis, type Plot } from '../../../src/report/pictures/figure.ts'
import { looksOf } from '../../../src/report/pictures/palette.ts'
import { lightTheme } from '../../../src/report/pictures/theme.ts'

test('ticks are 1, 2 and 5 of every decade where there is room', () => {
  expect(logTicks(0.009, 0.6, 10)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
})

test('in narrow panels they are fewer, and no two labels touch', () => {
  expect(logTicks(100, 20_000, 5)).toEqual([100, 300, 1000, 3000, 10_000])
  expect(logTicks(100, 20_000, 3)).toEqual([100, 1000, 10_000])
})

test('an axis of less than a decade has evenly spaced ticks, as far apart as their labels need', () => {
  expect(logTicks(53, 100, 8)).toEqual([60, 70, 80, 90, 100])
  expect(logTicks(53, 100, 3)).toEqual([60, 80, 100])
  expect(logTicks(0.021, 0.029, 5)).toEqual([0.022, 0.024, 0.026, 0.028])
})

test('what the page chooses from is what a picture chooses from', () => {
  const choices = tickChoices(0.009, 3)
  expect(choices.map((ticks) => ticks.length)).toEqual([8, 6, 3])
  for (const most of [20, 4, 1]) expect(choices).toContainEqual(logTicks(0.009, 3, most))
})

test('labels are plain numbers as long as those are short', () => {
  expect([1e-7, 0.0005, 0.3, 20, 10_000, 1e8].map(tickLabel)).toEqual(['1e-7', '0.0005', '0.3', '20', '10,000', '1e8'])
})

test('the smallest and the largest numbers have ticks, too, where the axis would end beyond them', () => {
  for (const [low, high] of [
    [0, 1],
    [1e308 / 10, Number.POSITIVE_INFINITY],
    [0, Number.POSITIVE_INFINITY],
    [0, 5e-323],
  ]) {
    const choices = tickChoices(low, high)
    expect(choices.flat().every((tick) => tick >= low && tick <= high && Number.isFinite(tick))).toBe(true)
    expect(choices[0].length).toBeGreaterThan(0)
  }
})

test('markers at the end of an axis are painted whole, unless the axis cuts values off there', () => {
  const [look] = looksOf([{ algorithm: 'drnas', variant: 0 }])
  const plot: Plot = {
    ...{ kind: 'plot', title: '', x: epochAxis, y: { label: 'loss', scale: 'linear', limits: [undefined, 2] } },
    series: [{ label: 'drnas', look, form: 'line', points: [{ x: 1, y: 1 }] }],
  }
  const [{ clip }] = chartConfig(plot, lightTheme).data.datasets
  expect(clip).toEqual({ left: 5, right: 5, bottom: 5, top: 0 })
})
