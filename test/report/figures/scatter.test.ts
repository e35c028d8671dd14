import { describe, expect, test } from 'vitest'
import { scatterFigure } from '../../../src/report/figures/scatter.ts'
import type { Plot } from '../../../src/report/pictures/figure.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { spaceIndex } from '../../../src/tables/spaceIndex.ts'
import { writeTable } from '../../../src/tables/writeTable.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import { fixtureRun } from '../fixtureRuns.ts'

/** Two architectures, their validation and test accuracies on CIFAR-10 in %. */
async function tableOf(validation: readonly number[], tested: readonly number[]) {
  const [folder, space] = [temporaryFolder(), spaceIndex(nb201)]
  writeTable(folder, 'two', space, {
    index: Int32Array.of(5, 6),
    arch: [5, 6].map((index) => space.at(index)),
    numbers: [
      { name: 'cifar10-valid/x-valid/200/mean', values: Float64Array.from(validation) },
      { name: 'cifar10/ori-test/200/mean', values: Float64Array.from(tested) },
    ],
    texts: [],
    source: { format: 'csv', name: 'made in a test', sha256: '' },
    notes: [],
  })
  return openTable('two', { folders: [folder] })
}

describe('all architectures of a table', () => {
  test('are shown by their errors, on logarithmic axes: good ones differ by tenths', async () => {
    const figure = scatterFigure([fixtureRun()], await tableOf([90, 10], [95, 10]))
    const plot = figure.panels[0] as Plot
    expect(plot.series[0].points).toEqual([
      { x: 10, y: 5 },
      { x: 90, y: 90 },
    ])
    expect([plot.x.scale, plot.y.scale]).toEqual(['log', 'log'])
    expect(figure.caption).toContain('The 2 architectures of two')
  })

  test('with one that makes no error stand on a linear axis', async () => {
    const figure = scatterFigure([fixtureRun()], await tableOf([90, 10], [100, 10]))
    const plot = figure.panels[0] as Plot
    expect([plot.x.scale, plot.y.scale]).toEqual(['log', 'linear'])
  })

  test('lie beside the ways of the searches, whose ends no other way is painted over', async () => {
    const runs = [fixtureRun(), fixtureRun({ algorithm: 'darts-v1' })]
    const { series } = scatterFigure(runs, await tableOf([90, 10], [95, 10])).panels[0] as Plot
    expect(series.map(({ form }) => form)).toEqual(['cloud', 'line', 'line', 'points', 'points'])
    const epochs = runs[0].epochs.length
    expect(series[2].points).toHaveLength(epochs)
    expect(series[4].points).toEqual([series[2].points[epochs - 1]])
  })

  test('cannot be shown of a table that has none of the numbers', async () => {
    const table = await tableOf([Number.NaN, Number.NaN], [95, 10])
    expect(() => scatterFigure([fixtureRun()], table)).toThrow('two has no architecture with the numbers')
  })
})
