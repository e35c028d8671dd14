import { expect, test } from 'vitest'
import { sortedBy, withColumns } from '../../../src/report/formats/arrange.ts'
import type { Tabular } from '../../../src/report/formats/tabular.ts'

const table: Tabular = {
  columns: [
    { title: 'Method', key: 'method' },
    { title: 'CIFAR-10 test', key: 'cifar10 test' },
    { title: 'Seeds', key: 'runs' },
  ],
  rows: [
    [
      { kind: 'text', text: 'drnas' },
      { kind: 'number', value: 93, digits: 1 },
      { kind: 'number', value: 4, digits: 0 },
    ],
    [
      { kind: 'text', text: 'gdas' },
      { kind: 'number', value: 94, digits: 1 },
      { kind: 'number', value: 3, digits: 0 },
    ],
  ],
  notes: [],
}

test.each(['CIFAR-10 test', 'cifar-10 TEST', 'cifar10 test'])('a column is chosen by its title or key: %s', (name) => {
  expect(withColumns(table, [name]).columns.map(({ key }) => key)).toEqual(['method', 'cifar10 test'])
  expect(sortedBy(table, name).rows.map(([method]) => method)).toMatchObject([{ text: 'gdas' }, { text: 'drnas' }])
})

test.each(['CIFAR-10 tst', 'cifar10 tst'])(
  'an unknown column is answered with the titles that the table shows: %s',
  (name) => {
    const message = `unknown column "${name}"; did you mean "CIFAR-10 test"? (known: Method, CIFAR-10 test, Seeds)`
    expect(() => withColumns(table, [name])).toThrow(message)
    expect(() => sortedBy(table, name)).toThrow(message)
  },
)
