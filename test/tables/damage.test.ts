/**
 * Damaged files of every kind that is read: each is read or refused with one line, never more. 60 of each here; as many as
 * are asked for with MUTATIONS=10000.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pack } from 'tar-stream'
import { beforeAll, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { bunzip2 } from '../../src/tables/importers/bzip2.ts'
import { importCsv } from '../../src/tables/importers/csv.ts'
import { identityMapping } from '../../src/tables/importers/mapping.ts'
import { importParquet } from '../../src/tables/importers/parquet.ts'
import { importPickleFile } from '../../src/tables/importers/pickleFile.ts'
import { readRecords } from '../../src/tables/importers/readRecords.ts'
import { recordArchive } from '../../src/tables/importers/recordFiles.ts'
import { openSource } from '../../src/tables/importers/sourceFile.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { mutations } from './mutations.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const COUNT = Number(process.env.MUTATIONS ?? 60)
const TIME_MS = 10_000 + 200 * COUNT

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const context = { space, partial: true }
const fixture = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`../fixtures/pickles/${name}.json`, import.meta.url), 'utf8'))
const record = Buffer.from(fixture('nats')['7'], 'base64')

const header = 'index,arch,cifar10/ori-test/200/777,params-M\n'
const csv = Buffer.from(header + [3, 4, 5].map((i) => `${i},${space.at(i)},9${i}.5,0.${i}\n`).join(''))

/** Reads each damaged copy; whatever is thrown is an error of ours, in one line. */
async function readAll(whole: Uint8Array, read: (damaged: Uint8Array<ArrayBuffer>) => Promise<unknown>) {
  const counts = { read: 0, refused: 0 }
  for (const damaged of mutations(whole, COUNT, 7)) {
    try {
      await read(damaged)
      counts.read++
    } catch (error) {
      if (!(error instanceof BenchError)) throw error
      expect(error.message).not.toContain('\n')
      counts.refused++
    }
  }
  expect(counts.read + counts.refused).toBe(COUNT)
  expect(counts.refused).toBeGreaterThan(COUNT / 10)
}

const throughFile = (name: string, read: (path: string) => Promise<unknown>) => async (damaged: Uint8Array) => {
  const path = join(folder, name)
  writeFileSync(path, damaged)
  return read(path)
}

test(
  'compressed records',
  () => readAll(record, async (bytes) => readRecords([{ name: '000007.pickle.pbz2', bytes }], true)),
  TIME_MS,
)

test(
  'flat CSV files',
  () => {
    const read = async (path: string) => importCsv(await openSource(path), identityMapping, context)
    return readAll(csv, throughFile('damaged.csv', read))
  },
  TIME_MS,
)

test(
  'tar archives',
  async () => {
    const archive = pack()
    archive.entry({ name: 'release/000007.pickle.pbz2' }, record)
    archive.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of archive) chunks.push(chunk as Buffer)
    const read = async (path: string) => {
      for await (const { name, bytes } of recordArchive(await openSource(path)).files())
        await readRecords([{ name, bytes }], false)
    }
    await readAll(Buffer.concat(chunks), throughFile('damaged.tar', read))
  },
  TIME_MS,
)

test.each(['old container', 'zip container', 'zip64 container', 'naslib'])(
  'PyTorch’s and NASLib’s files: %s',
  async (name) => {
    const whole = await bunzip2(Buffer.from(fixture('files')[name], 'base64'), name, 1 << 24)
    const mapping = { ...identityMapping, split: 'x-valid', seed: 888 }
    const read = async (path: string) =>
      importPickleFile(await openSource(path), {
        ...context,
        mapping,
        withCurves: false,
        partsFolder: join(folder, 'parts'),
      })
    await readAll(whole, throughFile('damaged.pth', read))
  },
  TIME_MS,
)

test(
  'Parquet files',
  async () => {
    const whole = readFileSync(new URL('../fixtures/flat.parquet', import.meta.url))
    const read = async (path: string) => importParquet(await openSource(path), identityMapping, context)
    await expect(read(new URL('../fixtures/flat.parquet', import.meta.url).pathname)).resolves.toMatchObject({
      arch: { length: 3 },
    })
    await readAll(whole, throughFile('damaged.parquet', read))
  },
  TIME_MS,
)

beforeAll(() => {
  mkdirSync(join(folder, 'tables'))
  writeTable(join(folder, 'tables'), 'whole', space, {
    index: Int32Array.of(3, 4, 5),
    arch: [3, 4, 5].map((index) => space.at(index)),
    numbers: [{ name: 'cifar10/ori-test/200/777', values: Float64Array.of(1, Number.NaN, 3) }],
    texts: [{ name: 'unique', values: ['a', null, 'c'] }],
    source: { format: 'csv', name: 'made in a test', sha256: '' },
    notes: [],
  })
})

const useTable = async () => {
  const table = await openTable(join(folder, 'tables/whole.arrow'))
  table.metrics(3)
  table.find(space.at(3))
  table.text('unique').at(0)
}

test(
  'tables',
  async () => {
    const path = join(folder, 'tables/whole.arrow')
    const whole = readFileSync(path)
    await readAll(whole, (damaged) => {
      writeFileSync(path, damaged)
      return useTable()
    })
    writeFileSync(path, whole)
  },
  TIME_MS,
)

test(
  'manifests',
  async () => {
    const path = join(folder, 'tables/whole.manifest.json')
    await readAll(readFileSync(path), (damaged) => {
      writeFileSync(path, damaged)
      return useTable()
    })
  },
  TIME_MS,
)
