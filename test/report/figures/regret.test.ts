import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { compacted } from '../../../src/report/committed/records.ts'
import { figuresOf } from '../../../src/report/content.ts'
import { type AnytimeOptions, anytimeFigure, regretFigure } from '../../../src/report/figures/anytime.ts'
import { makeFigure } from '../../../src/report/figures/index.ts'
import { renderPage } from '../../../src/report/page/page.ts'
import { chartConfig } from '../../../src/report/pictures/chart.ts'
import type { Plot } from '../../../src/report/pictures/figure.ts'
import { lightTheme } from '../../../src/report/pictures/theme.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { spaceIndex } from '../../../src/tables/spaceIndex.ts'
import { toyAccuracy, writeToyTable } from '../../support/toyTable.ts'
import { askingRun, fixtureRun, fixtureRuns } from '../fixtureRuns.ts'

const folder = mkdtempSync(join(tmpdir(), 'regret-'))
writeToyTable(folder)
afterAll(() => rmSync(folder, { recursive: true }))
const table = await openTable('nb201', { folders: [folder] })

const space = spaceIndex(nb201)
/** Columns of the toy table. */
const [TEST, TOLD] = [1, 2]
const bestOf = (column: number) => Math.max(...Array.from({ length: 15_625 }, (_, index) => toyAccuracy(index, column)))
const BEST_INDEX = Array.from({ length: 15_625 }, (_, i) => i).find((i) => toyAccuracy(i, TEST) === bestOf(TEST)) ?? 0

/** A black-box search that asks for these architectures, one every 100 s, and is told the accuracies of the table. */
const asking = (indices: readonly number[], options: Parameters<typeof askingRun>[1] = {}) =>
  askingRun(
    indices.map((index, i) => ({
      ...{ genotype: space.at(index), accuracyPct: toyAccuracy(index, TOLD) },
      usedSeconds: 100 * (i + 1),
    })),
    options,
  )
const figureOf = (runs: readonly RunRecord[], options: AnytimeOptions = {}) =>
  anytimeFigure(runs, { table, ...options })
const plots = (runs: readonly RunRecord[], options: AnytimeOptions) => figureOf(runs, options).panels as Plot[]

/** Indices whose accuracies in the toy table rise: 7919·i mod 15625. */
const RISING = [1, 3, 7]

describe('regret over simulated time', () => {
  const runs = [asking(RISING), asking([3, 1, 7], { seed: 1 })]

  test('is the best test accuracy of the table minus that of the best architecture so far, averaged over the seeds', () => {
    const accuracies = RISING.map((index) => toyAccuracy(index, TEST))
    expect(accuracies).toEqual(accuracies.toSorted((a, b) => a - b))
    const [test, told] = plots(runs, { quantity: 'regret' })
    const mean = (a: number, b: number, column: number) =>
      bestOf(column) - (toyAccuracy(a, column) + toyAccuracy(b, column)) / 2
    for (const [plot, column] of [[test, TEST] as const, [told, TOLD] as const]) {
      expect(plot.series[0].form).toBe('steps')
      expect(plot.series[0].points.map(({ x }) => x)).toEqual([100, 200, 300])
      const expected = [mean(1, 3, column), mean(3, 3, column), mean(7, 7, column)]
      plot.series[0].points.forEach(({ y }, i) => {
        expect(y).toBeCloseTo(expected[i], 5)
      })
    }
    expect([test.title, told.title]).toEqual(['CIFAR-10 test', 'validation'])
    expect(figureOf(runs, { quantity: 'regret' }).caption).toMatch(
      /^Regret: the best test accuracy in nb201 minus that of the architecture with the best validation accuracy .*Regret in validation accuracy: /,
    )
  })

  test('has a logarithmic axis that ends at round numbers around the lines, and says that bands go on beyond it', () => {
    const [plot] = plots(runs, { quantity: 'regret' })
    expect(plot.y).toMatchObject({ label: 'regret (points)', scale: 'log' })
    const [low = 0, high = 0] = plot.y.limits ?? []
    for (const { y } of plot.series[0].points) {
      expect(y).toBeGreaterThanOrEqual(low)
      expect(y).toBeLessThanOrEqual(high)
    }
    const found = [asking([...RISING, BEST_INDEX]), asking(RISING, { seed: 1 })]
    expect(figureOf(found, { quantity: 'regret' }).caption).toContain('Bands go on beyond the axis.')
  })

  test('of 0 keeps its value in the numbers, and is drawn at the end of the axis', () => {
    const found = [asking([1, BEST_INDEX])]
    const [plot] = plots(found, { quantity: 'regret' })
    expect(plot.series[0].points[1].y).toBe(0)
    expect(plot.y.limits?.[0]).toBeGreaterThan(0)
    const drawn = chartConfig(plot, lightTheme).data.datasets.flatMap(({ data }) => data as { readonly y: number }[])
    expect(Math.min(...drawn.map(({ y }) => y))).toBe(plot.y.limits?.[0])
  })

  test('of 0 alone has a linear axis', () =>
    expect(plots([asking([BEST_INDEX])], { quantity: 'regret' })[0].y.scale).toBe('linear'))

  test('goes on until the last search ended', () => {
    const [plot] = plots([asking([7, 3, 1, 1, 1])], { quantity: 'regret' })
    expect(plot.series[0].points.map(({ x }) => x)).toEqual([100, 500])
  })

  test('of more than four searches shows the test accuracy alone, a panel for each search', () => {
    const names = ['rea', 'random', 'reinforce', 'bohb', 'local-search']
    const panels = plots(
      names.map((algorithm) => asking(RISING, { algorithm })),
      { quantity: 'regret' },
    )
    expect(panels.map(({ title }) => title)).toEqual(names)
    for (const { y } of panels) expect(y).toEqual(panels[0].y)
  })

  test('of records without architectures is that of the validation accuracy', () => {
    const compact = runs.map((run) => compacted(run))
    expect(plots(compact, { quantity: 'regret' }).map(({ title }) => title)).toEqual(['validation'])
    expect(() => figureOf(compact, { quantity: 'testAccuracy' })).toThrow('table nb201 has none of the numbers')
  })
})

describe('the figure of regret', () => {
  const runs = [asking(RISING), asking([3, 1, 7], { seed: 1 })].map((run) => compacted(run))
  const options = { space: builtinSpaces.nb201, references: new Set<string>() }
  const best = toyAccuracy(7, TOLD)

  test('is that of black-box searches in validation accuracy, against the best that any of them was told, from records alone', async () => {
    const { name, panels, caption } = await makeFigure('regret', [...runs, ...fixtureRuns(2)], options)
    const [plot, ...others] = panels as Plot[]
    expect([name, plot.title, others]).toEqual(['regret', 'validation', []])
    expect(plot.series.map(({ label }) => label)).toEqual(['rea'])
    const mean = (a: number, b: number) => best - (toyAccuracy(a, TOLD) + toyAccuracy(b, TOLD)) / 2
    expect(plot.series[0].points.map(({ x }) => x)).toEqual([100, 200, 300])
    plot.series[0].points.forEach(({ y }, i) => {
      expect(y).toBeCloseTo([mean(1, 3), mean(3, 3), 0][i], 5)
    })
    expect(caption).toMatch(
      /^Regret in validation accuracy: the best that the oracle has told any of these runs minus /,
    )
  })
  test('has the test accuracy, too, where the table is known', () => {
    const whole = [asking(RISING), asking([3, 1, 7], { seed: 1 })]
    const { panels, name } = regretFigure([...whole, ...fixtureRuns(2)], { table })
    expect([name, ...panels.map(({ title }) => title)]).toEqual(['regret', 'CIFAR-10 test', 'validation'])
  })
  test('compares accuracies after trainings of one length only', async () => {
    const longer = asking([5, 2], { algorithm: 'random' })
    const queries = longer.result?.oracle?.queries.map((query) => ({ ...query, epochs: 200 })) ?? []
    const { result, ...run } = longer
    const other = { ...run, ...(result?.oracle && { result: { ...result, oracle: { ...result.oracle, queries } } }) }
    const [plot] = (await makeFigure('regret', [...runs, other], options)).panels as Plot[]
    expect(Math.max(...[5, 2].map((index) => toyAccuracy(index, TOLD)))).not.toBe(best)
    expect(plot.series.find(({ label }) => label === 'random')?.points.at(-1)?.y).toBe(0)
  })
  test('stands on the page of a report, in a section of its own', async () => {
    const figures = await figuresOf(runs, { ...options, recordsOnly: true })
    expect(figures.map(({ figure }) => figure.name)).toContain('regret')
    const html = renderPage({ title: 'page', runs, tables: [], figures })
    expect(html).toContain('<section id="regret"><h2>Regret over simulated time')
  })
  test('is refused without black-box searches', async () =>
    expect(makeFigure('regret', fixtureRuns(2), options)).rejects.toThrow('no run is a black-box search'))
})

describe('regret over epochs', () => {
  test('is the distance of each answer from the best of the table', () => {
    const runs = fixtureRuns(1)
    const [accuracy] = plots(runs, { quantity: 'accuracy' })
    const [regret, ...others] = plots(runs, { quantity: 'regret' })
    expect(others).toEqual([])
    expect(regret.title).toBe('CIFAR-10 test')
    accuracy.series[0].points.forEach(({ y }, i) => {
      expect(regret.series[0].points[i].y).toBeCloseTo(bestOf(TEST) - (y ?? Number.NaN), 5)
    })
  })
})

describe('test accuracy over simulated time', () => {
  test('is that of the best architecture so far', () => {
    const [plot, ...others] = plots([asking([3, 1, 7])], { quantity: 'testAccuracy' })
    expect(others).toEqual([])
    expect(plot.series[0].points.map(({ y }) => y)).toEqual([toyAccuracy(3, TEST), toyAccuracy(7, TEST)])
    expect(plot.x.label).toBe('simulated time (s)')
  })
})

test('regret needs one table', async () => {
  const runs = [fixtureRun()].map(({ manifest, ...run }): RunRecord => {
    const { table: _, ...job } = manifest.job
    return { ...run, manifest: { ...manifest, job } }
  })
  const options = { space: builtinSpaces.nb201, references: new Set<string>() }
  await expect(makeFigure('anytime', runs, { ...options, quantity: 'regret' })).rejects.toThrow(
    'the figure needs the numbers of all architectures of one table; found none',
  )
})
