import { expect, test } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import type { SearchSpace, SpaceFamily } from '../../../src/core/space.ts'
import { figureKinds } from '../../../src/report/figures/index.ts'
import type { Tabular } from '../../../src/report/formats/tabular.ts'
import { figureList, genotypeList } from '../../../src/report/listings/list.ts'
import { readArchitecture } from '../../../src/retrain/genotypeArgument.ts'
import { darts } from '../../../src/spaces/darts/index.ts'

const texts = ({ rows }: Tabular): string[][] =>
  rows.map((row) => row.map((cell) => (cell.kind === 'text' ? cell.text : '')))

const { format } = (darts as unknown as SearchSpace).family as SpaceFamily

test('published genotypes are listed once, and each can be given by its name, its other names and its text', () => {
  const rows = texts(genotypeList(builtins.spaces ?? [], true))
  expect(rows.length).toBeGreaterThan(30)
  expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length)
  for (const [name, space, , , aliases, genotype] of rows) {
    const written = format(readArchitecture(name).genotype)
    for (const other of [genotype, ...aliases.split(', ').filter((alias) => alias !== '')]) {
      expect(format(readArchitecture(other).genotype), other).toBe(written)
    }
    expect(space).toBe('darts')
  }
})

test('the table for a terminal has no genotypes, which are too wide', () => {
  const { columns, rows } = genotypeList(builtins.spaces ?? [], false)
  expect(columns.map(({ key }) => key)).toEqual(['name', 'space', 'searched on', 'source'])
  expect(rows.every((row) => row.length === columns.length)).toBe(true)
})

test('figures are listed with the quantities that they can show', () => {
  const rows = texts(figureList(figureKinds))
  expect(rows.map(([name]) => name)).toEqual(Object.keys(figureKinds))
  expect(rows).toContainEqual(['skips', '', expect.stringContaining('skip connections')])
  expect(rows).toContainEqual(['anytime', 'accuracy, testAccuracy, regret', expect.any(String)])
})
