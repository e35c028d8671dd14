import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseQualifier } from '../../src/core/metric.ts'
import { type Nb201Genotype, nb201 } from '../../src/spaces/nb201/index.ts'
import { loadArrow } from '../../src/tables/arrowLibrary.ts'
import type { TableContent } from '../../src/tables/content.ts'
import { openTable, verifyTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { indexIn, spaceIndex } from '../../src/tables/spaceIndex.ts'
import type { Table } from '../../src/tables/table.ts'
import { encodeCurves, writeCurves } from '../../src/tables/writeCurves.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)

/** Three rows of a space of 15,625; the second has no seed 999. */
const content: TableContent = {
  index: Int32Array.of(5, 6, 12),
  arch: [5, 6, 12].map((index) => space.at(index)),
  numbers: [
    { name: 'cifar10-valid/x-valid/200/777', values: Float64Array.of(80, 81, 82) },
    { name: 'cifar10-valid/x-valid/200/999', values: Float64Array.of(80.5, Number.NaN, 82.5) },
    { name: 'cifar10/ori-test/200/777', values: Float64Array.of(90, 91, 92) },
    { name: 'loss:cifar10/ori-test/200/777', values: Float64Array.of(0.3, 0.2, 0.1) },
  ],
  texts: [{ name: 'unique', values: ['a', null, 'ü'] }],
  source: { format: 'csv', name: 'made in a test', sha256: '' },
  notes: [],
}

const path = (file: string) => join(folder, file)
let table: Table

beforeAll(async () => {
  writeTable(folder, 'three', space, content)
  table = await openTable('three', { folders: [folder] })
})

describe('an open table', () => {
  test('returns every number of every row, and undefined for a missing one', () => {
    for (const { name, values } of content.numbers) {
      const column = table.column(name)
      content.index.forEach((index, row) => {
        expect(table.row(index)).toBe(row)
        expect(column.at(row)).toBe(Number.isNaN(values[row]) ? undefined : values[row])
      })
    }
    expect([0, 1, 2].map((row) => table.text('unique').at(row))).toEqual(['a', undefined, 'ü'])
  })

  test('lists the accuracies of a row with their qualifiers, without the missing ones', () => {
    expect(table.metrics(6)).toEqual([
      { dataset: 'cifar10-valid', split: 'x-valid', epochs: 200, seed: 777, accuracyPct: 81 },
      { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 777, accuracyPct: 91 },
    ])
  })

  test('finds rows by index and by string', () => {
    expect(table.find(space.at(12))).toBe(12)
    expect(table.arch(12)).toBe(space.at(12))
    expect(table.find(space.at(7))).toBeUndefined()
  })

  test('finds every architecture of the space by its number as by its string', () => {
    const withoutNumbers = { ...nb201, numbering: undefined }
    for (let index = 0; index < 15_625; index++) {
      const genotype = nb201.numbering?.at(index) as Nb201Genotype
      const row = [5, 6, 12].includes(index) ? index : undefined
      expect([indexIn(table, nb201, genotype), indexIn(table, withoutNumbers, genotype)]).toEqual([row, row])
    }
  })

  test('reads and checks the column of architectures only when it is used', async () => {
    const bytes = readFileSync(path('three.arrow'))
    const at = bytes.indexOf(space.at(6))
    const damaged = Buffer.from(bytes)
    damaged[at] ^= 1
    writeTable(folder, 'damaged', space, content)
    const file = readdirSync(folder).find((name) => /^damaged.*arrow$/.test(name)) as string
    writeFileSync(path(file), damaged)
    const opened = await openTable('damaged', { folders: [folder] })
    expect(opened.value(6, parseQualifier('cifar10/ori-test/200/777'))).toBe(91)
    expect(() => opened.arch(6)).toThrow('column "arch" disagrees with the table’s manifest')
    await expect(verifyTable('damaged', { folders: [folder] })).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('has no row before the first or after the last where all architectures up to one are in it', async () => {
    writeTable(folder, 'first', space, { ...content, index: Int32Array.of(0, 1, 2), arch: [0, 1, 2].map(space.at) })
    const first = await openTable('first', { folders: [folder] })
    expect([-1, 0, 1, 2, 3, 4].map((index) => first.row(index))).toEqual([undefined, 0, 1, 2, undefined, undefined])
    expect(first.metrics(3)).toEqual([])
  })

  test('has no value for an architecture without a row or for an index outside the space', () => {
    const qualifier = parseQualifier('cifar10/ori-test/200/777')
    for (const index of [7, -1, 15_625, 0.5, Number.NaN]) {
      expect(table.value(index, qualifier)).toBeUndefined()
      expect(table.metrics(index)).toEqual([])
      expect(table.arch(index)).toBeUndefined()
    }
  })

  test.each([
    ['cifar11/ori-test/200/777', 'unknown dataset of table three "cifar11"; did you mean "cifar10"?'],
    [
      'cifar10/x-valid/200/777',
      'dataset cifar10 has no split x-valid; it has ori-test; there is cifar10-valid/x-valid/200/777',
    ],
    ['cifar10/ori-test/100/777', 'three has cifar10/ori-test after 200 epochs, not after 100'],
    ['cifar10/ori-test/200/mean', 'three has cifar10/ori-test/200 for seeds 777, not for mean'],
  ])('says which part of %s it does not have', (name, message) => {
    expect(() => table.value(5, parseQualifier(name))).toThrow(message)
  })

  test('suggests the nearest column', () => {
    expect(() => table.column('loss:cifar10/ori-test/200/778')).toThrow('did you mean "loss:cifar10/ori-test/200/777"')
  })

  test('refuses to read text as numbers and numbers as text', () => {
    expect(() => table.column('unique')).toThrow('holds text')
    expect(() => table.text('index')).toThrow('holds numbers')
  })

  test('is an Arrow file from which the Arrow library reads the same values', () => {
    const read = loadArrow().tableFromIPC(readFileSync(path('three.arrow')))
    expect(read.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'index: Int32',
      'arch: Utf8',
      'unique: Utf8',
      ...content.numbers.map(({ name }) => `${name}: Float64`),
    ])
    expect(read.getChild('cifar10-valid/x-valid/200/999')?.toJSON()).toEqual([80.5, null, 82.5])
  })
})

describe('a table is refused with an error of one line where', () => {
  const cases: [string, (name: string) => void, string][] = [
    [
      'the file is cut off',
      (name) => writeFileSync(path(`${name}.arrow`), readFileSync(path('three.arrow')).subarray(0, -8)),
      'bytes, its manifest says',
    ],
    ['the file is empty', (name) => writeFileSync(path(`${name}.arrow`), ''), 'has 0 bytes'],
    ['the file is another kind', (name) => writeFileSync(path(`${name}.arrow`), 'index,arch\n'), 'has 11 bytes'],
    ['the file is missing', () => {}, 'does not exist'],
  ]
  test.each(cases)('%s', async (what, damage, message) => {
    const name = what.replaceAll(' ', '-')
    const manifest = readFileSync(path('three.manifest.json'), 'utf8').replace('three.arrow', `${name}.arrow`)
    writeFileSync(path(`${name}.manifest.json`), manifest)
    damage(name)
    const attempt = openTable(path(`${name}.arrow`))
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.not.toThrow('\n')
  })

  test.each([
    ['', 'no valid JSON'],
    ['null', 'not a manifest'],
    ['[]', 'bad.manifest.json: not a manifest'],
    ['{"schema":2}', 'manifest schema 2, expected 1'],
    ['{"schema":1}', 'has no name'],
    [
      '{"schema":1,"name":"x","space":"nb201","architectures":1,"rows":1,"source":{"format":"","name":"","sha256":""},"notes":[]}',
      'names no table file',
    ],
  ])('its manifest is %s', async (text, message) => {
    writeFileSync(path('bad.manifest.json'), text)
    await expect(openTable('bad', { folders: [folder] })).rejects.toThrow(message)
  })

  test.each([
    ['schema', '{"schema":', 'manifest schema of unknown form, expected 1'],
    ['name', '{"schema":1,"name":', 'has no name'],
  ])('the %s in its manifest is a list in a list in a list …', async (_, start, message) => {
    writeFileSync(path('bad.manifest.json'), `${start}${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    await expect(openTable('bad', { folders: [folder] })).rejects.toThrow(message)
  })

  test('its manifest is longer than the limit', async () => {
    writeFileSync(path('bad.manifest.json'), Buffer.alloc(65 * 2 ** 20, ' '))
    await expect(openTable('bad', { folders: [folder] })).rejects.toThrow(
      'is too long for a manifest; the limit is 64 MiB',
    )
  })

  test.each(['../elsewhere.arrow', '/etc/passwd', '..', 'a\\b.arrow'])(
    'its manifest names the file %s, which is not beside it',
    async (file) => {
      const manifest = JSON.parse(readFileSync(path('three.manifest.json'), 'utf8'))
      writeFileSync(path('bad.manifest.json'), JSON.stringify({ ...manifest, table: { ...manifest.table, file } }))
      await expect(openTable('bad', { folders: [folder] })).rejects.toThrow('names no table file')
    },
  )

  test('a bit has flipped, when the column is read or the table is verified', async () => {
    const loss = (await openTable('three', { folders: [folder] })).manifest.columns.at(-1)?.buffers.values[0] as number
    const bytes = readFileSync(path('three.arrow'))
    bytes[loss + 3] ^= 1
    writeFileSync(path('flipped.arrow'), bytes)
    const manifest = readFileSync(path('three.manifest.json'), 'utf8').replace('three.arrow', 'flipped.arrow')
    writeFileSync(path('flipped.manifest.json'), manifest)
    const flipped = await openTable(path('flipped.arrow'))
    expect(flipped.column('cifar10/ori-test/200/777').at(0)).toBe(90)
    expect(() => flipped.column('loss:cifar10/ori-test/200/777')).toThrow('disagrees with the table’s manifest')
    await expect(verifyTable(path('flipped.arrow'))).rejects.toThrow('has SHA-256')
    await expect(verifyTable(path('three.arrow'))).resolves.toMatchObject({ name: 'three', rows: 3 })
  })

  test('the manifest has a part of a column outside the file, whichever part', async () => {
    const manifest = JSON.parse(readFileSync(path('three.manifest.json'), 'utf8'))
    const { buffers } = manifest.columns.find(({ name }: { name: string }) => name === 'unique')
    expect(Object.keys(buffers).sort()).toEqual(['offsets', 'validity', 'values'])
    for (const part of Object.keys(buffers)) {
      const right = buffers[part]
      buffers[part] = [manifest.table.bytes - 8, 9]
      writeFileSync(path('moved.manifest.json'), JSON.stringify(manifest))
      await expect(openTable(path('moved.arrow')), part).rejects.toThrow('lies outside of the table')
      buffers[part] = right
    }
  })

  test('its name is unknown', async () => {
    await expect(openTable('thre', { folders: [folder] })).rejects.toThrow(
      'unknown table "thre"; did you mean "three"?',
    )
  })

  test.each(['nb202', 'NB201'])('its name resembles a published one that is not on this machine: %s', async (name) => {
    await expect(openTable(name, { folders: [folder] })).rejects.toThrow(
      new RegExp(
        `^unknown table "${name}"; did you mean "nb201"\\? That table is not on this machine \\(there are: .*three.*\\); \`bench tables fetch nb201\` gets it$`,
      ),
    )
  })

  test('it is a published one that is not on this machine', async () => {
    await expect(openTable('nb201', { folders: [folder] })).rejects.toThrow(
      /^the table nb201 is not on this machine \(there are: .*three.*\); `bench tables fetch nb201` gets it$/,
    )
  })
})

test('two columns may be the same array in memory', async () => {
  const values = Float64Array.of(1, 2, 3)
  const names = ['params-M', 'flops-M', 'latency:pixel3']
  const numbers = names.map((name) => ({ name, values: name.startsWith('latency') ? values.map((v) => -v) : values }))
  writeTable(folder, 'alike', space, { ...content, numbers })
  const alike = await openTable('alike', { folders: [folder] })
  expect(names.map((name) => alike.column(name).at(2))).toEqual([3, 3, -3])
})

test('a table cannot be written where a file stands in place of the folder', () => {
  const place = path('three.arrow')
  expect(() => writeTable(place, 'x', space, content)).toThrow(`cannot write ${place}`)
})

test('curves are read as they were written, with the epochs that were not measured missing', async () => {
  const epochs = 21
  const holes = (every: number) =>
    Float64Array.from({ length: epochs }, (_, epoch) => (epoch % every === 1 ? Number.NaN : epoch / 4))
  const whole = Float64Array.from({ length: epochs }, (_, epoch) => epoch)
  const splits = [
    { split: 'train', accuracyPct: holes(2), loss: holes(3), seconds: whole },
    { split: 'x-valid', accuracyPct: whole, loss: holes(8), seconds: Float64Array.from(whole, () => 2) },
  ]
  const runs = [{ dataset: 'cifar10', epochs, seed: 777, splits }]
  const bytes = encodeCurves([{ index: 5, arch: space.at(5), runs }])
  writeTable(folder, 'curved', space, content, await writeCurves(folder, 'curved', [{ range: [5, 5], bytes }]))
  const found = await readCurves('curved', 5, { folders: [folder] })
  const missing = (values: Float64Array) => [...values].map((value) => (Number.isNaN(value) ? null : value))
  expect(found.map(({ split, accuracyPct, loss }) => [split, accuracyPct, loss])).toEqual(
    splits.map(({ split, accuracyPct, loss }) => [split, missing(accuracyPct), missing(loss)]),
  )
  expect(found.map(({ seconds }) => seconds)).toEqual([[...whole], null])
})

test('a table that cannot be written leaves no curves behind', async () => {
  const values = Float64Array.of(1, 2)
  const splits = [{ split: 'train', accuracyPct: values, loss: values, seconds: values }]
  const runs = [{ dataset: 'cifar10', epochs: 2, seed: 777, splits }]
  const bytes = encodeCurves([{ index: 5, arch: space.at(5), runs }])
  mkdirSync(path('blocked.arrow'))
  const curves = await writeCurves(folder, 'blocked', [{ range: [5, 5], bytes }])
  expect(() => writeTable(folder, 'blocked', space, content, curves)).toThrow('cannot write')
  expect(readdirSync(folder).filter((file) => file.startsWith('blocked'))).toEqual(['blocked.arrow'])
})
