import { beforeAll, describe, expect, test } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { openTable } from '../../src/tables/openTable.ts'
import {
  findArchitecture,
  isomorphicTo,
  neighboursOf,
  ordered,
  pairs,
  parseCondition,
  rankOf,
  rowsWhere,
  selectQualifiers,
} from '../../src/tables/query.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import type { Table } from '../../src/tables/table.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const ROWS = 400
let table: Table

/** The first 400 architectures; row r has (7r mod 100) %, every tenth row none; its loss is 100 minus that. */
beforeAll(async () => {
  const indices = Array.from({ length: ROWS }, (_, i) => i)
  const accuracies = Float64Array.from(indices, (i) => (i % 10 === 9 ? Number.NaN : (7 * i) % 100))
  writeTable(folder, 'many', space, {
    index: Int32Array.from(indices),
    arch: indices.map((index) => space.at(index)),
    numbers: [
      { name: 'cifar10/ori-test/200/777', values: accuracies },
      { name: 'cifar10/ori-test/200/mean', values: accuracies },
      { name: 'cifar10-valid/x-valid/12/mean', values: accuracies },
      { name: 'loss:cifar10/ori-test/200/777', values: accuracies.map((value) => 100 - value) },
    ],
    texts: [],
    source: { format: 'csv', name: 'made in a test', sha256: '' },
    notes: [],
  })
  table = await openTable('many', { folders: [folder] })
})

const accuracies = () => table.column('cifar10/ori-test/200/777')

describe('a table returns', () => {
  test('the best rows first, of equals the lower index first, without those that lack the number', () => {
    const best = ordered(table, accuracies())
    expect(best).toHaveLength(360)
    expect(best.slice(0, 4)).toEqual([57, 157, 257, 357])
    expect(ordered(table, accuracies(), 'lowest').slice(0, 3)).toEqual([0, 100, 200])
  })

  test('ranks that equal numbers share', () => {
    expect(rankOf(table, accuracies(), 357)).toEqual({ rank: 1, of: 360 })
    expect(rankOf(table, accuracies(), 14)).toEqual({ rank: 5, of: 360 }) // 98 %, after four rows of 99 %
    expect(rankOf(table, accuracies(), 9)).toBeUndefined()
  })

  test('which architectures differ in one operation', () => {
    const { edges } = nb201
    const own = nb201.parse(space.at(5)).operations
    for (const index of neighboursOf(table, nb201, 5)) {
      const other = nb201.parse(space.at(index)).operations
      expect(edges.filter((_, edge) => own[edge] !== other[edge])).toHaveLength(1)
    }
  })

  test('which architectures compute the same function', () => {
    const keyOf = (index: number) => nb201.trainingKey?.(nb201.parse(space.at(index)))
    const index = [...table.indices()].find((i) => isomorphicTo(table, nb201, i).length > 1) as number
    const same = isomorphicTo(table, nb201, index)
    expect(same).toContain(index)
    expect(new Set(same.map(keyOf)).size).toBe(1)
    expect([...table.indices()].filter((other) => keyOf(other) === keyOf(index))).toEqual(same)
  })

  test('the values of two columns in the rows that have both', () => {
    const { x, y } = pairs(table, accuracies(), table.column('loss:cifar10/ori-test/200/777'))
    expect(x).toHaveLength(360)
    expect(x.every((value, i) => value + y[i] === 100)).toBe(true)
  })
})

describe('conditions', () => {
  test('are not met by rows without the number', () => {
    const column = 'cifar10/ori-test/200/777'
    const met = (comparison: string) => rowsWhere(table, [parseCondition(`${column}${comparison}50`)])
    expect(met('<').length + met('>=').length).toBe(360)
    expect(met('!=').length + met('=').length).toBe(360)
  })
})

describe('an architecture', () => {
  test('is found by index and by string', () => {
    expect(findArchitecture(table, nb201, '17')).toBe(17)
    expect(findArchitecture(table, nb201, '#17')).toBe(17)
    expect(findArchitecture(table, nb201, ` ${space.at(17)} `)).toBe(17)
  })

  test.each([
    ['15625', 'there is no architecture 15625; nb201 has 0 to 15624'],
    ['401', 'table many has no row for 401; it has 400 of 15625'],
    ['|none~0|', 'architecture "|none~0|"'],
  ])('%s is not', (text, message) => {
    expect(() => findArchitecture(table, nb201, text)).toThrow(message)
  })
})

describe('accuracies are narrowed down', () => {
  test('by any part of their names', () => {
    expect(selectQualifiers(table, {})).toHaveLength(3)
    expect(selectQualifiers(table, { dataset: 'cifar10' })).toHaveLength(2)
    expect(selectQualifiers(table, { seed: 'mean', split: 'x-valid' })).toHaveLength(1)
  })

  test('and an unknown part is named in the error, with a hint at CIFAR-10’s validation accuracies', () => {
    expect(() => selectQualifiers(table, { dataset: 'cifar' })).toThrow('did you mean "cifar10"')
    expect(() => selectQualifiers(table, { dataset: 'cifar10', split: 'x-valid' })).toThrow(
      'it has ori-test; there is cifar10-valid/x-valid/12/mean',
    )
    expect(() => selectQualifiers(table, { dataset: 'cifar10', epochs: 12 })).toThrow('after 200 epochs, not after 12')
    expect(() => selectQualifiers(table, { dataset: 'cifar10', seed: 3 })).toThrow('for seeds 777, mean, not for 3')
  })
})
