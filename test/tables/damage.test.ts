/** Damaged files of every kind that becomes a table, and damaged tables; see damaged.ts. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { beforeAll, describe } from 'vitest'
import { PickleInput } from '../../src/pickle/pickleInput.ts'
import { readPickle } from '../../src/pickle/readPickle.ts'
import { manifestTable } from '../../src/report/listings/queryTables.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { curvesOf, type Imported, openParts } from '../../src/tables/importers/importParts.ts'
import { identityMapping, type Mapping, readMapping } from '../../src/tables/importers/mapping.ts'
import { bunzip2, readRecords } from '../../src/tables/importers/readRecords.ts'
import { readSource } from '../../src/tables/importers/readSource.ts'
import { joinTables } from '../../src/tables/joinTables.ts'
import { openTable, verifyTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { tableEvaluator } from '../../src/tables/tableEvaluator.ts'
import { encodeCurves, writeCurves } from '../../src/tables/writeCurves.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { needsLittleMemory, survivesDamage } from './damaged.ts'
import { jsonMutations } from './mutations.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const fixture = (name: string) => JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8'))
const decoded = (base64: string) => Buffer.from(base64, 'base64')
const records: Record<string, string> = fixture('pickles/nats')
const files: Record<string, string> = fixture('pickles/files')
const values: Record<string, string> = fixture('pickles/values')
const parquet: Record<string, string> = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/parquet.json.gz', import.meta.url))).toString(),
).files
const record = decoded(records['7'])
const naslib: Mapping = { ...identityMapping, split: 'x-valid', seed: 888 }

needsLittleMemory()

/** Reads the bytes as the source of a table: its content, but for the hash of the source, and its curves. */
const asSource =
  (mapping: Mapping = identityMapping) =>
  async (bytes: Uint8Array): Promise<unknown> => {
    const path = join(folder, 'damaged')
    writeFileSync(path, bytes)
    const partsFolder = join(folder, 'parts')
    rmSync(partsFolder, { recursive: true, force: true })
    return contentOf(await readSource(path, { space, partial: true, mapping, withCurves: true, jobs: 1, partsFolder }))
  }

const contentOf = (imported: Imported) => {
  const { source: _, ...content } = imported.content
  return { ...content, curves: [...(curvesOf(imported) ?? [])].map(({ bytes }) => Buffer.from(bytes)) }
}

const csv = `index,arch,cifar10/ori-test/200/777,params-M\n${[3, 4, 5].map((i) => `${i},${space.at(i)},9${i}.5,0.${i}\n`).join('')}`
const german = `arch;cifar10/ori-test/200/777;params-M\n${[3, 4, 5].map((i) => `${space.at(i)};9${i},5;0,${i}\n`).join('')}`

describe('damage to a source does no harm:', () => {
  for (const protocol of Object.keys(values)) {
    survivesDamage(
      `pickles of protocol ${protocol}`,
      () => decoded(values[protocol]),
      async (bytes) => readPickle(new PickleInput('damaged', bytes)),
    )
  }

  survivesDamage(
    'compressed records of NATS-Bench',
    () => record,
    (bytes) => readRecords({ files: [{ name: '000007.pickle.pbz2', bytes }], withCurves: true }),
    { hasChecksum: true },
  )

  survivesDamage(
    'records of NATS-Bench, uncompressed before the damage',
    () => bunzip2(record, 'record'),
    async (bytes) => {
      const { architectureRuns, runReader } = await import('../../src/tables/importers/benchmarkRecords.ts')
      return architectureRuns(readPickle(new PickleInput('record', bytes)), 'record', runReader())
    },
  )

  survivesDamage('tar archives of NATS-Bench', () => archiveOf(record), asSource(), { hasChecksum: true })

  survivesDamage(
    'bzip2 streams',
    () => record,
    (bytes) => bunzip2(bytes, 'damaged'),
    { hasChecksum: true },
  )

  for (const name of ['old container', 'zip container', 'zip64 container']) {
    survivesDamage(`PyTorch’s files, ${name}`, () => bunzip2(decoded(files[name]), name), asSource(), {
      hasChecksum: name !== 'old container',
    })
  }

  for (const name of ['naslib', 'naslib, protocol 0', 'naslib, protocol 1', 'naslib, ordered dicts of Python 2']) {
    survivesDamage(`NASLib’s pickles, ${name}`, () => bunzip2(decoded(files[name]), name), asSource(naslib))
  }

  survivesDamage('CSV files', () => Buffer.from(csv), asSource())
  survivesDamage('CSV files with semicolons', () => Buffer.from(german), asSource())
  survivesDamage('gzipped CSV files', () => gzipSync(csv), asSource(), { hasChecksum: true })

  const checked = /gzip|checksums|differences/
  for (const name of Object.keys(parquet).filter((name) => !name.includes('nested'))) {
    survivesDamage(`Parquet files of ${name}`, () => decoded(parquet[name]), asSource(), {
      hasChecksum: checked.test(name),
    })
  }
})

async function archiveOf(content: Buffer): Promise<Uint8Array> {
  const archive = pack()
  archive.entry({ name: 'release/000007.pickle.pbz2' }, content)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

describe('damage to a mapping does no harm:', () => {
  const text = `space: nb201
arch: cell
columns: {val: cifar10-valid/x-valid/200/777, pixel3_ms: latency:pixel3}
ignore: [comment]
accuracies: {val: fraction, cifar10-valid: percent}
notes:
  - Measured by us in 2024.
  - "Twice."
`
  survivesDamage(
    'YAML',
    () => Buffer.from(text),
    async (bytes) => {
      const path = join(folder, 'mapping.yaml')
      writeFileSync(path, bytes)
      const mapping = await readMapping(path)
      return asSource(mapping)(Buffer.from(`cell,val,pixel3_ms,comment\n${space.at(5)},0.5,3,x\n`))
    },
  )
})

describe('damage to the batches that an import keeps is noticed and does no harm:', () => {
  const kept = join(folder, 'kept')
  const rows = [{ name: 'a', index: 7, arch: space.at(7), numbers: { 'cifar10/x-valid/200/777': 91.5 } }]
  const read = () => {
    const found = openParts(kept).find(0, 'hash', true)
    return found === undefined ? undefined : [found.rows(), readFileSync(found.curvesPath)]
  }
  beforeAll(() => {
    openParts(kept).keep(0, 'hash', { rows, curves: Buffer.from('curves') })
  })

  /** What is not found is read again from the source; so is what is refused. */
  for (const file of ['0.json', '0.curves']) {
    survivesDamage(
      file,
      () => readFileSync(join(kept, file)),
      async (damaged) => {
        const before = readFileSync(join(kept, file))
        writeFileSync(join(kept, file), damaged)
        const found = read()
        writeFileSync(join(kept, file), before)
        if (found !== undefined) return found
        const { BenchError } = await import('../../src/core/errors.ts')
        throw new BenchError('corrupt', 'read again')
      },
      { hasChecksum: true },
    )
  }
})

describe('damage to a table does no harm:', () => {
  const tables = join(folder, 'tables')
  const manifest = join(tables, 'whole.manifest.json')
  let table = ''
  let curves = ''

  beforeAll(async () => {
    const accuracies = Float64Array.of(10, 20, 30)
    const splits = [{ split: 'train', accuracyPct: accuracies, loss: accuracies, seconds: accuracies }]
    const runs = [{ dataset: 'cifar10', epochs: 3, seed: 777, splits }]
    const bytes = encodeCurves([3, 4, 5].map((index) => ({ index, arch: space.at(index), runs })))
    const content = {
      index: Int32Array.of(3, 4, 5),
      arch: [3, 4, 5].map((index) => space.at(index)),
      numbers: [
        { name: 'cifar10/ori-test/200/777', values: Float64Array.of(1, Number.NaN, 3) },
        { name: 'cifar10-valid/x-valid/12/777', values: Float64Array.of(50, 60, 70) },
        { name: 'cifar10-valid/x-valid/12/mean', values: Float64Array.of(50, 60, 70), seeds: [777] },
        { name: 'train-seconds:cifar10-valid/12', values: Float64Array.of(5, 6, 7) },
      ],
      texts: [{ name: 'unique', values: ['a', null, 'c'] }],
      source: { format: 'csv', name: 'made in a test', sha256: '' },
      notes: ['A note.'],
    }
    const written = await writeCurves(tables, 'whole', [{ range: [3, 5], bytes }])
    const made = writeTable(tables, 'whole', space, content, written)
    table = join(tables, made.table.file)
    curves = join(tables, made.curves?.file ?? '')
  })

  /** In place of the file; the whole one is there again afterwards. */
  const inPlaceOf =
    <T>(path: () => string, use: () => Promise<T>) =>
    async (damaged: Uint8Array): Promise<T> => {
      const before = readFileSync(path())
      writeFileSync(path(), damaged)
      return use().finally(() => writeFileSync(path(), before))
    }

  /** Whatever the commands ask a table. */
  async function useTable(): Promise<unknown> {
    const opened = await openTable(manifest)
    const rows = Array.from({ length: 4 }, (_, row) => row)
    const numbers = opened.manifest.columns.flatMap(({ name }) => rows.map((row) => valueAt(opened, name, row)))
    const evaluator = tableEvaluator(opened, nb201, 'cifar10')
    return [
      numbers,
      [3, 4, 5, 6].map((index) => [opened.metrics(index), opened.arch(index), opened.find(space.at(index))]),
      await readCurves(manifest, 4),
      await evaluator.evaluate(nb201.parse(space.at(3))),
      await evaluator.validate(nb201.parse(space.at(3))),
      evaluator.fidelities,
      manifestTable(opened.manifest, manifest),
    ]
  }
  const valueAt = (opened: Awaited<ReturnType<typeof openTable>>, name: string, row: number) =>
    opened.isText(name) ? opened.text(name).at(row) : opened.column(name).at(row)

  /** What commands write that take a table apart. */
  async function mergeTable(): Promise<unknown> {
    const merged = join(folder, 'merged')
    await joinTables([manifest], { name: 'merged', folder: merged, space })
    return readdirSync(merged).map((file) => readFileSync(join(merged, file)))
  }

  survivesDamage(
    'tables',
    () => readFileSync(table),
    inPlaceOf(() => table, useTable),
    { hasChecksum: true },
  )
  survivesDamage(
    'curves',
    () => readFileSync(curves),
    inPlaceOf(() => curves, useTable),
    { hasChecksum: true },
  )
  survivesDamage(
    'tables and curves that are verified',
    () => readFileSync(curves),
    inPlaceOf(
      () => curves,
      () => verifyTable(manifest),
    ),
    { hasChecksum: true },
  )
  survivesDamage(
    'manifests',
    () => readFileSync(manifest),
    inPlaceOf(() => manifest, useTable),
  )
  survivesDamage(
    'manifests, value by value',
    () => readFileSync(manifest),
    inPlaceOf(() => manifest, useTable),
    { copies: jsonMutations },
  )
  survivesDamage(
    'manifests of tables that are merged',
    () => readFileSync(manifest),
    inPlaceOf(() => manifest, mergeTable),
    { copies: jsonMutations, share: 1 / 4 },
  )

  /** With a manifest that has their hashes, as a stranger would write it. */
  const withOwnHashes = (use: () => Promise<unknown>) => async (block: Uint8Array) => {
    const before = readFileSync(manifest)
    const made = JSON.parse(before.toString())
    const [{ bytes: range, ...first }] = made.curves.batches
    const whole = Buffer.concat([readFileSync(curves).subarray(0, range[0]), block])
    const file = 'stranger.curves.arrow'
    const entry = { ...first, bytes: [range[0], block.length], sha256: sha256(block) }
    writeFileSync(join(tables, file), whole)
    writeFileSync(
      manifest,
      JSON.stringify({ ...made, curves: { ...made.curves, file, bytes: whole.length, sha256: '', batches: [entry] } }),
    )
    return use().finally(() => writeFileSync(manifest, before))
  }
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  const firstBlock = () => {
    const { bytes } = JSON.parse(readFileSync(manifest, 'utf8')).curves.batches[0]
    return readFileSync(curves).subarray(bytes[0], bytes[0] + bytes[1])
  }

  survivesDamage('curves whose hash is made again', firstBlock, withOwnHashes(useTable))
  survivesDamage('curves whose hash is made again, and are merged', firstBlock, withOwnHashes(mergeTable), {
    share: 1 / 4,
  })
})
