import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseQualifier } from '../../src/core/metric.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { joinTables } from '../../src/tables/joinTables.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { encodeCurves, writeCurves } from '../../src/tables/writeCurves.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const folders = [folder]
const space = spaceIndex(nb201)

/** An imported table of one training on each architecture, and its curve. */
async function table(name: string, place: string, seed: number, accuracies: Readonly<Record<number, number>>) {
  const indices = Object.keys(accuracies).map(Number)
  const values = Float64Array.from(indices, (index) => accuracies[index])
  const [dataset, split, epochs] = place.split('/')
  const architectures = indices.map((index) => {
    const curve = Float64Array.of(accuracies[index] - 1, accuracies[index])
    const splits = [{ split, accuracyPct: curve, loss: curve, seconds: curve }]
    return { index, arch: space.at(index), runs: [{ dataset, epochs: Number(epochs), seed, splits }] }
  })
  const range = [Math.min(...indices), Math.max(...indices)] as const
  const curves = await writeCurves(folder, name, [{ range, bytes: encodeCurves(architectures) }])
  const content = {
    index: Int32Array.from(indices),
    arch: indices.map((index) => space.at(index)),
    numbers: [
      { name: `${place}/${seed}`, values },
      { name: `${place}/mean`, values, seeds: [seed] },
      { name: 'params-M', values: Float64Array.from(indices, (index) => index / 100) },
    ],
    texts: [{ name: 'unique', values: indices.map((index) => (index > 4 ? `s${index}` : null)) }],
    source: { format: 'pickle', name: `${name}.pickle`, sha256: '' },
    notes: ['Made in a test.'],
  }
  writeTable(folder, name, space, content, curves)
}

const merge = (...names: readonly string[]) => joinTables(names, { name: 'all', folder, space, folders })
const open = () => openTable('all', { folders })

describe('the merge of imported tables has', () => {
  test('the datasets of all tables, and a row wherever one table has it', async () => {
    await table('a', 'cifar10/ori-test/2', 888, { 4: 60, 7: 70 })
    await table('b', 'cifar100/x-test/2', 888, { 5: 20, 7: 30 })
    const manifest = await merge('a', 'b')
    const all = await open()
    const of = (index: number, name: string) => all.value(index, parseQualifier(name))
    expect([...all.indices()]).toEqual([4, 5, 7])
    expect([of(7, 'cifar10/ori-test/2/888'), of(7, 'cifar100/x-test/2/888')]).toEqual([70, 30])
    expect([of(4, 'cifar100/x-test/2/888'), of(5, 'cifar10/ori-test/2/mean')]).toEqual([undefined, undefined])
    expect([0, 1, 2].map((row) => [all.column('params-M').at(row), all.text('unique').at(row)])).toEqual([
      [0.04, undefined],
      [0.05, 's5'],
      [0.07, 's7'],
    ])
    expect(manifest).toMatchObject({ source: { format: 'merged', name: 'a, b' }, notes: ['Made in a test.'] })
  })

  test('the seeds of a mean that the tables state, else those of the columns', async () => {
    const seedsOf = async (seeds?: readonly number[]) => {
      const place = 'cifar10/ori-test/2'
      for (const [name, index] of [
        ['left', 1],
        ['right', 2],
      ] as const) {
        const numbers = [
          { name: `${place}/777`, values: Float64Array.of(50) },
          { name: `${place}/mean`, values: Float64Array.of(60), ...(seeds && { seeds }) },
        ]
        const source = { format: 'csv', name, sha256: '' }
        const content = { index: Int32Array.of(index), arch: [space.at(index)], numbers, texts: [], source, notes: [] }
        writeTable(folder, name, space, content)
      }
      const { columns } = await joinTables(['left', 'right'], { name: 'both', folder, space, folders })
      return columns.find(({ name }) => name === `${place}/mean`)?.seeds
    }
    expect(await seedsOf([999, 111])).toEqual([111, 999])
    expect(await seedsOf()).toEqual([777])
  })

  test('the curves of all tables', async () => {
    const curves = await readCurves('all', 7, { folders })
    expect(curves.map(({ dataset, accuracyPct }) => [dataset, accuracyPct])).toEqual([
      ['cifar10', [69, 70]],
      ['cifar100', [29, 30]],
    ])
  })

  test('means over the seeds of all tables', async () => {
    await table('c', 'cifar10/ori-test/2', 777, { 7: 80, 8: 90 })
    const manifest = await merge('a', 'c')
    const mean = (await open()).column('cifar10/ori-test/2/mean')
    expect([0, 1, 2].map(mean.at)).toEqual([60, 75, 90])
    expect(manifest.columns.find(({ name }) => name === mean.name)?.seeds).toEqual([777, 888])
  })

  test('one copy of what two tables have in common', async () => {
    await merge('a', 'a')
    expect((await open()).manifest.rows).toBe(2)
    expect(await readCurves('all', 4, { folders })).toHaveLength(1)
  })
})

test('tables that disagree are not merged', async () => {
  await table('d', 'cifar10/ori-test/2', 888, { 7: 70.5 })
  await expect(joinTables(['a', 'd'], { name: 'bad', folder, space, folders })).rejects.toThrow(
    `the tables disagree about cifar10/ori-test/2/888 of ${space.at(7)}: a has 70, d has 70.5; leave one of them out`,
  )
  expect(existsSync(join(folder, 'bad.arrow'))).toBe(false)
})

describe('tables of a space without numbering', () => {
  const cells = ['DARTS_V1', 'DARTS_V2', 'DRNAS'].map((name) => darts.format(darts.parse(name)))
  const dartsIndex = spaceIndex(darts)
  const columns = ['cifar10/ori-test/600/0', 'cifar10/ori-test/600/1']
  /** As a CSV file's import numbers them: in the order of its lines. */
  const written = (name: string, column: string, accuracies: Readonly<Record<string, number>>) =>
    writeTable(folder, name, dartsIndex, {
      index: Int32Array.from(Object.keys(accuracies).keys()),
      arch: Object.keys(accuracies),
      numbers: [{ name: column, values: Float64Array.from(Object.values(accuracies)) }],
      texts: [],
      source: { format: 'csv', name: `${name}.csv`, sha256: '' },
      notes: [],
    })

  test('are merged by architecture strings, whatever their row numbers', async () => {
    written('first', columns[0], { [cells[0]]: 97, [cells[1]]: 97.2 })
    written('second', columns[1], { [cells[2]]: 97.4, [cells[1]]: 97.3 })
    await joinTables(['first', 'second'], { name: 'both', folder, space: dartsIndex, folders })
    const both = await openTable('both', { folders })
    const rows = cells.map((arch) => columns.map((name) => both.value(both.find(arch) ?? -1, parseQualifier(name))))
    expect(rows).toEqual([
      [97, undefined],
      [97.2, 97.3],
      [undefined, 97.4],
    ])
  })
})
