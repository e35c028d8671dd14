import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { joinedColumns } from '../../src/tables/joinTables.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { paretoFront, pointsOf } from '../../src/tables/query.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import type { Table } from '../../src/tables/table.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
let table: Table

beforeAll(async () => {
  writeTable(folder, 'five', space, {
    index: Int32Array.of(0, 1, 2, 3, 4),
    arch: [0, 1, 2, 3, 4].map((index) => space.at(index)),
    numbers: [
      { name: 'params-M', values: Float64Array.of(3, 1, 2, 2, 4) },
      { name: 'cifar10/ori-test/200/mean', values: Float64Array.of(90, 80, 90, 85, Number.NaN) },
    ],
    texts: [],
    source: { format: 'csv', name: 'made in a test', sha256: '' },
    notes: [],
  })
  table = await openTable('five', { folders: [folder] })
})

describe('the Pareto front', () => {
  const points = () => pointsOf(table.rows, table.column('params-M'), table.column('cifar10/ori-test/200/mean'))

  test('has the rows that no other row equals in one number and beats in the other', () => {
    expect(paretoFront(points(), 'lower', 'higher')).toEqual([
      { row: 1, x: 1, y: 80 },
      { row: 2, x: 2, y: 90 },
    ])
  })

  test('can maximise or minimise either number', () => {
    expect(paretoFront(points(), 'higher', 'higher').map(({ row }) => row)).toEqual([0])
    expect(paretoFront(points(), 'higher', 'lower').map(({ row }) => row)).toEqual([0, 3, 1])
  })

  test('leaves out rows that lack a number', () => {
    expect(points().map(({ row }) => row)).toEqual([0, 1, 2, 3])
  })
})

describe('columns of latencies on a device', () => {
  const joined = (content: string) => {
    const path = join(folder, 'pixel3.csv')
    writeFileSync(path, content)
    return joinedColumns(table, space, path)
  }

  test('are joined by architecture, in any order and with gaps', async () => {
    const [latency] = await joined(`arch,latency:pixel3\n${space.at(3)},7.5\n${space.at(0)},2\n${space.at(99)},1\n`)
    expect(latency.name).toBe('latency:pixel3')
    expect([0, 1, 2, 3, 4].map((row) => latency.at(row))).toEqual([2, undefined, undefined, 7.5, undefined])
  })

  test('are joined by architecture also in a space without numbering', async () => {
    const cells = ['DARTS_V1', 'DARTS_V2'].map((name) => darts.format(darts.parse(name)))
    writeTable(folder, 'cells', spaceIndex(darts), {
      index: Int32Array.of(0, 1),
      arch: cells,
      numbers: [{ name: 'params-M', values: Float64Array.of(3, 4) }],
      texts: [],
      source: { format: 'csv', name: 'made in a test', sha256: '' },
      notes: [],
    })
    const path = join(folder, 'cells.csv')
    writeFileSync(path, 'arch,latency:pixel3\nDRNAS,9\nDARTS_V2,2\nDARTS_V1,1\n')
    const [latency] = await joinedColumns(await openTable('cells', { folders: [folder] }), spaceIndex(darts), path)
    expect([0, 1].map(latency.at)).toEqual([1, 2])
  })

  test('are refused if the table has a column of the same name', async () => {
    await expect(joined(`arch,params-M\n${space.at(3)},7.5\n`)).rejects.toThrow('has a column "params-M" itself')
  })
})
