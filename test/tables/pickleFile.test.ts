import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseQualifier } from '../../src/core/metric.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { bunzip2 } from '../../src/tables/importers/bzip2.ts'
import { identityMapping } from '../../src/tables/importers/mapping.ts'
import { importPickleFile } from '../../src/tables/importers/pickleFile.ts'
import { openSource } from '../../src/tables/importers/sourceFile.ts'
import { type ImportOptions, importTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { temporaryFolder } from './temporaryFolder.ts'

/** The records 7 and 9 of natsBench.test.ts in files as PyTorch writes them, and NASLib's form; made by CPython 3.11. */
const files: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/files.json', import.meta.url), 'utf8'),
)
const records: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/nats.json', import.meta.url), 'utf8'),
)

const tables = temporaryFolder()
const sources = temporaryFolder()
const space = spaceIndex(nb201)

const unpacked = (name: string) => bunzip2(Buffer.from(files[name], 'base64'), name, 1 << 24)

async function importFile(content: Uint8Array, options: Partial<ImportOptions> = {}) {
  const path = join(sources, 'NAS-Bench-201.pth')
  writeFileSync(path, content)
  return importTable(path, { as: 'pth', space, folder: tables, partial: true, jobs: 1, ...options })
}

describe.each(['old container', 'zip container', 'zip64 container'])('a .pth file in PyTorch’s %s', (name) => {
  test('gives the very table that the same records give one by one', async () => {
    const release = temporaryFolderOf({ '000007.pickle.pbz2': records['7'], '000009.pickle.pbz2': records['9'] })
    await importTable(release, { as: 'one-by-one', space, folder: tables, partial: true, jobs: 1 })
    await importFile(await unpacked(name))
    expect(readFileSync(join(tables, 'pth.arrow'))).toEqual(readFileSync(join(tables, 'one-by-one.arrow')))
    const [a, b] = await Promise.all(['pth', 'one-by-one'].map((table) => readCurves(table, 9, { folders: [tables] })))
    expect(a).toEqual(b)
    expect(readdirSync(tables).filter((file) => file.endsWith('.import'))).toEqual([])
  })
})

test('an import that was broken off keeps its batches, and ends in the same table', async () => {
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
  expect([...(again.curves?.() ?? [])]).toEqual([...(whole.curves?.() ?? [])])
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

  test('is imported when somebody says which split and seed its numbers are of', async () => {
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

  test('is refused where nobody says so', async () => {
    await expect(importFile(await unpacked('naslib'))).rejects.toThrow('does not say which split and seed')
    const { epochs: _, ...short } = mapping
    await expect(importFile(await unpacked('naslib finals'), { mapping: short })).rejects.toThrow(
      'after how many epochs',
    )
  })
})

describe('a file is refused where', () => {
  test.each([
    ['its pickle is compressed', () => unpacked('compressed zip'), 'data.pkl is compressed'],
    ['its archive holds no pickle', () => unpacked('zip without a pickle'), 'holds no data.pkl; it is no PyTorch file'],
    ['its pickle is about something else', () => unpacked('something else'), 'holds no trainings of NAS-Bench-201'],
    ['it is cut off', async () => (await unpacked('old container')).slice(0, 5000), 'the pickle ends too early'],
    ['its archive is cut off', async () => (await unpacked('zip container')).slice(0, 5000), 'it has no end record'],
    ['its archive is a head and nothing else', async () => Uint8Array.of(0x50, 0x4b, 3, 4), 'it has no end record'],
  ])('%s', async (_, content, message) => {
    await expect(importFile(await content(), { as: 'refused' })).rejects.toThrow(message)
    expect(readdirSync(tables).filter((file) => file.startsWith('refused'))).toEqual([])
  })
})
