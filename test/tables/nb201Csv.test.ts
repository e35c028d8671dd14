import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseQualifier } from '../../src/core/metric.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { roleOf } from '../../src/tables/columnNames.ts'
import { importTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import type { Table } from '../../src/tables/table.ts'
import { tableEvaluator } from '../../src/tables/tableEvaluator.ts'
import { absent, nb201Csv, needsData } from './sharedData.ts'
import { temporaryFolder } from './temporaryFolder.ts'

describe.skipIf(absent)(`the flat file of NAS-Bench-201${needsData}`, () => {
  const folder = temporaryFolder()
  let table: Table

  beforeAll(async () => {
    await importTable(nb201Csv, { as: 'nb201', space: spaceIndex(nb201), folder })
    table = await openTable('nb201', { folders: [folder] })
  }, 60_000)

  test('has every row and every column of the flat file', async () => {
    const lines = createReadStream(nb201Csv).pipe(createGunzip()).pipe(parse())
    let readers: ((row: number) => string | number | undefined)[] = []
    let row = -1
    let differing = 0
    for await (const cells of lines as AsyncIterable<string[]>) {
      if (row++ < 0) readers = cells.map((name) => reader(table, name))
      else differing += cells.filter((cell, i) => readers[i](row - 1) !== expected(cell, i)).length
    }
    expect(row).toBe(15_625)
    expect(differing).toBe(0)
  })

  /** `arch` and `unique`, columns 1 and 2, are text. */
  const expected = (cell: string, column: number) =>
    column === 1 || column === 2 ? cell : cell === '' ? undefined : Number(cell)

  const reader = (from: Table, name: string) => {
    const role = roleOf(name)
    if (role?.kind === 'arch') return (row: number) => from.arch(row)
    if (role?.kind === 'text') return (row: number) => from.text(role.name).at(row)
    const column = from.column(role?.kind === 'number' ? role.name : 'index')
    return (row: number) => column.at(row)
  }

  test.each([
    [1835, 'cifar10-valid/x-valid/200/mean', 39.7693],
    [1835, 'cifar10/ori-test/200/mean', 54.2967],
    [6111, 'cifar10-valid/x-valid/200/mean', 91.6067],
    [6111, 'cifar10/ori-test/200/mean', 94.3733],
  ])('has the known value of #%i for %s', (index, qualifier, accuracyPct) => {
    expect(table.value(index, parseQualifier(qualifier))).toBe(accuracyPct)
  })

  test('misses seed 999 of 7,456 architectures', () => {
    const seed999 = table.manifest.columns.find(({ name }) => name === 'cifar10-valid/x-valid/200/999')
    expect(seed999?.missing).toBe(7456)
  })

  test('answers a black-box search by the 12-epoch accuracy at the cost of 12 epochs and a validation pass', async () => {
    const answer = await tableEvaluator(table, nb201, 'cifar10').validate(nb201.parse(table.arch(284) as string))
    expect(answer).toEqual({ accuracyPct: 72.876, seconds: expect.closeTo((975.1589 / 200) * (12 + 1 / 3), 9) })
  })
})
