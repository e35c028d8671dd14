import { describe, expect, test } from 'vitest'
import { compacted, formatCompact, parseCompact } from '../../../src/report/committed/records.ts'
import { makeFigure } from '../../../src/report/figures/index.ts'
import { trainingFigure } from '../../../src/report/figures/training.ts'
import { figureCsv } from '../../../src/report/page/figureHtml.ts'
import type { Figure, Plot } from '../../../src/report/pictures/figure.ts'
import { layOut } from '../../../src/report/pictures/paintFigure.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { fixtureRun, fixtureRuns, type Trained, trainedRun } from '../fixtureRuns.ts'

const plots = ({ panels }: Figure) => panels as readonly Plot[]
const lines = (plot: Plot) => plot.series.filter(({ thin }) => !thin)
const thins = (plot: Plot) => plot.series.filter(({ thin }) => thin)

/** A run whose epochs are changed one by one. */
const withEpochs = (run: RunRecord, change: (epoch: RunRecord['epochs'][number]) => object): RunRecord => ({
  ...run,
  epochs: run.epochs.map((epoch) => ({ ...epoch, ...change(epoch) })),
})

const two = [...fixtureRuns(2), ...fixtureRuns(2, { algorithm: 'darts-v1' })]

describe('the training curves of searches', () => {
  test('are a panel of losses and one of accuracies: a line with a band of the validation half, a thin one of the other', () => {
    const figure = trainingFigure(two)
    expect(figure.columns).toBe(2)
    expect(plots(figure).map(({ y }) => y.label)).toEqual(['loss', 'accuracy (%)'])
    for (const plot of plots(figure)) {
      expect(lines(plot).map(({ label }) => label)).toEqual(['drnas', 'darts-v1'])
      expect(lines(plot).every(({ band = [] }) => band.length === 10)).toBe(true)
      expect(thins(plot).map(({ label, partOf, band = [] }) => [label, partOf, band.length])).toEqual([
        ['drnas, training', 'drnas', 0],
        ['darts-v1, training', 'darts-v1', 0],
      ])
    }
    const [loss, accuracy] = plots(figure)
    expect(lines(loss)[0].points[3]).toEqual({ x: 4, y: 2.1 - 3 / 12 })
    expect(thins(loss)[0].points[3]).toEqual({ x: 4, y: 2 - 3 / 10 })
    expect(lines(accuracy)[1].points[9].y).toBe(28 + 1.5 * 9)
    expect(figure.caption).toContain('Thin: the half that the network weights train on.')
  })

  test.each([
    ['validLoss', 2.1],
    ['trainLoss', 2],
    ['trainAccuracy', 30],
    ['validAccuracy', 28],
  ] as const)('of one half are a single panel without thin lines: %s', (quantity, first) => {
    const figure = trainingFigure(two, quantity)
    expect(figure.panels).toHaveLength(1)
    expect(plots(figure)[0].series.map(({ points, thin }) => [points[0].y, thin])).toEqual([
      [first, undefined],
      [first, undefined],
    ])
    expect(figure.caption).not.toContain('Thin')
  })

  test('of more than four methods are a panel each with the losses, on one axis; the accuracies are a choice', () => {
    const names = ['drnas', 'darts-v1', 'darts-v2', 'pc-darts', 'gdas', 'snas']
    const runs = names.flatMap((algorithm) => fixtureRuns(2, { algorithm }))
    for (const [quantity, label] of [
      [undefined, 'loss'],
      ['accuracy', 'accuracy (%)'],
    ] as const) {
      const panels = plots(trainingFigure(runs, quantity))
      expect(panels.map(({ title }) => title)).toEqual(names)
      for (const [i, { y, series }] of panels.entries()) {
        expect(y).toEqual({ ...panels[0].y, label })
        expect(series.filter(({ band = [] }) => band.length > 0).map((line) => line.label)).toEqual([names[i]])
        expect(series.at(-1)?.label).toBe(`${names[i]}, training`)
      }
    }
  })

  test('of a method without a validation half are its thin line, and do not hide the others', () => {
    const [single, ...others] = two.map((run, i) => (i < 2 ? withEpochs(run, () => ({ validLoss: undefined })) : run))
    const [plot] = plots(trainingFigure([single, ...others], 'loss'))
    expect(lines(plot).map(({ label, points }) => [label, points.length])).toEqual([
      ['drnas', 0],
      ['darts-v1', 10],
    ])
    expect(thins(plot).map(({ points }) => points.length)).toEqual([10, 10])
  })

  test('begin at the first epoch in which a half was measured', () => {
    const late = two.map((run) => withEpochs(run, ({ epoch }) => (epoch < 4 ? { validLoss: undefined } : {})))
    const [plot] = plots(trainingFigure(late, 'loss'))
    expect(lines(plot)[0].points[0].x).toBe(5)
    expect(thins(plot)[0].points[0].x).toBe(1)
  })

  test('have panels of their own for each dataset', () => {
    const elsewhere = fixtureRuns(2).map((run) => ({
      ...run,
      manifest: { ...run.manifest, job: { ...run.manifest.job, dataset: { name: 'cifar100' } } },
    }))
    const figure = trainingFigure([...fixtureRuns(2), ...elsewhere])
    expect(plots(figure).map(({ title, y }) => [title, y.label])).toEqual([
      ['CIFAR-10', 'loss'],
      ['CIFAR-10', 'accuracy (%)'],
      ['CIFAR-100', 'loss'],
      ['CIFAR-100', 'accuracy (%)'],
    ])
  })

  test('cut losses far above the others off, and say so', () => {
    const wild = withEpochs(fixtureRun({ algorithm: 'zen-darts' }), ({ epoch }) =>
      epoch === 0 ? { validLoss: 20 } : {},
    )
    const figure = trainingFigure([...two, wild], 'loss')
    expect(plots(figure)[0].y.limits?.[1]).toBeLessThan(10)
    expect(figure.caption).toContain('cut off')
    expect(plots(trainingFigure(two, 'loss'))[0].y.limits).toBeUndefined()
    expect(trainingFigure(two, 'loss').caption).not.toContain('cut off')
  })

  test('are the same from a compact report', () => {
    const exact = two.map((run) => withEpochs(run, ({ epoch }) => ({ trainLoss: 1 / (epoch + 3) })))
    const read = parseCompact(formatCompact(exact.map(compacted)), 'runs.jsonl.gz')
    expect(trainingFigure(read, 'trainLoss')).toEqual(trainingFigure(exact, 'trainLoss'))
    expect(JSON.stringify(read)).not.toContain('0.3333333')
  })

  test('are missing of searches that train no network, and of records of earlier reports', () => {
    const without = two.map((run) =>
      withEpochs(run, () => ({ trainLoss: undefined, validLoss: undefined, trainAccuracyPct: undefined })),
    )
    expect(() => trainingFigure(without)).toThrow('no run has recorded losses or accuracies of its epochs')
    expect(() => trainingFigure(two, 'testAccuracy')).toThrow('no run has recorded test accuracy of full trainings')
  })
})

describe('the training curves of full trainings', () => {
  const curvesOf = (shift: number) => ({
    trainLoss: [2 + shift, 1, 0.5],
    trainAccuracyPct: [30, 60, 90],
    testAccuracyPct: [40, 70, 95 + shift],
  })
  /** A run with full trainings that have curves. */
  const trained = (shifts: readonly number[], options: Trained = {}): RunRecord =>
    trainedRun({ ...options, accuracies: shifts, curves: shifts.map(curvesOf) })

  test('are the training loss, and the test accuracy with a thin line of the training accuracy', () => {
    const figure = trainingFigure([trained([0, 0.4]), trained([0.2], { genotype: 'DRNAS' })])
    expect(plots(figure).map(({ title, y }) => [title, y.label])).toEqual([
      ['CIFAR-10, trained in full', 'loss'],
      ['CIFAR-10, trained in full', 'accuracy (%)'],
    ])
    const [loss, accuracy] = plots(figure)
    expect(lines(loss).map(({ label, points }) => [label, points[0].y])).toEqual([
      ['DARTS_V2', 2.2],
      ['DRNAS', 2.2],
    ])
    expect(lines(accuracy)[0].band?.[2]).toEqual({ x: 3, low: 95, high: 95.4 })
    expect(thins(accuracy)[0].points[2].y).toBe(90)
    expect(figure.caption).toContain('full trainings')
    expect(plots(trainingFigure([trained([0])], 'testAccuracy'))[0].series).toHaveLength(1)
  })
  test('stand beside the curves of searches', () =>
    expect(trainingFigure([...two, trained([0])]).panels.map(({ title }) => title)).toEqual([
      '',
      '',
      'CIFAR-10, trained in full',
      'CIFAR-10, trained in full',
    ]))
  test('are named by their settings where a dataset has several', () => {
    const other = trained([0], { request: { preset: 'drnas-paper', epochs: 5 } })
    const titles = trainingFigure([trained([0]), other], 'loss').panels.map(({ title }) => title)
    expect(titles).toEqual(['CIFAR-10, trained in full: epochs=600', 'CIFAR-10, trained in full: epochs=5'])
  })
  test('are missing in records without curves', () => expect(() => trainingFigure([trainedRun({})])).toThrow('no run'))
})

describe('a figure with panels of several axes', () => {
  test('names each panel by its axis in the numbers', () => {
    const [head, first, ...rest] = figureCsv(trainingFigure(two)).split('\n')
    expect(head).toBe('panel,series,epoch,y,band low,band high,note')
    expect(first).toMatch(/^loss,"drnas, training",1,2,/)
    expect(rest.some((line) => line.startsWith('accuracy (%),drnas,1,28,'))).toBe(true)
  })
  test('has fewer panels side by side on narrow paper, so that each has room', () => {
    const names = ['drnas', 'darts-v1', 'darts-v2', 'pc-darts', 'gdas', 'snas', 'rsps']
    const figure = trainingFigure(names.flatMap((algorithm) => fixtureRuns(1, { algorithm })))
    const mm = 96 / 25.4
    const across = (width: number) => layOut(figure, width * mm).places.filter(({ y }) => y === 0).length
    expect([across(178), across(85), across(30)]).toEqual([4, 2, 1])
  })
})

describe('the quantity of a figure', () => {
  const options = { space: builtinSpaces.nb201, references: new Set<string>() }
  test.each([
    ['hessian', 'validLoss', 'the figure hessian has no quantity validLoss; it has dominantEigenvalue, spectralNorm'],
    ['training', 'trace', 'the figure training has no quantity trace; it has loss, accuracy, trainLoss'],
    ['skips', 'loss', 'the figure skips has no quantities to choose from; leave out --quantity'],
    ['training', 'constructor', 'the figure training has no quantity constructor'],
  ] as const)('of another figure is refused: %s %s', async (kind, quantity, message) => {
    await expect(makeFigure(kind, two, { ...options, quantity })).rejects.toThrow(message)
  })
})
