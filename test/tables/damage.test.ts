/** Damaged files of every kind that becomes a table, and damaged tables; see damaged.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pack } from 'tar-stream'
import { beforeAll, describe } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { encodeCurves } from '../../src/tables/curves.ts'
import { writeCurves } from '../../src/tables/curvesFile.ts'
import { bunzip2 } from '../../src/tables/importers/bzip2.ts'
import { importCsv } from '../../src/tables/importers/csv.ts'
import { identityMapping } from '../../src/tables/importers/mapping.ts'
import { importParquet } from '../../src/tables/importers/parquet.ts'
import { importPickleFile } from '../../src/tables/importers/pickleFile.ts'
import { readRecords } from '../../src/tables/importers/readRecords.ts'
import { recordArchive } from '../../src/tables/importers/recordFiles.ts'
import { openSource, type SourceFile } from '../../src/tables/importers/sourceFile.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { needsLittleMemory, survivesDamage } from './damaged.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const context = { space, partial: true }
const fixture = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`../fixtures/pickles/${name}.json`, import.meta.url), 'utf8'))
const record = Buffer.from(fixture('nats')['7'], 'base64')
const files = fixture('files')

needsLittleMemory()

const fromFile = (read: (file: SourceFile) => Promise<unknown>) => async (damaged: Uint8Array) => {
  const path = join(folder, 'damaged')
  writeFileSync(path, damaged)
  await read(await openSource(path))
}

describe('damage to a source is survived:', () => {
  survivesDamage(
    'compressed records',
    () => record,
    (bytes) => readRecords({ files: [{ name: '000007.pickle.pbz2', bytes }], withCurves: true }),
  )

  survivesDamage(
    'tar archives',
    () => archiveOf(record),
    fromFile(async (file) => {
      for await (const record of recordArchive(file).files()) await readRecords({ files: [record], withCurves: false })
    }),
  )

  for (const name of ['old container', 'zip container', 'zip64 container', 'naslib']) {
    survivesDamage(
      `PyTorch’s and NASLib’s files, ${name}`,
      () => bunzip2(Buffer.from(files[name], 'base64'), name),
      fromFile((file) =>
        importPickleFile(file, {
          ...context,
          mapping: { ...identityMapping, split: 'x-valid', seed: 888 },
          withCurves: false,
          partsFolder: join(folder, 'parts'),
        }),
      ),
    )
  }

  survivesDamage(
    'flat CSV files',
    () => Buffer.from(csv),
    fromFile((file) => importCsv(file, identityMapping, context)),
  )

  survivesDamage(
    'Parquet files',
    () => readFileSync(fileURLToPath(new URL('../fixtures/flat.parquet', import.meta.url))),
    fromFile((file) => importParquet(file, identityMapping, context)),
  )
})

const csv = `index,arch,cifar10/ori-test/200/777,params-M\n${[3, 4, 5].map((i) => `${i},${space.at(i)},9${i}.5,0.${i}\n`).join('')}`

async function archiveOf(content: Buffer): Promise<Uint8Array> {
  const archive = pack()
  archive.entry({ name: 'release/000007.pickle.pbz2' }, content)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

describe('damage to a table is survived:', () => {
  const whole = join(folder, 'whole.arrow')
  const manifest = join(folder, 'whole.manifest.json')
  let curves = ''

  beforeAll(async () => {
    const values = Float64Array.of(10, 20, 30)
    const splits = [{ split: 'train', accuracyPct: values, loss: values, seconds: values }]
    const runs = [{ dataset: 'cifar10', epochs: 3, seed: 777, splits }]
    const bytes = encodeCurves([3, 4, 5].map((index) => ({ index, arch: space.at(index), runs })))
    const content = {
      index: Int32Array.of(3, 4, 5),
      arch: [3, 4, 5].map((index) => space.at(index)),
      numbers: [{ name: 'cifar10/ori-test/200/777', values: Float64Array.of(1, Number.NaN, 3) }],
      texts: [{ name: 'unique', values: ['a', null, 'c'] }],
      source: { format: 'csv', name: 'made in a test', sha256: '' },
      notes: [],
    }
    const written = await writeCurves(folder, 'whole', [{ range: [3, 5], bytes }])
    curves = join(folder, writeTable(folder, 'whole', space, content, written).curves?.file ?? '')
  })

  /** In place of the file; the whole one is there again afterwards. */
  const inPlaceOf =
    (path: () => string, use: () => Promise<void>) =>
    async (damaged: Uint8Array): Promise<void> => {
      const before = readFileSync(path())
      writeFileSync(path(), damaged)
      await use().finally(() => writeFileSync(path(), before))
    }

  async function useTable(): Promise<void> {
    const table = await openTable(whole)
    table.metrics(3)
    table.find(space.at(3))
    table.text('unique').at(0)
    await readCurves(whole, 4)
  }

  survivesDamage(
    'tables',
    () => readFileSync(whole),
    inPlaceOf(() => whole, useTable),
  )
  survivesDamage(
    'manifests',
    () => readFileSync(manifest),
    inPlaceOf(() => manifest, useTable),
  )
  survivesDamage(
    'curves',
    () => readFileSync(curves),
    inPlaceOf(() => curves, useTable),
  )
})
