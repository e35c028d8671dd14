import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseQualifier } from '../../src/core/metric.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { curvesOf } from '../../src/tables/importers/importParts.ts'
import { identityMapping } from '../../src/tables/importers/mapping.ts'
import { importPickleFile } from '../../src/tables/importers/pickleFile.ts'
import { bunzip2 } from '../../src/tables/importers/readRecords.ts'
import { openSource } from '../../src/tables/importers/sourceFile.ts'
import { type ImportOptions, importTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { temporaryFolder } from './temporaryFolder.ts'

/**
 * The records 7 and 9 of natsBench.test.ts in files as PyTorch writes them, and NASLib's form; made by CPython 3.11.
 */
const files: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/files.json', import.meta.url), 'utf8'),
)
const records: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/nats.json', import.meta.url), 'utf8'),
)

const tables = temporaryFolder()
const sources = temporaryFolder()
const space = spaceIndex(nb201)

const unpacked = (name: string) => bunzip2(Buffer.from(files[name], 'base64'), name)

async function importFile(content: Uint8Array, options: Partial<ImportOptions> = {}) {
  const path = join(sources, 'NAS-Bench-201.pth')
  writeFileSync(path, content)
  return importTable(path, { as: 'pth', space, folder: tables, partial: true, jobs: 1, isolated: false, ...options })
}

describe.each(['old container', 'zip container', 'zip64 container'])('a .pth file in PyTorch’s %s', (name) => {
  test('gives the same table as the same records one by one', async () => {
    const release = temporaryFolderOf({ '000007.pickle.pbz2': records['7'], '000009.pickle.pbz2': records['9'] })
    await importTable(release, { as: 'one-by-one', space, folder: tables, partial: true, jobs: 1, isolated: false })
    await importFile(await unpacked(name))
    expect(readFileSync(join(tables, 'pth.arrow'))).toEqual(readFileSync(join(tables, 'one-by-one.arrow')))
    const [a, b] = await Promise.all(['pth', 'one-by-one'].map((table) => readCurves(table, 9, { folders: [tables] })))
    expect(a).toEqual(b)
    expect(readdirSync(tables).filter((file) => file.endsWith('.import'))).toEqual([])
  })
})

test('an interrupted import keeps its batches, and resumes to the same table', async () => {
  const path = join(sources, 'broken-off.pth')
  writeFileSync(path, await unpacked('zip container'))
  const partsFolder = join(tables, '.broken-off')
  const read = async () =>
    importPickleFile(await openSource(path), {
      space,
      partial: true,
      mapping: identityMapping,
      withCurves: true,
      partsFolder,
    })
  const whole = await read()
  const kept = statSync(join(partsFolder, '0.json')).mtimeMs
  const again = await read()
  expect(again.content).toEqual(whole.content)
  expect([...(curvesOf(again) ?? [])]).toEqual([...(curvesOf(whole) ?? [])])
  expect(statSync(join(partsFolder, '0.json')).mtimeMs).toBe(kept)
})

function temporaryFolderOf(contents: Record<string, string>): string {
  const folder = temporaryFolder()
  for (const [name, base64] of Object.entries(contents))
    writeFileSync(join(folder, name), Buffer.from(base64, 'base64'))
  return folder
}

describe('a pickle of NASLib', () => {
  const mapping = { ...identityMapping, split: 'x-valid', seed: 888, epochs: 4 }

  test('is imported if the mapping states split and seed', async () => {
    await importFile(await unpacked('naslib'), { mapping, as: 'naslib' })
    const table = await openTable('naslib', { folders: [tables] })
    expect(table.value(9, parseQualifier('cifar100/x-valid/4/888'))).toBe(12.25)
    expect(table.value(9, parseQualifier('cifar10-valid/train/4/888'))).toBe(12.5)
    expect(table.column('params-M:cifar100').at(1)).toBeCloseTo(0.19, 12)
    const curve = (await readCurves('naslib', 7, { folders: [tables] })).find(({ split }) => split === 'x-valid')
    expect(curve?.accuracyPct).toEqual([7.25, 8.25, 9.25, 10.25])
  })

  test('may hold final numbers only', async () => {
    await importFile(await unpacked('naslib finals'), { mapping, as: 'finals' })
    const table = await openTable('finals', { folders: [tables] })
    expect(table.value(9, parseQualifier('cifar100/x-valid/4/888'))).toBe(12.25)
    await expect(readCurves('finals', 9, { folders: [tables] })).rejects.toThrow('has no per-epoch curves')
  })

  test.each(['naslib, protocol 0', 'naslib, protocol 1', 'naslib, ordered dicts of Python 2'])(
    'may be written as long ago: %s',
    async (name) => {
      await importFile(await unpacked('naslib'), { mapping, as: 'new' })
      await importFile(await unpacked(name), { mapping, as: 'old' })
      for (const file of ['arrow', 'curves']) {
        const [old, young] = ['old', 'new'].map((as) =>
          readFileSync(join(tables, readdirSync(tables).find((found) => found.startsWith(`${as}.${file}`)) as string)),
        )
        expect(old.equals(young)).toBe(true)
      }
    },
  )

  test('may have the accuracies of one dataset as fractions, if the mapping says so', async () => {
    const mixed = await unpacked('naslib, cifar100 in fractions')
    await expect(importFile(mixed, { mapping, as: 'mixed' })).rejects.toThrow(
      'no accuracy of cifar100/train/4/888 and of 1 other column is above 0.125; say in a mapping whether each is a fraction',
    )
    const said = { ...mapping, accuracies: { cifar100: 'fraction' as const } }
    await importFile(mixed, { mapping: said, as: 'mixed' })
    await importFile(await unpacked('naslib'), { mapping, as: 'plain' })
    expect(readFileSync(join(tables, 'mixed.arrow'))).toEqual(readFileSync(join(tables, 'plain.arrow')))
    const curves = (as: string) => readCurves(as, 9, { folders: [tables] })
    expect(await curves('mixed')).toEqual(await curves('plain'))
  })

  test('is refused if the mapping states fractions for a dataset that it lacks, or for percentages', async () => {
    const importAs = async (name: string) =>
      importFile(await unpacked('naslib'), { mapping: { ...mapping, accuracies: { [name]: 'fraction' } } })
    await expect(importAs('cifar10')).rejects.toThrow(
      'has no accuracies "cifar10", which the mapping names; it has cifar',
    )
    await expect(importAs('cifar100')).rejects.toThrow('of cifar100/train/4/888 is not a fraction of 1')
  })

  test('is refused if the mapping states neither split nor seed', async () => {
    await expect(importFile(await unpacked('naslib'))).rejects.toThrow('does not say which split and seed')
    const { epochs: _, ...short } = mapping
    await expect(importFile(await unpacked('naslib finals'), { mapping: short })).rejects.toThrow(
      'after how many epochs',
    )
  })
})

async function flipped(name: string, at: number): Promise<Uint8Array> {
  const bytes = await unpacked(name)
  bytes[at] ^= 1
  return bytes
}

describe('a file is refused where', () => {
  test.each([
    ['its pickle is compressed', () => unpacked('compressed zip'), 'data.pkl is compressed'],
    [
      'its archive holds no pickle',
      () => unpacked('zip without a pickle'),
      'holds no data.pkl; it is not a PyTorch file',
    ],
    ['its pickle is about something else', () => unpacked('something else'), 'holds no trainings of NAS-Bench-201'],
    ['it is cut off', async () => (await unpacked('old container')).slice(0, 5000), 'the pickle ends too early'],
    ['a bit of its pickle is flipped', () => flipped('zip container', 9000), 'the checksum of data.pkl differs'],
    ['a bit is flipped in zip64', () => flipped('zip64 container', 9000), 'the checksum of data.pkl differs'],
    ['it is gzipped', async () => gzipSync(await unpacked('old container')), 'is gzipped; unpack it first'],
    ['its archive is cut off', async () => (await unpacked('zip container')).slice(0, 5000), 'it has no end record'],
    ['its archive is a head and nothing else', async () => Uint8Array.of(0x50, 0x4b, 3, 4), 'it has no end record'],
  ])('%s', async (_, content, message) => {
    await expect(importFile(await content(), { as: 'refused' })).rejects.toThrow(message)
    expect(readdirSync(tables).filter((file) => file.includes('refused'))).toEqual([])
  })
})
