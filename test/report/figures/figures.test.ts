import { loadImage } from '@napi-rs/canvas'
import { describe, expect, test } from 'vitest'
import { cellsFigure } from '../../../src/report/figures/cells.ts'
import { hessianFigure } from '../../../src/report/figures/hessian.ts'
import { paretoFront } from '../../../src/report/figures/pareto.ts'
import { rangeFigure } from '../../../src/report/figures/range.ts'
import { cliques, ranksFigure } from '../../../src/report/figures/ranks.ts'
import { seedBand } from '../../../src/report/figures/seedBands.ts'
import type { Plot } from '../../../src/report/pictures/figure.ts'
import { lookOf } from '../../../src/report/pictures/palette.ts'
import { pictureFormat, renderFigure } from '../../../src/report/pictures/picture.ts'
import { layOut } from '../../../src/report/pictures/pictureLayout.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { darts, PUBLISHED } from '../../../src/spaces/darts/index.ts'
import { fixtureRun, fixtureRuns } from '../fixtureRuns.ts'

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
  test('is the mean between the least and the greatest', () => {
    const { points, band } = seedBand([new Map([[1, 2]]), new Map([[1, 4]])], 'range')
    expect(points).toEqual([{ x: 1, y: 3 }])
    expect(band).toEqual([{ x: 1, low: 2, high: 4 }])
  })
  test('has a gap where a value is not a number', () =>
    expect(seedBand([new Map([[1, Number.NaN]]), new Map([[1, 4]])], 'range').points[0].y).toBeNull())
  test('of a single seed has no deviation', () =>
    expect(seedBand([new Map([[1, 4]])], 'std').band).toEqual([{ x: 1, low: null, high: null }]))
  test('says where seeds are lacking', () =>
    expect(seedBand([new Map([[1, 4]]), new Map()], 'range').points[0].note).toBe('1 of 2 seeds'))
})

describe('the figure of the Hessian', () => {
  test('has a line a method, on a logarithmic axis where values span decades', () => {
    const figure = hessianFigure([...fixtureRuns(4), ...fixtureRuns(4, { algorithm: 'darts-v1', growth: 2 })])
    const plot = figure.panels[0] as Plot
    expect(plot.series.map(({ label }) => label)).toEqual(['drnas', 'darts-v1'])
    expect(plot.y.scale).toBe('log')
    expect(figure.caption).toContain('n = 4')
  })
  test('says that the probe is missing', () =>
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

describe('the figure of cells', () => {
  const figure = cellsFigure([published('DARTS_V2'), published('DRNAS')], darts)
  test('calls published cells by their name, as the table does', () =>
    expect(figure.panels.map(({ title }) => title)).toEqual([
      'DARTS_V2 (1 of 1 seeds), normal cell',
      'DARTS_V2 (1 of 1 seeds), reduction cell',
      'DRNAS (1 of 1 seeds), normal cell',
      'DRNAS (1 of 1 seeds), reduction cell',
    ]))
  test('draws narrow and wide cells to one scale, each within its panel', () => {
    const { drawings, places } = layOut(figure, 600)
    expect(drawings.factor).toBeLessThan(1)
    for (const { panel, width } of places) {
      const drawn = panel.kind === 'drawing' ? panel.width : 0
      expect(drawings.margin + drawings.factor * drawn).toBeLessThanOrEqual(width + 1e-9)
    }
  })
})

describe('other figures', () => {
  test('the range lies around the derived architecture', () => {
    const { points, band } = (rangeFigure(fixtureRuns(1)).panels[0] as Plot).series[0]
    points.forEach(({ y }, i) => {
      expect(y).toBeGreaterThanOrEqual(band?.[i].low ?? Number.NaN)
      expect(y).toBeLessThanOrEqual(band?.[i].high ?? Number.NaN)
    })
  })
  test('the front leaves out what another beats in size and accuracy', () => {
    const points = [
      { x: 1, y: 90 },
      { x: 2, y: 89 },
      { x: 2, y: 93 },
      { x: 3, y: 93 },
      { x: 4, y: 94 },
    ]
    expect(paretoFront(points).map(({ x, y }) => [x, y])).toEqual([
      [1, 90],
      [2, 93],
      [4, 94],
    ])
  })
  test('bars of ranks join neighbours within the critical difference, the longest only', () =>
    expect(cliques([{ rank: 1 }, { rank: 1.5 }, { rank: 2.2 }, { rank: 4 }], 1)).toEqual([
      [0, 1],
      [1, 2],
    ]))
  test('ranks of one method are refused', () =>
    expect(() => ranksFigure(fixtureRuns(4))).toThrow('ranks need two searches'))
  test('what is given has no rank among what was found', () => {
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
  test('an algorithm has the same colour everywhere, a stranger one of its own', () => {
    expect(lookOf('drnas')).toBe(lookOf('drnas'))
    expect(lookOf('my-search')).toEqual(lookOf('my-search'))
    expect(lookOf('my-search').colour).not.toBe(lookOf('drnas').colour)
  })
})

describe('pictures', () => {
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
  test('a PDF is a PDF', () => expect(renderFigure(figure, 'pdf').subarray(0, 5).toString('latin1')).toBe('%PDF-'))
  test('are the same, bit for bit, every time', () =>
    expect(renderFigure(figure, 'png').equals(renderFigure(figure, 'png'))).toBe(true))
  test('an unknown ending is refused', () =>
    expect(() => pictureFormat('a.gif')).toThrow('unknown picture format "gif"'))
})
