import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadImage } from '@napi-rs/canvas'
import { afterAll, describe, expect, test } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import type { Edge } from '../../../src/core/space.ts'
import { accuraciesFigure, roundTicks } from '../../../src/report/figures/accuracies.ts'
import { alphaFigure, operationWords } from '../../../src/report/figures/alpha.ts'
import { anytimeFigure } from '../../../src/report/figures/anytime.ts'
import { cellsFigure } from '../../../src/report/figures/cells.ts'
import { hessianFigure } from '../../../src/report/figures/hessian.ts'
import { makeFigure } from '../../../src/report/figures/index.ts'
import { paretoFigure } from '../../../src/report/figures/pareto.ts'
import { rangeFigure } from '../../../src/report/figures/range.ts'
import { cliques, lanesOf, ranksFigure } from '../../../src/report/figures/ranks.ts'
import { scatterFigure } from '../../../src/report/figures/scatter.ts'
import { inPanels, type Spread, seedBand } from '../../../src/report/figures/shared.ts'
import { skipsFigure } from '../../../src/report/figures/skips.ts'
import { chartConfig } from '../../../src/report/pictures/chart.ts'
import type { Figure, Plot } from '../../../src/report/pictures/figure.ts'
import { layOut } from '../../../src/report/pictures/paintFigure.ts'
import { type Look, looksOf } from '../../../src/report/pictures/palette.ts'
import { pictureFormat, renderFigure } from '../../../src/report/pictures/picture.ts'
import { lightTheme } from '../../../src/report/pictures/theme.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { darts, PUBLISHED } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { spaceIndex } from '../../../src/tables/spaceIndex.ts'
import { writeToyTable } from '../../support/toyTable.ts'
import { askingRun, fixtureProtocol, fixtureRun, fixtureRuns, trainedRun } from '../fixtureRuns.ts'

const withoutProbes = (run: RunRecord): RunRecord => ({
  ...run,
  epochs: run.epochs.map(({ probes: _, ...epoch }) => epoch),
})

/** A run whose answer is given, not found. */
function published(name: string): RunRecord {
  const { manifest, result, ...run } = fixtureRun({ algorithm: 'genotype' })
  const genotype = darts.format(darts.parse(PUBLISHED[name].genotype))
  const algorithm = { ...manifest.job.algorithm, options: { genotype } }
  return {
    ...run,
    manifest: { ...manifest, job: { ...manifest.job, algorithm, space: 'darts' } },
    ...(result && { result: { ...result, genotype } }),
  }
}

describe('a band over seeds', () => {
  test('has the mean, the smallest and the greatest value', () => {
    const { points, band } = seedBand([new Map([[1, 2]]), new Map([[1, 4]])], 'range')
    expect(points).toEqual([{ x: 1, y: 3 }])
    expect(band).toEqual([{ x: 1, low: 2, high: 4 }])
  })
  test('has a gap where a value is not finite', () =>
    expect(seedBand([new Map([[1, Number.NaN]]), new Map([[1, 4]])], 'range').points[0].y).toBeNull())
  test('of a single seed has no deviation', () =>
    expect(seedBand([new Map([[1, 4]])], 'std').band).toEqual([{ x: 1, low: null, high: null }]))
  test('has a note at points that not all seeds have', () =>
    expect(seedBand([new Map([[1, 4]]), new Map()], 'range').points[0].note).toBe('1 of 2 seeds'))
})

describe('the scatter of a table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scatter-'))
  writeToyTable(folder)
  afterAll(() => rmSync(folder, { recursive: true }))
  const linesOf = async (seeds: number) => {
    const runs = [...fixtureRuns(seeds), ...fixtureRuns(seeds, { algorithm: 'darts-v1' })]
    const { panels, caption } = scatterFigure(runs, await openTable('nb201', { folders: [folder] }))
    const counts = (panels as readonly Plot[]).map(({ series }) => {
      const of = (form: string) => series.filter((each) => each.form === form)
      return { lines: of('line').length, ends: of('points').flatMap(({ points }) => points).length }
    })
    return { counts, caption, titles: panels.map(({ title }) => title) }
  }

  test('has a panel for each search, with a line and an end for each run', async () => {
    const { counts, caption, titles } = await linesOf(3)
    expect(titles).toEqual(['drnas', 'darts-v1'])
    expect(counts).toEqual([3, 3].map((lines) => ({ lines, ends: 3 })))
    expect(caption).not.toContain('seeds')
  })
  test('has no more than 20 lines of a search, of its first seeds, and says so; every run has its end', async () => {
    const { counts, caption } = await linesOf(30)
    expect(counts).toEqual([20, 20].map((lines) => ({ lines, ends: 30 })))
    expect(caption).toContain('only the first 20 have a line')
  })
})

describe('the figure of the Hessian', () => {
  test('has a line for each method, on a logarithmic axis where values span decades', () => {
    const figure = hessianFigure([...fixtureRuns(4), ...fixtureRuns(4, { algorithm: 'darts-v1', growth: 2 })])
    const plot = figure.panels[0] as Plot
    expect(plot.series.map(({ label }) => label)).toEqual(['drnas', 'darts-v1'])
    expect(plot.y.scale).toBe('log')
    expect(figure.caption).toContain('n = 4')
  })
  test('has a gap where an eigenvalue is 0, as where a selection stage has fixed every edge', () => {
    const runs = [...fixtureRuns(2), ...fixtureRuns(2, { algorithm: 'darts-v1', growth: 2 })].map((run) => ({
      ...run,
      epochs: run.epochs.map((epoch, i) =>
        i === run.epochs.length - 1
          ? { ...epoch, probes: { hessian: { ...(epoch.probes?.hessian as object), dominantEigenvalue: 0 } } }
          : epoch,
      ),
    }))
    const { panels, caption } = hessianFigure(runs)
    const plot = panels[0] as Plot
    expect(plot.y.scale).toBe('log')
    expect(plot.series.map(({ points }) => points.at(-1)?.y ?? null)).toEqual([null, null])
    expect(caption).toContain('Values of 0')
  })
  test('is refused without the probe, naming it', () =>
    expect(() => hessianFigure(fixtureRuns(2).map(withoutProbes))).toThrow('run again with --probe hessian'))
  test('keeps a null of the record as a gap', () => {
    const run = fixtureRun()
    const [first, ...rest] = run.epochs
    const broken = {
      ...run,
      epochs: [{ ...first, probes: { hessian: { loss: 'val', at: 'mean', dominantEigenvalue: null } } }, ...rest],
    }
    expect((hessianFigure([broken]).panels[0] as Plot).series[0].points[0].y).toBeNull()
  })
})

describe('searches on several datasets', () => {
  const own = [...fixtureRuns(2), ...fixtureRuns(2, { algorithm: 'darts-v1', growth: 2 })]
  const others = [
    ...fixtureRuns(3, { dataset: 'cifar100', growth: 3 }),
    ...fixtureRuns(3, { algorithm: 'darts-v1', dataset: 'cifar100', growth: 4 }),
  ]
  test.each<[string, (runs: readonly RunRecord[]) => Figure]>([
    ['hessian', (runs) => hessianFigure(runs)],
    ['skips', (runs) => skipsFigure(runs, 'range')],
    ['alpha', (runs) => alphaFigure(runs, nb201.edges)],
  ])('have panels of their own in %s, with the means of their own seeds', (_, figureOf) => {
    const lines = (figure: Figure) =>
      figure.panels.map((panel) => (panel as Plot).series.filter(({ thin }) => !thin).map(({ points }) => points))
    const both = figureOf([...own, ...others])
    expect(lines(both)).toEqual([own, others].flatMap((runs) => lines(figureOf(runs))))
    const titles = both.panels.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
    for (const title of titles) expect(title).toMatch(/CIFAR-100?$/)
  })

  test('are counted for themselves below the eigenvalues', () =>
    expect(hessianFigure([...own, ...others]).caption).toContain(
      '(drnas, CIFAR-10: n = 2, darts-v1, CIFAR-10: n = 2, drnas, CIFAR-100: n = 3, darts-v1, CIFAR-100: n = 3)',
    ))
})

describe('the figure of cells', () => {
  const figure = cellsFigure([published('DARTS_V2'), published('DRNAS')], darts)
  test('calls published cells by their name, as the table does', () =>
    expect(figure.panels.map(({ title }) => title)).toEqual([
      'DARTS_V2 (1 of 1 seed), normal cell',
      'DARTS_V2 (1 of 1 seed), reduction cell',
      'DRNAS (1 of 1 seed), normal cell',
      'DRNAS (1 of 1 seed), reduction cell',
    ]))
  test('counts a seed once whose architecture was trained under several settings, and names variants as the table does', () => {
    const searched = (k: number, epochs: number, isFinished = true): RunRecord => {
      const { manifest, result, ...rest } = trainedRun({
        algorithm: 'drnas',
        request: { preset: 'drnas-paper', epochs },
      })
      const algorithm = { ...manifest.job.algorithm, options: { k } }
      return { ...rest, manifest: { ...manifest, job: { ...manifest.job, algorithm } }, ...(isFinished && { result }) }
    }
    const { numbers } = cellsFigure([searched(1, 20), searched(1, 25), searched(4, 20, false)], darts)
    expect(numbers?.rows.map((row) => row.slice(0, 3))).toEqual([['drnas (k=1)', 1, 1]])
  })
  test('draws narrow and wide cells to one scale, each within its panel', () => {
    const { drawings, places } = layOut(figure, 600)
    expect(drawings.factor).toBeLessThan(1)
    for (const { panel, width } of places) {
      const drawn = panel.kind === 'drawing' ? panel.width : 0
      expect(drawings.margin + drawings.factor * drawn).toBeLessThanOrEqual(width + 1e-9)
    }
  })
})

/** Runs whose accuracies are so far from those of other methods that their bands do not lie on one another. */
function apart(runs: readonly RunRecord[]): readonly RunRecord[] {
  const names = [...new Set(runs.map(({ manifest }) => manifest.job.algorithm.name))]
  return runs.map((run) => {
    const lower = 6 * names.indexOf(run.manifest.job.algorithm.name)
    const epochs = run.epochs.map((epoch) => ({
      ...epoch,
      metrics: epoch.metrics.map((metric) => ({ ...metric, accuracyPct: metric.accuracyPct - lower })),
    }))
    return { ...run, epochs }
  })
}

describe('other figures', () => {
  test('the range is that of quantiles where all records have them', () => {
    const withQuantiles = (shift: number) => {
      const [run] = fixtureRuns(1)
      const epochs = run.epochs.map((epoch) => {
        const range = epoch.probes?.range as { accuracyPct: Record<string, object> }
        const quantiles = { p10: 80 + shift, p25: 85, p75: 88, p90: 90 + shift }
        const accuracyPct = Object.entries(range.accuracyPct).map(([key, value]) => [key, { ...value, quantiles }])
        return { ...epoch, probes: { range: { ...range, accuracyPct: Object.fromEntries(accuracyPct) } } }
      })
      return { ...run, epochs, manifest: { ...run.manifest, job: { ...run.manifest.job, seed: shift } } }
    }
    const figure = rangeFigure([withQuantiles(0), withQuantiles(2)])
    expect((figure.panels[0] as Plot).series[0].band?.[0]).toEqual({ x: 1, low: 81, high: 91 })
    expect(figure.caption).toContain('10th to 90th percentile')
    expect(rangeFigure([withQuantiles(0), fixtureRun({ seed: 1 })]).caption).toContain('least to greatest')
  })
  test('the range lies around the derived architecture', () => {
    const { points, band } = (rangeFigure(fixtureRuns(1)).panels[0] as Plot).series[0]
    points.forEach(({ y }, i) => {
      expect(y).toBeGreaterThanOrEqual(band?.[i].low ?? Number.NaN)
      expect(y).toBeLessThanOrEqual(band?.[i].high ?? Number.NaN)
    })
  })
  test('size and accuracy are missing of runs whose size is unknown, which leave the panels of other runs', () => {
    const sizeless = fixtureRuns(2).map((run): RunRecord => {
      const { parameters: _, ...result } = run.result as NonNullable<RunRecord['result']>
      return { ...run, result }
    })
    expect(() => paretoFigure(sizeless)).toThrow('no finished run has both a test number and parameters (M)')
    const { panels } = paretoFigure([...sizeless, trainedRun({})].map(onOneSpace))
    expect(panels.map(({ title }) => title)).toEqual(['CIFAR-10 test'])
  })
  test('the front joins what no other beats in size and accuracy', () => {
    const found = [400, 500, 600].map((parameters, seed) => {
      const { result, ...run } = fixtureRun({ seed, accuracyPct: [80, 79, 81][seed] })
      return { ...run, ...(result && { result: { ...result, parameters: 1000 * parameters } }) }
    })
    const [front] = (paretoFigure(found).panels[0] as Plot).series
    expect(front.points).toEqual([
      { x: 0.4, y: 80 },
      { x: 0.6, y: 81 },
    ])
  })
  test('fixed architectures stand apart from those found: black, and not on the front', () => {
    const sized = (algorithm: string, parameters: number, accuracyPct: number) => {
      const { result, ...run } = fixtureRun({ algorithm, accuracyPct })
      return { ...run, ...(result && { result: { ...result, parameters } }) }
    }
    const runs = [sized('drnas', 400_000, 80), sized('gdas', 500_000, 82), sized('optimal', 450_000, 90)]
    const { panels, caption } = paretoFigure(runs, 'parameters', new Set(['optimal']))
    const { series, x } = panels[0] as Plot
    expect(series[0].points).toEqual([
      { x: 0.4, y: 80 },
      { x: 0.5, y: 82 },
    ])
    expect(series.filter(({ look }) => look.colour === 'ink').map(({ label }) => label)).toEqual(['optimal'])
    expect(caption).toContain('fixed architectures')
    const [low = 0, high = 0] = x.limits ?? []
    expect([low < 0.4, low > 0.35, high > 0.5, high < 0.55]).toEqual([true, true, true, true])
  })
  test('points have open markers, and no two methods of a panel have the same colour and marker', () => {
    const searches = Object.values<Algorithm>(builtinAlgorithms).flatMap(({ name, look }) =>
      look === undefined || name === 'genotype' ? [] : [name],
    )
    const given = [1, 2, 3, 4, 5].map((index) => ({
      algorithm: 'genotype',
      options: { genotype: spaceIndex(nb201).at(index) },
    }))
    const runs = [...searches.map((algorithm) => ({ algorithm })), ...given].map((each) => {
      const { result, ...run } = fixtureRun(each)
      return { ...run, ...(result && { result: { ...result, parameters: 1e6 } }) }
    })
    const { series } = paretoFigure(runs, 'parameters', new Set(['genotype', 'optimal', 'resnet'])).panels[0] as Plot
    const points = series.filter(({ form }) => form === 'points')
    expect(points.length).toBeGreaterThan(searches.length)
    expect(points.every(({ open }) => open)).toBe(true)
    expect(new Set(points.map(({ look }) => `${look.colour} ${look.marker}`)).size).toBe(points.length)
    const { datasets } = chartConfig({ ...(paretoFigure(runs).panels[0] as Plot), series: points }, lightTheme).data
    for (const { backgroundColor } of datasets as { backgroundColor: string }[]) {
      expect(backgroundColor).toMatch(/^#[0-9a-f]{6}(30)?$|^#00000000$/)
    }
  })
  test('an axis of epochs ends at the last epoch, and has no tick at an end that is not round', () => {
    const plot = hessianFigure(fixtureRuns(2)).panels[0] as Plot
    const { scales } = chartConfig(plot, lightTheme).options as { scales: Record<string, Record<string, unknown>> }
    expect(scales.x.max).toBe(10)
    expect(scales.x.ticks).toMatchObject({ includeBounds: false })
    const limited = chartConfig({ ...plot, x: { ...plot.x, limits: [2, 61] } }, lightTheme).options as typeof scales
    expect((limited as { scales: typeof scales }).scales.x).toMatchObject({ min: 2, max: 61 })
  })
  test('panels of one method each have the same axis, also where its lower end is cut', () => {
    const line = (label: string, y: number, high: number) => ({
      ...{ label, look: looksOf([{ algorithm: 'drnas', variant: 0 }])[0], form: 'line' as const },
      ...{ points: [{ x: 1, y }], band: [{ x: 1, low: y, high }] },
    })
    const series = [line('a', 80, 85), line('b', 81, 90)]
    const axis = { label: 'accuracy (%)', scale: 'linear', limits: [61, undefined] } as const
    const { panels } = inPanels({ kind: 'plot', title: '', x: axis, y: axis, series }, 1)
    for (const panel of panels as readonly Plot[]) expect(panel.y.atLeast).toEqual([80, 90])
  })
  test.each(['hessian', 'skips', 'anytime', 'training', 'alpha'] as const)(
    '%s has the bands that the user chooses, with one method and with two',
    async (kind) => {
      const one = fixtureRuns(3)
      const options = { space: nb201, references: new Set<string>() }
      for (const runs of [one, [...one, ...fixtureRuns(3, { algorithm: 'darts-v1' })]]) {
        const bands = async (spread: Spread) => {
          const { panels, caption } = await makeFigure(kind, runs, { ...options, spread })
          const points = (panels as readonly Plot[]).flatMap(({ series }) => series.flatMap(({ band = [] }) => band))
          return { caption, bands: JSON.stringify(points) }
        }
        const [range, std, none] = [await bands('range'), await bands('std'), await bands('none')]
        expect(new Set([range, std, none].map(({ bands: drawn }) => drawn)).size).toBe(3)
        expect(range.caption).toContain('min to max')
        expect(std.caption).toContain('± 1 std')
      }
    },
  )
  test('a logarithmic axis has no end at or below 0', async () => {
    const options = { space: nb201, references: new Set<string>(), quantity: 'dominantEigenvalue' }
    const runs = fixtureRuns(2).map((run) => ({
      ...run,
      epochs: run.epochs.map((epoch, i) => ({
        ...epoch,
        probes: { hessian: { ...(epoch.probes?.hessian as object), dominantEigenvalue: 100 ** i } },
      })),
    }))
    const [plot] = (await makeFigure('hessian', runs, options)).panels as readonly Plot[]
    expect(plot.y.scale).toBe('log')
    await expect(makeFigure('hessian', runs, { ...options, limits: { y: [0, 5] } })).rejects.toThrow(
      'is logarithmic and has no 0; give ends above 0',
    )
  })
  test('operations in the figure of mixing weights have words as names and colours of no method', () => {
    const { series } = alphaFigure(fixtureRuns(2), nb201.edges as unknown as readonly Edge[]).panels[0] as Plot
    expect(series.map(({ label }) => label)).toEqual(['none', 'skip', 'conv 1×1', 'conv 3×3', 'avg pool 3×3'])
    const ofMethods = looksOf(Object.keys(builtinAlgorithms).map((algorithm) => ({ algorithm, variant: 0 })))
    for (const { look } of series) expect(ofMethods.map(({ colour }) => colour)).not.toContain(look.colour)
    expect(['sep_conv_5x5', 'dil_conv_3x3', 'mine'].map(operationWords)).toEqual([
      'sep conv 5×5',
      'dil conv 3×3',
      'mine',
    ])
  })
  test('the range of each method has a panel of its own, with equal axes', () => {
    const runs = [...fixtureRuns(2), ...fixtureRuns(2, { algorithm: 'gdas' })]
    const panels = rangeFigure(runs).panels as readonly Plot[]
    expect(panels.map(({ title }) => title)).toEqual(['drnas', 'gdas'].map((label) => expect.stringContaining(label)))
    for (const { series, y } of panels) {
      expect(series).toHaveLength(2)
      expect(y).toEqual(panels[0].y)
    }
  })
  test.each([
    ['anytime', (runs: readonly RunRecord[]) => anytimeFigure(apart(runs))],
    ['hessian', hessianFigure],
  ])('of up to four methods share a panel, of more each has its own with the others in grey: %s', (_, figureOf) => {
    const names = ['drnas', 'darts-v1', 'darts-v2', 'pc-darts', 'gdas', 'snas', 'rsps']
    const of = (count: number) =>
      figureOf(names.slice(0, count).flatMap((algorithm) => fixtureRuns(2, { algorithm }))).panels as readonly Plot[]
    for (const { series } of of(4)) expect(series.map(({ label }) => label)).toEqual(names.slice(0, 4))
    const panels = of(7)
    expect(panels.map(({ title }) => title.split(',')[0])).toEqual(names)
    for (const [i, { series, y }] of panels.entries()) {
      const banded = series.filter(({ band = [] }) => band.length > 0)
      expect(banded.map(({ label }) => label)).toEqual([names[i]])
      expect(series).toHaveLength(7)
      expect(y).toEqual(panels[0].y)
    }
  })
  test('of skip connections have a panel for each search, with a thin line for each seed that agrees with its architectures', () => {
    const runs = [...fixtureRuns(3), ...fixtureRuns(2, { algorithm: 'darts-v1' })]
    const { panels, caption } = skipsFigure(runs)
    expect(caption).toContain('thin: each seed')
    for (const [i, { title, series, y }] of (panels as readonly Plot[]).entries()) {
      const name = ['drnas', 'darts-v1'][i]
      expect(title).toBe(name)
      expect(y).toEqual((panels[0] as Plot).y)
      const own = runs.filter(({ manifest }) => manifest.job.algorithm.name === name)
      const seeds = series.filter(({ partOf }) => partOf === name)
      expect(seeds.map(({ label, thin }) => [label, thin])).toEqual(
        own.map(({ manifest }) => [`${name}, seed ${manifest.job.seed}`, true]),
      )
      for (const [seed, { points }] of seeds.entries()) {
        expect(points.map(({ y: count }) => count)).toEqual(
          own[seed].epochs.map(({ genotype }) => genotype.split('skip_connect').length - 1),
        )
      }
      expect(series.at(-1)).toMatchObject({ label: name, band: [] })
    }
  })
  test('of skip connections of many seeds, or where the user chooses a band, have no line for each seed', () => {
    for (const { panels } of [skipsFigure(fixtureRuns(21)), skipsFigure(fixtureRuns(3), 'std')]) {
      const { series } = panels[0] as Plot
      expect(series.map(({ label, band }) => [label, band?.length])).toEqual([['drnas', 10]])
    }
  })
  test('of skip connections count them in the architectures of the epochs', () => {
    const [run] = fixtureRuns(1)
    const epochs = run.epochs.map((epoch) => ({ ...epoch, genotype: '|skip_connect~0|+|none~0|skip_connect~1|' }))
    const [panel] = skipsFigure([{ ...run, epochs }]).panels as readonly Plot[]
    expect(panel.series[0].points.map(({ y }) => y)).toEqual(epochs.map(() => 2))
    expect(() => skipsFigure([{ ...run, epochs: epochs.map((each) => ({ ...each, genotype: 'a' })) }])).toThrow(
      'no search has skip connections',
    )
  })
  test('bars of ranks join neighbours within the critical difference, the longest only', () =>
    expect(cliques([{ rank: 1 }, { rank: 1.5 }, { rank: 2.2 }, { rank: 4 }], 1)).toEqual([
      [0, 1],
      [1, 2],
    ]))
  test('lines of ranks go down apart from each other, in the order of the ranks, and stay where there is room', () => {
    expect(lanesOf([10, 40, 90])).toEqual([10, 40, 90])
    for (const ranks of [
      [50, 50],
      [50, 50, 50, 51],
      [10, 11, 12, 40, 41, 41.5],
      [0, 3, 6, 9, 12],
    ]) {
      const lanes = lanesOf(ranks)
      for (const [i, lane] of lanes.entries()) {
        if (i > 0) expect(lane - lanes[i - 1]).toBeGreaterThan(4.99)
        expect(Math.abs(lane - ranks[i])).toBeLessThan(5 * ranks.length)
      }
    }
  })
  test('no line of a method hides that of another, even where all methods have one rank', () => {
    const runs = ['drnas', 'gdas', 'snas', 'darts-v1', 'enas'].flatMap((algorithm) =>
      [0, 1, 2, 3].map((seed) => fixtureRun({ algorithm, seed, accuracyPct: 90 })),
    )
    const [panel] = ranksFigure(runs).panels
    if (panel.kind !== 'drawing') throw new Error('expected a drawing')
    const lines = panel.shapes.flatMap((shape) =>
      shape.kind === 'path' && shape.colour !== 'ink'
        ? [/L([\d.]+),[\d.]+ V([\d.]+)/.exec(shape.path)?.slice(1) ?? []]
        : [],
    )
    expect(lines).toHaveLength(5)
    expect(new Set(lines.map(([lane]) => lane)).size).toBe(5)
  })
  test('ranks of one method are refused', () =>
    expect(() => ranksFigure(fixtureRuns(4))).toThrow('ranks need two searches'))
  test('fixed architectures have no rank', () => {
    const runs = [
      ...fixtureRuns(2),
      ...fixtureRuns(2, { algorithm: 'darts-v1' }),
      ...fixtureRuns(2, { algorithm: 'optimal' }),
    ]
    const written = (references: string[]) => JSON.stringify(ranksFigure(runs, new Set(references)))
    expect(written([])).toContain('optimal')
    expect(written(['optimal'])).not.toContain('optimal')
    expect(() => ranksFigure(runs, new Set(['optimal', 'darts-v1']))).toThrow('found 1 and ')
  })
})

describe('ranks', () => {
  /** Every search is better than the next on every seed and dataset: CIFAR-10, searched on, and CIFAR-100. */
  const agreeing = (seeds: Readonly<Record<string, number>>) =>
    Object.entries(seeds).flatMap(([algorithm, n], place) =>
      Array.from({ length: n }, (_, seed) => fixtureRun({ algorithm, seed, accuracyPct: 90 - place + seed / 10 })),
    )
  /** scipy: friedmanchisquare of three samples that agree in every block. */
  const p = { 3: '0.050', 4: '0.018', 5: '0.0067' }

  test.each([3, 4, 5] as const)('have %i seeds as their blocks, whatever the number of test columns', (n) => {
    const { caption, panels } = ranksFigure(agreeing({ drnas: n, gdas: n, snas: n }))
    const part = `${n} seeds, Friedman p = ${p[n]}, critical difference ${(2.343 * Math.sqrt(2 / n)).toFixed(2)}.`
    expect(caption).toContain(`CIFAR-10 test: ${part} CIFAR-100 test: ${part}`)
    expect(panels.map(({ title }) => title)).toEqual(['CIFAR-10 test', 'CIFAR-100 test'])
  })
  test('of two seeds have no p-value and no critical difference, and say why', () => {
    const figure = ranksFigure(agreeing({ drnas: 2, gdas: 2, snas: 2 }))
    expect(figure.caption).toContain('CIFAR-10 test: 2 seeds, too few for a p-value, which takes 3.')
    expect(JSON.stringify(figure)).not.toMatch(/Friedman|Nemenyi|critical/)
  })
  test('leave out seeds that not all searches finished, and say so', () =>
    expect(ranksFigure(agreeing({ drnas: 5, gdas: 5, snas: 3 })).caption).toContain(
      'CIFAR-10 test: 3 seeds (left out: 2 that not all finished), Friedman p = 0.050',
    ))
  test('of one test column need no names', () => {
    const headline = { cifar10: fixtureProtocol.headline.cifar10.slice(0, 1) }
    const runs = agreeing({ drnas: 3, gdas: 3 }).map(({ manifest, ...run }) => {
      const protocol = { ...manifest.job.protocol, headline }
      return { ...run, manifest: { ...manifest, job: { ...manifest.job, protocol } } }
    })
    expect(ranksFigure(runs).caption).toMatch(/1 is best\. 3 seeds, Friedman p/)
  })
})

describe('looks', () => {
  const alone = (algorithm: string) => looksOf([{ algorithm, variant: 0 }])[0]
  const asLine = ({ colour, dash }: Look) => `${colour} ${dash}`
  const asPoint = ({ colour, marker }: Look) => `${colour} ${marker}`
  const builtin = Object.keys(builtinAlgorithms).map((algorithm) => ({ algorithm, variant: 0 }))

  test.each([
    ['lines', asLine],
    ['points', asPoint],
  ])('tell all built-in algorithms, their variants and third-party algorithms apart, as %s', (_, told) => {
    const variants = [1, 2, 3].map((variant) => ({ algorithm: 'drnas', variant }))
    const strangers = ['my-search', 'your-search'].map((algorithm) => ({ algorithm, variant: 0 }))
    const methods = [...builtin, ...variants, ...strangers]
    expect(new Set(looksOf(methods).map(told)).size).toBe(methods.length)
  })
  test('of an algorithm are the same in every figure', () => {
    expect(looksOf(builtin).map(asLine)).toEqual(builtin.map(({ algorithm }) => asLine(alone(algorithm))))
    expect(alone('my-search')).toEqual(alone('my-search'))
  })
  test('are of different colours first', () => {
    const variants = [0, 1, 2, 3].map((variant) => ({ algorithm: 'drnas', variant }))
    expect(new Set(looksOf(variants).map(({ colour }) => colour)).size).toBe(4)
  })
})

describe('pictures', () => {
  test.each(['svg', 'pdf'] as const)('hold a cloud of points as one image: %s', (format) => {
    const points = Array.from({ length: 15_625 }, (_, i) => ({ x: i % 125, y: Math.floor(i / 125) }))
    const series = {
      label: 'all',
      look: { colour: '#9aa6b2', dash: [], marker: 'circle' },
      form: 'cloud',
      points,
    } as const
    const axis = { label: 'error (%)', scale: 'linear' } as const
    const plot: Plot = { kind: 'plot', title: '', x: axis, y: axis, series: [series] }
    const picture = renderFigure({ name: 'scatter', caption: '', columns: 1, panels: [plot] }, format)
    expect(picture.length).toBeLessThan(1_000_000)
    if (format === 'svg') expect(picture.toString().match(/<image/g)).toHaveLength(1)
  })
  test('hold large series that are painted one after the other as one image, in the order of the series', () => {
    const seriesOf = (label: string, count: number) => ({
      label,
      look: { colour: '#9aa6b2', dash: [], marker: 'circle' } as const,
      form: 'points' as const,
      points: Array.from({ length: count }, (_, i) => ({ x: i % 125, y: Math.floor(i / 125) })),
    })
    const axis = { label: 'error (%)', scale: 'linear' } as const
    const images = (...sizes: readonly number[]) => {
      const series = sizes.map((size, i) => seriesOf(`search ${i}`, size))
      const plot: Plot = { kind: 'plot', title: '', x: axis, y: axis, series }
      const svg = renderFigure({ name: 'pareto', caption: '', columns: 1, panels: [plot] }, 'svg').toString()
      return svg.match(/<image/g)?.length ?? 0
    }
    expect([images(1200, 1500), images(1200, 3, 1500), images(3, 3)]).toEqual([1, 2, 0])
  })
  const figure = hessianFigure(fixtureRuns(2))
  test('a PNG is 85 mm wide at 300 dpi', async () => {
    const { width } = await loadImage(renderFigure(figure, 'png'))
    expect(width).toBe(Math.round((85 / 25.4) * 300))
  })
  test('an SVG holds its letters as paths, so that it needs no font', () => {
    const svg = renderFigure(figure, 'svg').toString('utf8')
    expect(svg).toContain('<svg')
    expect(svg).not.toContain('<text')
  })
  test('the paths of an SVG have coordinates with two decimals at most', () => {
    const paths = [
      ...renderFigure(figure, 'svg')
        .toString('utf8')
        .matchAll(/ d="([^"]*)"/g),
    ].map(([, path]) => path)
    expect(paths.length).toBeGreaterThan(5)
    for (const path of paths) {
      expect(path).toMatch(/^(?:[A-Z]|-?\d+(?:\.\d{1,2})?|[ ,])*$/)
    }
  })
  test('a PDF is a PDF', () => expect(renderFigure(figure, 'pdf').subarray(0, 5).toString('latin1')).toBe('%PDF-'))
  test('are the same, bit for bit, every time', () =>
    expect(renderFigure(figure, 'png').equals(renderFigure(figure, 'png'))).toBe(true))
  test('an unknown ending is refused', () =>
    expect(() => pictureFormat('a.gif')).toThrow('unknown picture format "gif"'))
})

describe('accuracy over time', () => {
  /** Two seeds of a black-box search, told two accuracies each. */
  const asking = (algorithm: string, seeds = 2) =>
    Array.from({ length: seeds }, (_, seed) =>
      askingRun(
        [10, 100].map((usedSeconds) => ({
          ...{ genotype: fixtureRun().epochs[0].genotype, usedSeconds },
          accuracyPct: 80 + seed + usedSeconds / 100,
        })),
        { algorithm, seed },
      ),
    )
  const seven = ['drnas', 'darts-v1', 'darts-v2', 'pc-darts', 'gdas', 'snas', 'rsps']
  const plots = (runs: readonly RunRecord[]) => anytimeFigure(runs).panels as Plot[]

  test('of black-box searches is the oracle’s best answer over simulated time, and the caption speaks of nothing else', () => {
    const { caption, panels } = anytimeFigure(asking('rea'))
    expect(panels.map(({ title }) => title)).toEqual(['validation, best so far'])
    expect(caption).toMatch(/^Best validation accuracy that the oracle has told .* Mean and min to max over seeds\.$/)
    expect(caption).not.toMatch(/test|epoch/i)
  })
  test('of searches that train is a test accuracy, and the caption speaks of no oracle', () =>
    expect(anytimeFigure(fixtureRuns(2)).caption).not.toMatch(/oracle|black-box/))
  test('of both has a sentence for each', () =>
    expect(anytimeFigure([...fixtureRuns(2), ...asking('rea')]).caption).toMatch(/^Test accuracy .* Best validation /))

  test.each([
    ['searches without a curve', seven.map((algorithm) => ({ ...fixtureRun({ algorithm }), epochs: [] }))],
    ['searches of other panels', seven.slice(0, 5).flatMap((algorithm) => fixtureRuns(2, { algorithm }))],
  ])('keeps its bands beside %s', (_, others) => {
    const clock = plots([...asking('rea'), ...asking('random'), ...others]).find(({ x }) => x.scale === 'log')
    expect(clock?.series.map(({ band }) => band?.length)).toEqual([2, 2])
  })
  test('has a title above every panel, or above none', () => {
    const supernets = ['drnas', 'darts-v1', 'pc-darts'].flatMap((algorithm) => fixtureRuns(2, { algorithm }))
    const blackBox = ['rea', 'random', 'reinforce', 'bohb', 'local-search'].flatMap((algorithm) => asking(algorithm))
    for (const runs of [supernets, blackBox, [...supernets, ...blackBox], [...supernets, ...asking('rea')]]) {
      expect(new Set(plots(runs).map(({ title }) => title !== '')).size).toBe(1)
    }
  })
  test('has a panel for each search whose band lies on two others at most of the times', () => {
    const shifted = (algorithm: string, by: number) =>
      asking(algorithm).map((run): RunRecord => {
        const { result } = run
        const queries =
          result?.oracle?.queries.map((query) => ({ ...query, accuracyPct: query.accuracyPct + by })) ?? []
        return { ...run, ...(result?.oracle && { result: { ...result, oracle: { ...result.oracle, queries } } }) }
      })
    const apart = [...shifted('rea', 0), ...shifted('random', 2), ...shifted('bohb', 4)]
    expect(plots(apart).map(({ series }) => series.length)).toEqual([3])
    const mixed = [...shifted('rea', 0), ...shifted('random', 0.2), ...shifted('bohb', 0.4)]
    expect(plots(mixed).map(({ title }) => title.split(',')[0])).toEqual(['rea', 'random', 'bohb'])
  })
  test('shows the deviation of many seeds, not of many runs', () => {
    const captionOf = (seeds: number) => anytimeFigure(asking('rea', seeds)).caption
    expect(captionOf(20)).toContain('min to max')
    expect(captionOf(21)).toContain('± 1 std')
  })
})

describe('the results of many seeds', () => {
  const runsOf = (n: number) =>
    Array.from({ length: n }, (_, seed): RunRecord => {
      const { result, ...run } = fixtureRun({ seed, accuracyPct: 90 + (seed % 3) })
      return { ...run, ...(result && { result: { ...result, parameters: 1e6 } }) }
    })
  const pointsOf = (n: number) => {
    const { caption, panels } = paretoFigure(runsOf(n))
    return { caption, points: (panels[0] as Plot).series[1].points }
  }
  test('share a point where they ended at the same place, which says so', () => {
    const { caption, points } = pointsOf(201)
    expect(points.map(({ y }) => y)).toEqual([90, 91, 92])
    expect(points.map(({ note }) => /^seed (\d+):.*; (\d+) other seeds here$/.exec(note ?? '')?.slice(1))).toEqual([
      ['0', '66'],
      ['1', '66'],
      ['2', '66'],
    ])
    expect(caption).toContain('Of a search with more than 200 seeds, those that ended at the same place share a point.')
  })
  test('have a point each up to 200 seeds', () => {
    const { caption, points } = pointsOf(200)
    expect(points).toHaveLength(200)
    expect(caption).not.toContain('share a point')
  })
})

describe('size and accuracy of full trainings', () => {
  const figure = paretoFigure([
    trainedRun({ accuracies: [97, 96] }),
    trainedRun({ genotype: 'DRNAS', accuracies: [95] }),
    trainedRun({ dataset: 'cifar100', accuracies: [80] }),
  ])
  test('has a panel for each dataset, and a mean over the trainings of an architecture', () => {
    expect(figure.panels.map(({ title }) => title)).toEqual(['CIFAR-10 test', 'CIFAR-100 test'])
    const [, ...methods] = (figure.panels[0] as Plot).series
    expect(methods.map(({ label, points }) => [label, points[0].y])).toEqual([
      ['DARTS_V2', 96.5],
      ['DRNAS', 95],
    ])
  })
  test('has a panel for each setting of the training, named where a dataset has several', () => {
    const runs = [trainedRun({}), trainedRun({ request: { preset: 'drnas-paper', epochs: 5 } })]
    expect(paretoFigure(runs).panels.map(({ title }) => title)).toEqual([
      'CIFAR-10 test, epochs=600',
      'CIFAR-10 test, epochs=5',
    ])
  })
  test('stands beside looked-up numbers of other runs', () =>
    expect(paretoFigure([...fixtureRuns(2), trainedRun({})].map(onOneSpace)).panels.map(({ title }) => title)).toEqual([
      'CIFAR-10 test',
      'CIFAR-100 test',
      'CIFAR-10 test',
    ]))
})

const onOneSpace = (run: RunRecord): RunRecord => ({
  ...run,
  manifest: { ...run.manifest, job: { ...run.manifest.job, space: 'darts' } },
})

describe('the figure of test accuracies', () => {
  const withAccuracies = (algorithm: string, accuracies: readonly number[]) =>
    accuracies.map((accuracyPct, seed) => fixtureRun({ algorithm, seed, accuracyPct }))
  const runs = [
    ...withAccuracies('darts-v1', [54, 92, 93, 93.5]),
    ...withAccuracies('drnas', [93, 94, 93.5, 93.8]),
    ...withAccuracies('optimal', [94.4]),
  ]
  const drawn = (limits?: readonly [number, number]) => {
    const [panel] = accuraciesFigure(runs, new Set(['optimal']), limits).panels
    if (panel.kind !== 'drawing') throw new Error('expected a drawing')
    const { shapes, width, height } = panel
    return { texts: shapes.flatMap((shape) => (shape.kind === 'text' ? [shape] : [])), shapes, width, height }
  }

  test('has the searches in the order of their means, with mean and deviation, and references as lines', () => {
    const words = drawn().texts.map(({ text }) => text)
    expect(words.indexOf('drnas')).toBeLessThan(words.indexOf('darts-v1'))
    expect(words).toContain('93.58 ± 0.43')
    expect(words).toContain('optimal 94.40')
  })

  test('has a dot for every seed on the axis, and an arrow with its value for a seed far below', () => {
    const { shapes, texts } = drawn()
    expect(shapes.filter((shape) => shape.kind === 'fill' && shape.path.includes('a3.4'))).toHaveLength(7)
    expect(texts.map(({ text }) => text)).toContain('54.0')
    expect(accuraciesFigure(runs, new Set(['optimal'])).caption).toContain('An arrow stands for seeds beyond the axis')
  })

  test('has the axis limits that the user gives', () => {
    const { shapes } = drawn([50, 100])
    expect(shapes.filter((shape) => shape.kind === 'fill' && shape.path.includes('a3.4'))).toHaveLength(8)
  })

  test('keeps all texts inside', () => {
    const { texts, width, height } = drawn()
    for (const { x, y } of texts) {
      expect(x >= 0 && x <= width && y >= 0 && y <= height).toBe(true)
    }
  })

  test('shows quartiles of many seeds', () => {
    const many = fixtureRuns(50)
    expect(accuraciesFigure(many).caption).toContain('boxes are quartiles')
  })

  test('shows full trainings', () => {
    const panels = accuraciesFigure(
      [96, 97].map((accuracy, seed) => trainedRun({ seed, accuracies: [accuracy] })),
    ).panels
    expect(panels.map(({ title }) => title)).toEqual(['CIFAR-10 test, trained in full'])
  })

  test('has a panel for each setting of full trainings, named where a dataset has several', () => {
    const { numbers } = accuraciesFigure([
      ...[600, 5].map((epochs) => trainedRun({ request: { preset: 'drnas-paper', epochs } })),
      trainedRun({ dataset: 'cifar100' }),
    ])
    expect(numbers?.rows.map(([title, method]) => [title, method])).toEqual([
      ['CIFAR-10 test, trained in full: epochs=600', 'DARTS_V2'],
      ['CIFAR-10 test, trained in full: epochs=5', 'DARTS_V2'],
      ['CIFAR-100 test, trained in full', 'DARTS_V2'],
    ])
  })

  test('names searches as the table does where other variants were trained in full', () => {
    const withOptions = ({ manifest, ...rest }: RunRecord, options: Readonly<Record<string, unknown>>): RunRecord => {
      const { protocol } = fixtureRun().manifest.job
      const job = { ...manifest.job, protocol, algorithm: { name: 'drnas', version: 1, options } }
      return { ...rest, manifest: { ...manifest, job } }
    }
    const runs = [withOptions(fixtureRun(), { k: 1 }), withOptions(trainedRun({ algorithm: 'drnas' }), { k: 4 })]
    const { numbers } = accuraciesFigure(runs.map(onOneSpace))
    expect(new Set(numbers?.rows.map(([, method]) => method))).toEqual(new Set(['drnas (k=1)', 'drnas (k=4)']))
  })

  test('is of the trainings alone where searches without any number are of several spaces', () => {
    const search = (space: string): RunRecord => {
      const { manifest, ...rest } = fixtureRun()
      const { table: _, ...job } = manifest.job
      return { ...rest, manifest: { ...manifest, job: { ...job, space } } }
    }
    const runs = [search('darts-s1'), search('darts-s2'), trainedRun({})]
    expect(accuraciesFigure(runs).panels.map(({ title }) => title)).toEqual(['CIFAR-10 test, trained in full'])
    expect(paretoFigure(runs).panels.map(({ title }) => title)).toEqual(['CIFAR-10 test'])
  })

  test.each([
    [0, 1],
    [93.1, 94.4],
    [10, 95],
    [0.001, 0.0042],
  ])('has round ticks between %d and %d', (low, high) => {
    const ticks = roundTicks(low, high)
    expect(ticks.length).toBeGreaterThanOrEqual(3)
    expect(ticks.length).toBeLessThanOrEqual(7)
    for (const tick of ticks) expect(tick >= low && tick <= high).toBe(true)
  })
})
