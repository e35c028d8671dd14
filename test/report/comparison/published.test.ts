import { describe, expect, test } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import { parsePublished, positionOf, publishedTables } from '../../../src/report/comparison/published.ts'

const tables = publishedTables()
const table = (id: string) => tables.find((known) => known.id === id)
const row = (id: string, method: string) => table(id)?.rows.find((known) => known.method === method)

describe('published rows', () => {
  test('hold every table of the DrNAS paper, the DARTS tables and the figures of Zen-DARTS', () => {
    for (const number of [1, 2, 3, 4, 5, 6]) expect(table(`drnas-table-${number}`)?.place).toBe(`Table ${number}`)
    expect(table('darts-table-1')?.rows).toHaveLength(12)
    expect(table('drnas-table-2')?.rows).toHaveLength(19)
    expect(table('drnas-table-3')?.rows).toHaveLength(22)
    expect(table('drnas-table-4')?.rows).toHaveLength(13)
    expect(table('zen-darts-cifar10')?.rows[0].values[0].mean).toBe(2.56)
  })

  test('keep a number as it was printed', () => {
    expect(row('drnas-table-2', 'P-DARTS (Chen et al., 2019)')?.values[0]).toEqual({ text: '2.50', mean: 2.5 })
    expect(row('drnas-table-4', 'DrNAS')?.values[5]).toEqual({ text: '46.34 ± 0.00', mean: 46.34, std: 0 })
  })

  test('have no number where the document has none', () => {
    expect(row('drnas-table-3', 'MobileNet (Howard et al., 2017)')?.values[3]).toEqual({ text: '-' })
  })

  test('have names that no two tables share', () =>
    expect(new Set(tables.map(({ id }) => id)).size).toBe(tables.length))

  // §4.3: DrNAS outperforms them by 103.8 %, 35.9 %, 30.4 %, 6.4 % and 4.3 %, which are quotients of row sums.
  test.each([
    ['DARTS (1st) (Liu et al., 2019)', 103.8],
    ['GDAS (Dong & Yang, 2019)', 35.9],
    ['DSNAS (Hu et al., 2020)', 30.4],
    ['PC-DARTS (Xu et al., 2020)', 6.4],
    ['SNAS (Xie et al., 2019)', 4.3],
  ])('add up to what the DrNAS paper says of %s', (method, gainPct) => {
    const total = (name: string) => row('drnas-table-4', name)?.values.reduce((sum, { mean = NaN }) => sum + mean, 0)
    expect(100 * ((total('DrNAS') ?? Number.NaN) / (total(method) ?? Number.NaN) - 1)).toBeCloseTo(gainPct, 1)
  })

  test('name no algorithm but ours, and options that it takes', () => {
    const algorithms: Readonly<Record<string, Algorithm>> = builtinAlgorithms
    const named = tables.flatMap(({ id, rows }) => rows.map((each) => ({ id, ...each })))
    for (const { id, method, algorithm, options = {} } of named) {
      if (algorithm === undefined) expect(options, `${id}: ${method}`).toEqual({})
      else {
        expect(Object.keys(algorithms), `${id}: ${method}`).toContain(algorithm)
        expect(() => algorithms[algorithm].options.parse(options), `${id}: ${method}`).not.toThrow()
      }
    }
    expect(named.filter(({ algorithm }) => algorithm !== undefined).length).toBeGreaterThan(40)
  })

  test('name our algorithm wherever their method has one', () => {
    const ours = Object.keys(builtinAlgorithms)
    const unnamed = tables.flatMap(({ rows }) => rows.filter(({ algorithm }) => algorithm === undefined))
    const names = unnamed.map(({ method }) => method.replace(/ *\(.*$/, '').toLowerCase())
    // ProxylessNAS' published rows are of another space, as their notes say.
    expect(names.filter((name) => ours.includes(name) && name !== 'proxylessnas')).toEqual([])
  })

  test('of DARTS-PT agree where its tables repeat them', () => {
    const mean = (id: string, method: string, at: number) => row(id, method)?.values[at].mean ?? Number.NaN
    expect(mean('darts-pt-table-4', 'DARTS+PT', 0)).toBe(mean('darts-pt-table-2', 'DARTS+PT (avg)', 0))
    for (const method of ['DARTS+PT', 'DARTS+PT (fix α)']) {
      const accuracy = mean('nb201-listings', `${method} (Wang et al., 2021)`, 1)
      expect(accuracy).toBeCloseTo(100 - mean('darts-pt-table-4', method, 1), 8)
    }
    for (const space of [0, 1, 2, 3]) {
      expect(mean('darts-pt-table-3-cifar10', 'DARTS', space)).toBe(mean('drnas-table-6', 'DARTS', space))
    }
  })

  test('put no test error under our accuracies', () => {
    const ours = { dataset: 'cifar10', split: 'test', searchedOn: 'cifar10' } as const
    const shown = tables.flatMap((table) => {
      const column = table.columns[positionOf(table, ours)]
      return column ? [[table.id, column.better]] : []
    })
    expect(shown.length).toBeGreaterThan(3)
    expect(shown.filter(([, better]) => better === 'lower')).toEqual([])
  })

  test('are chosen for a table of NAS-Bench-201 as before: the paper’s own table comes first', () => {
    expect(tables.find(({ space }) => space === 'nb201')?.id).toBe('drnas-table-4')
  })

  test.each(['[1, 2]', '[]', '[1] }, { method: n, values: [1, 2]'])(
    'say which file and place are wrong: %s',
    (values) => {
      const rows = `[{ method: m, values: ${values} }]`
      const text = `document: D\ntables: [{ id: a, place: b, title: c, columns: [{ title: t }], rows: ${rows} }]`
      expect(() => parsePublished(text, 'd.yaml')).toThrow(
        'published rows d.yaml: tables.0: a row has more or fewer values than there are columns',
      )
    },
  )
})
