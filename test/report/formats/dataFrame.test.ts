/** Tables as files for data frames, read back. */
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { renderArrow, renderParquet } from '../../../src/report/formats/dataFrame.ts'
import { absent, number, type Tabular, titled, word } from '../../../src/report/formats/tabular.ts'
import { epochsTable } from '../../../src/report/listings/epochsTable.ts'
import { loadArrow } from '../../../src/tables/arrowLibrary.ts'
import { fixtureRun } from '../fixtureRuns.ts'

const table: Tabular = {
  columns: titled(['method', 'accuracy', 'loss', 'nothing']),
  rows: [
    [word('drnas β'), { kind: 'statistic', mean: 93.123456789, std: 0.5, n: 4, digits: 2 }, number(0.1, 1), absent],
    [word('one "seed"'), { kind: 'statistic', mean: 91, n: 1, digits: 2 }, absent, absent],
    [absent, absent, number(-2, 1), absent],
  ],
  notes: [],
}
const ROWS = [
  { method: 'drnas β', 'accuracy mean': 93.123456789, 'accuracy std': 0.5, 'accuracy n': 4, loss: 0.1, nothing: null },
  { method: 'one "seed"', 'accuracy mean': 91, 'accuracy std': null, 'accuracy n': 1, loss: null, nothing: null },
  { method: null, 'accuracy mean': null, 'accuracy std': null, 'accuracy n': null, loss: -2, nothing: null },
]

/** Reads a file back. → one record for each row */
const readers = {
  async arrow(content: Tabular) {
    return loadArrow()
      .tableFromIPC(renderArrow(content))
      .toArray()
      .map((row) => ({ ...row.toJSON() }))
  },
  async parquet(content: Tabular) {
    const { buffer, byteOffset, byteLength } = renderParquet(content)
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
    const rows = await parquetReadObjects({ file })
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? null])))
  },
}

describe.each(Object.entries(readers))('a table as %s', (_, read) => {
  test('has all digits, texts in UTF-8, unknown values as null, and three columns for a statistic', async () => {
    expect(await read(table)).toEqual(ROWS)
  })

  test('has a number and a unit for a quantity, and numbers beside texts as texts', async () => {
    const mixed: Tabular = {
      columns: titled(['cost', 'median']),
      rows: [
        [{ kind: 'quantity', value: 0.0625, unit: 'GPU days', digits: 1 }, word('93.1 (0.2)')],
        [number(0, 1), number(93.25, 1)],
        [absent, absent],
      ],
      notes: [],
    }
    expect(await read(mixed)).toEqual([
      { 'cost value': 0.0625, 'cost unit': 'GPU days', median: '93.1 (0.2)' },
      { 'cost value': 0, 'cost unit': null, median: '93.25' },
      { 'cost value': null, 'cost unit': null, median: null },
    ])
  })

  test('may have no rows', async () => {
    expect(await read({ ...table, rows: [] })).toEqual([])
  })
})

test('the epochs of runs are one table: a row for each epoch, with its loss, probes and looked-up metrics', async () => {
  const runs = [fixtureRun({ seed: 3 }), fixtureRun({ seed: 4 })]
  const epochs = runs.flatMap((run) => run.epochs)
  const rows = (await readers.arrow(epochsTable(runs))) as Record<string, unknown>[]
  expect(rows).toHaveLength(epochs.length)
  rows.forEach((row, i) => {
    const { epoch, genotype, trainLoss = null, metrics } = epochs[i]
    // As in figures, epochs count from 1; in records they count from 0.
    expect(row).toMatchObject({
      epoch: epoch + 1,
      architecture: genotype,
      ...(trainLoss !== null && { 'train loss': trainLoss }),
    })
    for (const { dataset, split, epochs: trained, seed, accuracyPct } of metrics) {
      expect(row[`${dataset}/${split}/${trained}/${seed}`]).toBe(accuracyPct)
    }
  })
  expect(new Set(rows.map(({ seed }) => seed))).toEqual(new Set([3, 4]))
  const variants = [4, 1].map((k) => fixtureRun({ options: { k } }))
  const methods = ((await readers.arrow(epochsTable(variants))) as Record<string, unknown>[]).map(
    ({ method }) => method,
  )
  expect([...new Set(methods)]).toEqual(['drnas (k=4)', 'drnas (k=1)'])
  expect(() => epochsTable([])).toThrow('these runs have recorded no epoch yet')
})
