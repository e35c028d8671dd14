import { describe, expect, test } from 'vitest'
import { compare } from '../../../src/report/comparison/comparison.ts'
import { comparisonTable } from '../../../src/report/comparison/comparisonTable.ts'
import { publishedBeside, publishedTables } from '../../../src/report/comparison/published.ts'
import { anytimeFigure } from '../../../src/report/figures/anytime.ts'
import { cellsFigure } from '../../../src/report/figures/cells.ts'
import { hessianFigure } from '../../../src/report/figures/hessian.ts'
import { paretoFigure } from '../../../src/report/figures/pareto.ts'
import { rangeFigure } from '../../../src/report/figures/range.ts'
import { renderTable } from '../../../src/report/formats/renderTable.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { failedRun, fixtureProtocol, fixtureRun, fixtureRuns, protocolOnBoth } from '../fixtureRuns.ts'

/** Two architectures that are one network: a 3×3 and then a 1×1 convolution, by the one inner node or the other. */
const THROUGH_NODE_1 = '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|'
const THROUGH_NODE_2 = '|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|'

const cells = (text: string, method: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(`| ${method} |`))
    ?.split('|')
    .map((cell) => cell.trim())

const markdown = (...args: Parameters<typeof comparisonTable>) => renderTable(comparisonTable(...args), 'md')

describe('a comparison', () => {
  test('has a row for each method and a column for each reported accuracy', () => {
    const { rows, columns } = compare([...fixtureRuns(4), ...fixtureRuns(4, { algorithm: 'darts-v1' })])
    expect(rows.map(({ method }) => method.label)).toEqual(['drnas', 'darts-v1'])
    expect(columns.map(({ dataset, split }) => `${dataset} ${split}`)).toEqual([
      'cifar10 validation',
      'cifar10 test',
      'cifar100 validation',
      'cifar100 test',
    ])
  })

  test('names variants of one algorithm by the options in which they differ', () => {
    const { rows } = compare([fixtureRun({ options: { k: 1, a: 2 } }), fixtureRun({ options: { k: 4, a: 2 } })])
    expect(rows.map(({ method }) => method.label)).toEqual(['drnas (k=1)', 'drnas (k=4)'])
    const lists = compare([[2], [4, 2]].map((k) => fixtureRun({ options: { k } })))
    expect(lists.rows.map(({ method }) => method.label)).toEqual(['drnas (k=2)', 'drnas (k=4,2)'])
  })

  test('of an empty store is refused', () => expect(() => compare([])).toThrow('there are no runs to compare'))

  test('of different protocols is refused, naming what differs', () => {
    const longer = { ...fixtureProtocol, epochs: 12 }
    expect(() => compare([fixtureRun(), fixtureRun({ algorithm: 'darts-v1', protocol: longer })])).toThrow(
      'the runs follow different protocols (epochs is 10 or 12); choose with --protocol, or --mix to show them marked',
    )
  })

  test('of different protocols is allowed with --mix, each row marked', () => {
    const longer = { ...fixtureProtocol, epochs: 12 }
    const mixed = compare([fixtureRun(), fixtureRun({ protocol: longer })], { mix: true })
    expect(mixed.rows.map(({ method }) => method.label)).toEqual([
      'drnas (protocol.epochs=10)',
      'drnas (protocol.epochs=12)',
    ])
    expect(markdown(mixed)).toContain('Mixed protocols: the rows differ in epochs and are not comparable.')
  })

  test('of two runs of one seed with different architectures is refused, naming the runs and their differing settings', () => {
    const first = fixtureRun()
    const { job } = first.manifest
    const manifest = { ...first.manifest, id: 'another', job: { ...job, executor: 'tfjs/tensorflow' } }
    const again = { ...first, manifest }
    expect(compare([first, again]).rows).toHaveLength(1)
    const other = { ...again, result: { ...first.result, genotype: '|none~0|' } as typeof first.result }
    expect(() => compare([first, other])).toThrow(
      /^seed 0 of drnas on cifar10 has two architectures, .* and another, which differ in executor; name/,
    )
  })

  test('of two runs of one job with different architectures is refused', () => {
    const [first, second] = [fixtureRun(), fixtureRun()]
    const other = { ...second, result: { ...second.result, genotype: '|none~0|' } as typeof second.result }
    expect(() => compare([first, other])).toThrow('though their jobs are the same; name the runs to compare')
    for (const figure of [hessianFigure, anytimeFigure, rangeFigure, paretoFigure]) {
      expect(() => figure([first, other])).toThrow('has two architectures')
    }
  })
  test('counts a run that is given twice once, in tables and figures', () => {
    const runs = fixtureRuns(2)
    expect(compare([...runs, ...runs]).rows[0]).toMatchObject({ seeds: 2, finished: 2 })
    expect(hessianFigure([...runs, ...runs]).caption).toContain('n = 2')
  })

  test('of accuracies from different lookup tables is refused even with --mix', () => {
    const other = fixtureRun({ seed: 1, table: { name: 'fixture-table', sha256: 'ffffffffffff' } })
    expect(() => compare([fixtureRun(), other], { mix: true })).toThrow(
      'runs on cifar10 were looked up in fixture-table (01234567) and fixture-table (ffffffff)',
    )
  })
})

describe('the table of a comparison', () => {
  test('counts failed seeds and never drops them', () => {
    const table = markdown(compare([...fixtureRuns(3), failedRun({ seed: 3 })]))
    expect(cells(table, 'drnas')?.slice(2, 5)).toEqual(['3', '1', '0'])
  })

  test('counts as failed only runs with a failure and no result, as unfinished those with neither', () => {
    const { result: _, ...unfinished } = fixtureRun({ seed: 4 })
    const [failed] = [failedRun({ seed: 2 })]
    const finishedLater = { ...fixtureRun({ seed: 3 }), failure: failed.failure }
    const [row] = compare([...fixtureRuns(2), failed, finishedLater, unfinished]).rows
    expect(row).toMatchObject({ seeds: 3, finished: 3, failed: 1, unfinished: 1 })
  })

  test('shows no deviation for a single seed, and marks nothing where there is one search', () =>
    expect(cells(markdown(compare([fixtureRun({ accuracyPct: 93.5 })])), 'drnas')?.[3]).toBe('93.50 ± —'))

  test('has a note where all seeds found the same architecture', () => {
    const [first, second] = fixtureRuns(2)
    const genotype = first.result?.genotype ?? ''
    const metrics = first.result?.metrics ?? []
    const alike = { ...second, result: { ...second.result, genotype, metrics } as typeof second.result }
    const note = 'All seeds have the same architecture, so that their numbers do not differ: drnas (2 seeds).'
    expect(markdown(compare([first, alike]))).toMatch(/\| drnas \| 2 \| [\d.]+ ± 0\.00/)
    expect(markdown(compare([first, alike]))).toContain(note)
    expect(markdown(compare([first, second]))).not.toContain('All seeds')
    expect(markdown(compare([first]))).not.toContain('All seeds')
  })

  test('says where a dataset has fewer seeds than the row, and where the seeds of one dataset are alike', () => {
    const on = (dataset: string, seeds: number) => fixtureRuns(seeds, { dataset, protocol: protocolOnBoth })
    const text = (cifar10: number) => markdown(compare([...on('cifar10', cifar10), ...on('cifar100', 3)]))
    expect(text(2)).toContain('Of fewer seeds than the row: drnas on CIFAR-10, 2 of 3.')
    expect(text(3)).not.toContain('Of fewer seeds')
    const { genotype = '', metrics = [] } = on('cifar100', 1)[0].result ?? {}
    const alike = on('cifar100', 3).map(
      (run) => ({ ...run, result: { ...run.result, genotype, metrics } }) as RunRecord,
    )
    expect(markdown(compare([...on('cifar10', 3), ...alike]))).toContain(': drnas on CIFAR-100 (3 seeds).')
  })

  test('takes two architectures for the same where they are one network, unless a table has two numbers for it', () => {
    const [first, second] = fixtureRuns(2)
    const found = (run: RunRecord, genotype: string, { result } = run) =>
      ({ ...run, result: { ...result, genotype, metrics: first.result?.metrics } }) as RunRecord
    const runs = [found(first, THROUGH_NODE_1), found(second, THROUGH_NODE_2)]
    expect(markdown(compare(runs))).toContain('All seeds have the same architecture')
    const otherNumber = { ...runs[1], result: { ...second.result, genotype: THROUGH_NODE_2 } } as RunRecord
    expect(markdown(compare([runs[0], otherNumber]))).not.toContain('All seeds')
    expect(cellsFigure(runs, nb201).panels.map(({ title }) => title)).toEqual(['drnas (2 of 2 seeds)'])
  })

  test('marks the best mean and all means that are printed alike', () => {
    const table = markdown(
      compare([
        fixtureRun({ accuracyPct: 94.361 }),
        fixtureRun({ algorithm: 'darts-v1', accuracyPct: 94.364 }),
        fixtureRun({ algorithm: 'gdas', accuracyPct: 94.35 }),
        fixtureRun({ algorithm: 'optimal', accuracyPct: 94.37 }),
      ]),
      { references: new Set(['optimal']) },
    )
    const shown = ['drnas', 'darts-v1', 'gdas', 'optimal'].map((method) => cells(table, method)?.[3])
    expect(shown).toEqual(['**94.36 ± —**', '**94.36 ± —**', '94.35 ± —', '94.37 ± —'])
  })

  test('marks the best mean in whatever order the methods come', () => {
    const [low, middle, high] = [
      fixtureRun({ algorithm: 'gdas', accuracyPct: 9.5 }),
      fixtureRun({ algorithm: 'snas', accuracyPct: 94 }),
      fixtureRun({ algorithm: 'drnas', accuracyPct: 100 }),
    ]
    const orders = [
      [low, middle, high],
      [low, high, middle],
      [middle, low, high],
      [middle, high, low],
      [high, low, middle],
      [high, middle, low],
    ]
    for (const runs of orders) {
      const table = markdown(compare(runs))
      const shown = ['gdas', 'snas', 'drnas'].map((method) => cells(table, method)?.[3])
      expect(shown).toEqual(['9.50 ± —', '94.00 ± —', '**100.00 ± —**'])
    }
  })

  test('shows NaN as NaN and never marks it as the best', () => {
    const table = markdown(
      compare([fixtureRun({ accuracyPct: Number.NaN }), fixtureRun({ algorithm: 'gdas', accuracyPct: 10 })]),
    )
    expect(cells(table, 'drnas')?.[3]).toBe('NaN ± —')
    expect(cells(table, 'gdas')?.[3]).toBe('**10.00 ± —**')
  })

  test('stands beside a published table that has one of its columns, whichever', () => {
    const comparison = compare(fixtureRuns(2))
    const own = comparison.columns.filter(({ dataset, searchedOn }) => dataset === searchedOn)
    expect(own.map(({ split }) => split)).toEqual(['validation', 'test'])
    for (const column of own) {
      const { table } = publishedBeside({ ...comparison, columns: [column] }, 'drnas-table-4')
      expect(table?.id, `${column.dataset} ${column.split}`).toBe('drnas-table-4')
    }
    const unknown = { ...comparison.columns[0], dataset: 'shapes' }
    const beside = () => publishedBeside({ ...comparison, columns: [unknown] }, 'drnas-table-4')
    expect(beside).toThrow('the published table drnas-table-4 has none of the accuracies of this comparison')
  })

  test('has empty cells for a method without a finished seed', () =>
    expect(cells(markdown(compare([fixtureRun(), failedRun({ algorithm: 'gdas' })])), 'gdas')?.slice(2, 6)).toEqual([
      '0',
      '1',
      '0',
      '—',
    ]))

  test('has published rows with their source, in columns of the same dataset searched on', () => {
    const published = publishedTables().find(({ id }) => id === 'drnas-table-4')
    const table = markdown(compare(fixtureRuns(4)), { published: { table: published } })
    expect(cells(table, 'DrNAS †')?.slice(2, 7)).toEqual(['4', '91.55 ± 0.00', '94.36 ± 0.00', '—', '—'])
    expect(cells(table, 'optimal †')?.[4]).toBe('94.37')
    expect(table).toContain('† Published, not run here: Chen, Wang')
    expect(table).toContain('Table 4; mean ± standard deviation, as printed there.')
  })

  test.each(['ci95', 'bootstrap', 'median'] as const)('has no spread of a single seed as %s', (summary) =>
    expect(cells(markdown(compare([fixtureRun({ accuracyPct: 93.5 })]), { summary }), 'drnas')?.[3]).toMatch(
      /^93\.50 \\?[[(]—\\?[\])]$/,
    ),
  )

  test('is the same bytes every time', () => {
    const runs = [...fixtureRuns(4), ...fixtureRuns(4, { algorithm: 'darts-v1' })]
    const render = () => renderTable(comparisonTable(compare(runs), { summary: 'bootstrap' }), 'md')
    expect(render()).toBe(render())
  })
})
