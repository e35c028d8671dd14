import { describe, expect, test } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { scatterFigure } from '../../../src/report/figures/scatter.ts'
import type { Plot } from '../../../src/report/pictures/figure.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { spaceIndex } from '../../../src/tables/spaceIndex.ts'
import { writeTable } from '../../../src/tables/writeTable.ts'
import { writeToyTable } from '../../support/toyTable.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import { askingRun, fixtureRun } from '../fixtureRuns.ts'

/** The toy table, of all architectures. */
async function toyTable() {
  const folder = temporaryFolder()
  writeToyTable(folder)
  return openTable('nb201', { folders: [folder] })
}

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
    expect(figure.caption).toContain('The 2 architectures of two that have both')
    const one = scatterFigure([fixtureRun()], await tableOf([90, Number.NaN], [95, 10]))
    expect(one.caption).toContain('The one architecture of two that has both')
  })

  test('hide no search whose own colour is grey, as theirs is', async () => {
    expect(builtinAlgorithms.random.look?.colour).toBe('grey')
    const { series } = scatterFigure([fixtureRun({ algorithm: 'random' })], await tableOf([90, 10], [95, 10]))
      .panels[0] as Plot
    expect(series.slice(1).map(({ look }) => look.colour)).toEqual(['ink', 'ink'])
  })

  test('with one that makes no error stand on a linear axis', async () => {
    const figure = scatterFigure([fixtureRun()], await tableOf([90, 10], [100, 10]))
    const plot = figure.panels[0] as Plot
    expect([plot.x.scale, plot.y.scale]).toEqual(['log', 'linear'])
  })

  test('are drawn with the trajectories of the searches, whose ends are painted last', async () => {
    const runs = [fixtureRun(), fixtureRun({ seed: 1 })]
    const { series } = scatterFigure(runs, await tableOf([90, 10], [95, 10])).panels[0] as Plot
    expect(series.map(({ form }) => form)).toEqual(['cloud', 'line', 'line', 'points'])
    const epochs = runs[0].epochs.length
    expect(series[2].points).toHaveLength(epochs)
    expect(series[3].points).toEqual([1, 2].map((line) => series[line].points[epochs - 1]))
  })

  describe('end', () => {
    /** Searches that end with these validation and test accuracies. */
    const ending = (...accuracies: readonly number[]) =>
      accuracies.map((accuracyPct, seed) => {
        const run = fixtureRun({ seed, accuracyPct })
        const last = { ...run.epochs[0], metrics: run.result?.metrics ?? [] }
        return { ...run, epochs: [last] }
      })

    test('at a quantile of the errors that has all answers, the same on both axes, which the caption states', async () => {
      for (const [accuracyPct, percentage] of [
        [88, 25],
        [72, 40],
        [62, 60],
      ]) {
        const { panels, caption } = scatterFigure(ending(accuracyPct), await toyTable())
        const { x, y, series } = panels[0] as Plot
        for (const [axis, of] of [[x, 'x'] as const, [y, 'y'] as const]) {
          const errors = series[0].points.map((point) => point[of] ?? 0)
          const limit = axis.limits?.[1] ?? 0
          expect(errors.filter((error) => error <= limit).length / errors.length).toBeCloseTo(percentage / 100, 3)
          expect(limit).toBeGreaterThanOrEqual(100 - accuracyPct)
          expect(axis.limits?.[0]).toBeLessThan(Math.min(...errors))
        }
        expect(caption).toContain(
          `Each axis ends at the error that ${percentage} % of the architectures do not exceed.`,
        )
        expect(caption).not.toContain('beyond')
      }
    })
    test('before an answer far worse than the others, which the caption counts', async () => {
      const { panels, caption } = scatterFigure(ending(88, 88.5, 88.2, 87.9, 88.1, 88.4, 88.3, 41), await toyTable())
      expect((panels[0] as Plot).x.limits?.[1]).toBeLessThan(59)
      expect(caption).toContain('1 search ended beyond the axes.')
    })
    test('nowhere if the answers need the whole table', async () => {
      const { panels, caption } = scatterFigure(ending(41), await toyTable())
      expect((panels[0] as Plot).x.limits?.[1]).toBeUndefined()
      expect(caption).not.toContain('Each axis')
    })
  })

  test('cannot be shown of a table that has none of the numbers', async () => {
    const table = await tableOf([Number.NaN, Number.NaN], [95, 10])
    expect(() => scatterFigure([fixtureRun()], table)).toThrow('two has no architecture with the numbers')
  })

  describe('are drawn with black-box searches', () => {
    const [poor, good] = [5, 6].map((index) => spaceIndex(nb201).at(index))
    const asked = [
      { genotype: poor, accuracyPct: 80, usedSeconds: 10 },
      { genotype: good, accuracyPct: 90, usedSeconds: 20 },
      { genotype: poor, accuracyPct: 80, usedSeconds: 30 },
    ]
    const table = () => tableOf([80, 90], [81, 91])
    const seriesOf = async (run: ReturnType<typeof askingRun>) =>
      (scatterFigure([run], await table()).panels[0] as Plot).series.slice(1)

    test('whose trajectory is each improving evaluation, looked up in the table, and then the final answer', async () => {
      const run = askingRun(asked)
      const [validation, test] = (run.result?.metrics ?? []).map(({ accuracyPct }) => 100 - accuracyPct)
      const [way, end] = await seriesOf(run)
      expect(way.points).toMatchObject([
        { x: 20, y: 19 },
        { x: validation, y: test },
      ])
      expect(end).toMatchObject({ label: 'rea', form: 'points', points: [{ x: validation, y: test }] })
    })
    test('of which only the end is drawn where the record lacks the architectures of the evaluations', async () => {
      const { result, ...run } = askingRun(asked)
      const queries = asked.map(({ genotype: _, ...query }) => query)
      const condensed = { ...run, result: { ...result, oracle: { ...result?.oracle, queries } } } as typeof run
      expect((await seriesOf(condensed)).map(({ form }) => form)).toEqual(['points'])
    })
    test('and say at which moments each kind of search is shown', async () => {
      const captionOf = async (runs: Parameters<typeof scatterFigure>[0]) => scatterFigure(runs, await table()).caption
      expect(await captionOf([askingRun(asked)])).toContain('would have answered at every better answer;')
      expect(await captionOf([fixtureRun()])).toContain('would have answered after every epoch;')
      expect(await captionOf([fixtureRun(), askingRun(asked)])).toContain(
        'after every epoch, of black-box searches at every better answer;',
      )
    })
  })
})
