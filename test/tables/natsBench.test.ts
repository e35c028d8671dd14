import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pack } from 'tar-stream'
import { afterEach, describe, expect, test } from 'vitest'
import { parseQualifier } from '../../src/core/metric.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { raiseLimit } from '../../src/system/limits.ts'
import { removeParts } from '../../src/tables/importers/importParts.ts'
import { identityMapping } from '../../src/tables/importers/mapping.ts'
import { importNats, type RecordFiles } from '../../src/tables/importers/natsBench.ts'
import { type ImportOptions, importTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { tableEvaluator } from '../../src/tables/tableEvaluator.ts'
import { resetLimits } from './resetLimits.ts'
import { absent, nb201Csv, nb201Data, needsData } from './sharedData.ts'
import { temporaryFolder } from './temporaryFolder.ts'

/**
 * Records in the form of the release, with numbers of no meaning: accuracy after epoch e of architecture i, seed s and
 * split is (10 i + s/1000) mod 40 + e + (train 2, x-valid 1, x-test 0.5, ori-test 0) + epochs/100; 3 epochs stand for
 * the 12, 5 for the 200. Made by CPython 3.11; the damaged ones are named by their damage.
 */
const records: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/nats.json', import.meta.url), 'utf8'),
)
const bytes = (name: string) => Uint8Array.from(Buffer.from(records[name], 'base64'))

const tables = temporaryFolder()
const sources = temporaryFolder()
const space = spaceIndex(nb201)
let count = 0

type Release = Record<string, Uint8Array>
const good = (): Release => ({ '000007.pickle.pbz2': bytes('7'), '000009.pickle.pbz2': bytes('9') })

function folderOf(release: Release): string {
  const folder = join(sources, String(count++))
  mkdirSync(folder)
  for (const [name, content] of Object.entries(release)) writeFileSync(join(folder, name), content)
  return folder
}

async function archiveOf(release: Release, prefix = 'NATS-tss-v1_0-3ffb9-simple/'): Promise<string> {
  const path = join(sources, `${count++}.tar`)
  const archive = pack()
  for (const [name, content] of Object.entries(release))
    archive.entry({ name: `${prefix}${name}` }, Buffer.from(content))
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  writeFileSync(path, Buffer.concat(chunks))
  return path
}

const importFrom = (source: string, options: Partial<ImportOptions> = {}) =>
  importTable(source, { as: 'nats', space, folder: tables, partial: true, jobs: 1, isolated: false, ...options })
const open = () => openTable('nats', { folders: [tables] })

describe.each([
  ['folder', async () => folderOf(good())],
  ['tar archive', () => archiveOf(good())],
])('a release in a %s', (_, source) => {
  test('gives the accuracy and loss after the last epoch of each seed, and the mean over seeds', async () => {
    await importFrom(await source())
    const table = await open()
    expect([...table.indices()]).toEqual([7, 9])
    const value = (name: string) => table.value(7, parseQualifier(name))
    const base = (seed: number) => (70 + seed / 1000) % 40
    expect(value('cifar10-valid/x-valid/5/777')).toBeCloseTo(base(777) + 4 + 1 + 0.05, 12)
    expect(value('cifar10-valid/x-valid/5/mean')).toBeCloseTo((base(777) + base(888)) / 2 + 4 + 1 + 0.05, 12)
    expect(value('cifar100/x-test/3/111')).toBeCloseTo(base(111) + 2 + 0.5 + 0.03, 12)
    expect(value('cifar100/x-test/3/mean')).toBe(value('cifar100/x-test/3/111'))
    expect(value('cifar10-valid/train/3/777')).toBeCloseTo(base(777) + 2 + 2 + 0.03, 12)
    const loss = table.column('loss:cifar10-valid/x-valid/5/777').at(0) as number
    expect(loss).toBeCloseTo(3 - (value('cifar10-valid/x-valid/5/777') as number) / 40, 12)
  })

  test('gives times, parameters, FLOPs and latency', async () => {
    const table = await open()
    const first = (name: string) => table.column(name).at(0)
    expect(first('train-seconds:cifar10-valid/3')).toBe(27)
    expect(first('eval-seconds:cifar10-valid/x-valid/3')).toBe(0.5)
    expect([first('params-M:cifar100'), first('flops-M:cifar100'), first('latency-seconds:cifar100')]).toEqual([
      expect.closeTo(0.17, 12),
      22,
      0.01,
    ])
  })

  test('answers a black-box search by the mean of the short training, at the recorded seconds', async () => {
    const answer = await tableEvaluator(await open(), nb201, 'cifar10').validate(nb201.parse(space.at(7)))
    expect(answer.seconds).toBe(27.5)
  })

  test('has its curves in a second file', async () => {
    const curves = await readCurves('nats', 9, { folders: [tables] })
    const of = (split: string, epochs: number) =>
      curves.find((c) => c.dataset === 'cifar10-valid' && c.seed === 777 && c.split === split && c.epochs === epochs)
    expect(of('x-valid', 5)?.accuracyPct.map((value) => Math.round(1000 * Number(value)) / 1000)).toEqual([
      11.827, 12.827, 13.827, 14.827, 15.827,
    ])
    expect(of('x-valid', 5)?.seconds).toBeNull()
    expect(of('ori-test', 3)?.loss).toHaveLength(3)
    expect(of('ori-test', 5)).toBeUndefined() // only the last epoch was measured: it stands in the table
    expect(await readCurves('nats', 8, { folders: [tables] })).toEqual([])
    const { manifest } = await open()
    const recorded = [...new Set(curves.map(({ dataset, split, epochs }) => `${dataset}/${split}/${epochs}`))]
    expect(manifest.curves?.of.toSorted()).toEqual(recorded.sort())
  })
})

describe('a release', () => {
  test('may be imported without curves', async () => {
    await importFrom(folderOf(good()), { as: 'short', curves: false })
    await expect(readCurves('short', 9, { folders: [tables] })).rejects.toThrow('has no per-epoch curves')
    expect(readdirSync(tables).filter((file) => file.startsWith('short'))).toEqual([
      'short.arrow',
      'short.manifest.json',
    ])
  })

  test('leaves one file of curves when it is imported again', async () => {
    await importFrom(folderOf({ '000007.pickle.pbz2': bytes('7') }), { as: 'again' })
    await importFrom(folderOf(good()), { as: 'again' })
    expect(readdirSync(tables).filter((file) => file.includes('again.curves'))).toHaveLength(1)
  })

  test.each([0, 1, 2])('may be written in an older protocol, %i', async (protocol) => {
    const release = { ...good(), '000009.pickle.pbz2': bytes(`9, protocol ${protocol}`) }
    await importFrom(folderOf(release), { as: 'old' })
    await importFrom(folderOf(good()), { as: 'new' })
    expect(readFileSync(join(tables, 'old.arrow'))).toEqual(readFileSync(join(tables, 'new.arrow')))
  })

  test('may have the accuracies of one dataset as fractions, if a mapping says so', async () => {
    const mixed = folderOf({ '000009.pickle.pbz2': bytes('9, cifar100 in fractions') })
    await expect(importFrom(mixed, { as: 'mixed' })).rejects.toThrow('say in a mapping whether each is a fraction of 1')
    const mapping = { ...identityMapping, accuracies: { cifar100: 'fraction' as const } }
    await importFrom(mixed, { as: 'mixed', mapping })
    await importFrom(folderOf({ '000009.pickle.pbz2': bytes('9') }), { as: 'plain' })
    const [found, expected] = await Promise.all(['mixed', 'plain'].map((as) => openTable(as, { folders: [tables] })))
    expect(found.manifest.columns.map(({ name }) => name)).toEqual(expected.manifest.columns.map(({ name }) => name))
    for (const metric of found.metrics(9)) {
      expect(metric.accuracyPct).toBeCloseTo(expected.value(9, metric) as number, 6)
    }
    const accuracies = async (as: string) =>
      (await readCurves(as, 9, { folders: [tables] })).map(({ accuracyPct }) => accuracyPct.map(Number))
    expect((await accuracies('mixed')).flat()).toEqual(
      (await accuracies('plain')).flat().map((v) => expect.closeTo(v, 4)),
    )
  })

  test('is resumed after an interrupted import', async () => {
    const partsFolder = join(tables, '.parts')
    const options = {
      space,
      partial: true,
      jobs: 1,
      withCurves: true,
      batchSize: 1,
      partsFolder,
      mapping: identityMapping,
    }
    const source = (release: Release): RecordFiles => ({
      name: 'release',
      async *files() {
        for (const [name, content] of Object.entries(release)) yield { name, bytes: Uint8Array.from(content) }
      },
    })
    const damaged = { ...good(), '000009.pickle.pbz2': bytes('9').slice(0, 900) }
    await expect(importNats(source(damaged), options)).rejects.toThrow('000009.pickle.pbz2 is damaged')
    const kept = statSync(join(partsFolder, '0.json')).mtimeMs
    const progress: number[] = []
    const imported = await importNats(source(good()), { ...options, onProgress: (n) => progress.push(n) })
    expect([...imported.content.index]).toEqual([7, 9])
    expect(progress).toEqual([1, 2])
    expect(statSync(join(partsFolder, '0.json')).mtimeMs).toBe(kept)
    removeParts(imported)
    expect(existsSync(partsFolder)).toBe(false)
  })
})

afterEach(resetLimits)

describe('a release is refused, and the earlier table stays, where', () => {
  test.each([
    ['a record is cut off', bytes('9').slice(0, 900), '000009.pickle.pbz2 is damaged: it is not a whole bzip2 file'],
    ['a record is empty', new Uint8Array(), '000009.pickle.pbz2 is damaged'],
    ['a record names code to run', bytes('9, forbidden type'), 'names posix.system, which is not a permitted type'],
    ['a record is of another architecture', bytes('7'), '000009.pickle.pbz2 holds the record of architecture 7'],
    ['a record’s number is not its architecture’s', bytes('9, architecture of 8'), 'is #8 of nb201, found 9'],
    ['a record is of two architectures', bytes('9, two architectures'), 'is of another architecture under "200"'],
    ['a number is NaN', bytes('9, NaN'), '000009.pickle.pbz2, cifar100, seed 111, x-test@2 is NaN, not a number'],
    ['an accuracy is above 100 %', bytes('9, 250 %'), 'has an accuracy of 250 %'],
    ['a part is missing', bytes('9, without epochs'), 'cifar100, seed 111 has no epochs'],
    [
      'a training never ends',
      bytes('9, endless'),
      'the limit is 10000 epochs: raise it with --raise record-epochs=20000',
    ],
  ])('%s', async (_, damaged, message) => {
    await importFrom(folderOf(good()), { as: 'kept' })
    const before = readFileSync(join(tables, 'kept.arrow'))
    const attempt = importFrom(folderOf({ ...good(), '000009.pickle.pbz2': damaged }), { as: 'kept' })
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toMatchObject({ name: 'BenchError', code: 'bad-input' })
    expect(readFileSync(join(tables, 'kept.arrow'))).toEqual(before)
    expect(existsSync('/tmp/gotcha')).toBe(false)
  })

  test('a record expands beyond the limit', async () => {
    raiseLimit('record-mib=4')
    const attempt = importFrom(folderOf({ '000009.pickle.pbz2': bytes('bomb') }))
    await expect(attempt).rejects.toThrow(
      '000009.pickle.pbz2 expands to more than 4 MiB; the limit is 4 MiB: raise it with --raise record-mib=8',
    )
  })

  test('records are missing', async () => {
    const refused = { as: 'incomplete', partial: false }
    for (const source of [folderOf(good()), await archiveOf(good())]) {
      await expect(importFrom(source, refused)).rejects.toThrow('holds 2 architectures, nb201 has 15625')
    }
    expect(readdirSync(tables).filter((file) => file.includes('incomplete'))).toEqual([])
  })

  test('its folder holds no records', async () => {
    await expect(importFrom(folderOf({ 'readme.txt': bytes('7') }))).rejects.toThrow('holds no NNNNNN.pickle.pbz2')
  })

  test('a path of an archive leads outside it', async () => {
    await expect(importFrom(await archiveOf(good(), '../'))).rejects.toThrow('"../000007.pickle.pbz2", which leads out')
  })

  test('an archive is cut off', async () => {
    const path = await archiveOf(good())
    writeFileSync(path, readFileSync(path).subarray(0, 1500))
    await expect(importFrom(path)).rejects.toThrow('is not a whole tar archive')
  })

  test('an archive holds two records of one architecture', async () => {
    const path = await archiveOf(good())
    const once = readFileSync(path)
    writeFileSync(path, Buffer.concat([once.subarray(0, once.length - 1024), once]))
    await expect(importFrom(path)).rejects.toThrow('occurs twice in the release')
  })
})

describe.skipIf(absent)(`the official records${needsData}`, () => {
  test('agree with the flat file in every number that both have', async () => {
    await importTable(nb201Csv, { as: 'flat', space, folder: tables })
    await importFrom(join(nb201Data, 'NATS-tss-v1_0-3ffb9-simple'), { as: 'official', curves: false })
    const flat = await openTable('flat', { folders: [tables] })
    const official = await openTable('official', { folders: [tables] })
    expect([...official.indices()]).toEqual([0, 11, 284])
    const common = flat.manifest.columns.filter(({ name }) => name.includes('/') && official.has(name))
    expect(common.length).toBeGreaterThan(25)
    for (const { name } of common) {
      for (const index of official.indices()) {
        const [stated, recorded] = [flat, official].map((table) => table.column(name).at(table.row(index) as number))
        if (stated === undefined) continue // the release has a third seed where the flat file has none
        expect(Math.abs((recorded as number) - stated), `${name} of #${index}`).toBeLessThan(
          name.includes(':') ? 6e-5 : 5.1e-5,
        )
      }
    }
  })

  test('give the exact cost of a query: twelve epochs and a validation pass', async () => {
    const official = await openTable('official', { folders: [tables] })
    const evaluator = tableEvaluator(official, nb201, 'cifar10')
    const answer = await evaluator.validate(nb201.parse(space.at(284)))
    expect(answer.seconds).toBeCloseTo(12 * 4.875794370969136 + 2.389493485291799, 9)
  })
})
