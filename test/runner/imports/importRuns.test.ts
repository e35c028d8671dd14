/** Importing runs of other programs; damaged files are read in damage.test.ts. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { verifyRecords } from '../../../src/report/committed/verify.ts'
import { compare } from '../../../src/report/comparison/comparison.ts'
import { anytimeFigure } from '../../../src/report/figures/anytime.ts'
import { caveatsOf } from '../../../src/report/kit/checklist/facts.ts'
import { runCommands } from '../../../src/report/kit/reproduce.ts'
import { groupByMethod } from '../../../src/report/methods.ts'
import { reproducibilityList } from '../../../src/report/page/reproducibility.ts'
import { readRuns } from '../../../src/report/runRecord.ts'
import { type ImportRunsOptions, importRuns } from '../../../src/runner/imports/importRuns.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { nb201, nb201WithoutNone } from '../../../src/spaces/nb201/index.ts'
import { writeToyTable } from '../../support/toyTable.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import {
  CSV,
  DARTS_LOG,
  DRNAS_LOG,
  FIRST,
  LINES,
  NASLIB,
  NASLIB_CELL,
  NASLIB_LOG,
  NB201_LOG,
  SECOND,
  THIRD,
} from './samples.ts'

const folder = temporaryFolder()
process.env.NAS_BENCH_HOME = join(folder, 'home')
writeToyTable(join(folder, 'home/tables'))

let store: Store
let stores = 0
beforeEach(() => {
  store = new Store(join(folder, `store${stores++}`))
})

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const load = (path: string | readonly string[], options: Partial<ImportRunsOptions> = {}) =>
  importRuns([path].flat(), { space: nb201, store, ...options })

/** Pairs of an operation and its input, as in a genotype of S4. */
const NODES_WITH_NOISE = "('noise', 0), ('sep_conv_3x3', 1), ".repeat(4)
const S4_LOG = `genotype = Genotype(normal=[${NODES_WITH_NOISE}], normal_concat=range(2, 6), reduce=[${NODES_WITH_NOISE}], reduce_concat=range(2, 6))`

const records = () => readRuns(store.runs())
const answers = () => records().map(({ result }) => result?.genotype)

describe('rows', () => {
  test('become runs with epochs, looked up in the table', async () => {
    const { imported } = await load(file('rows.csv', CSV))
    expect(imported).toHaveLength(2)
    expect(answers()).toEqual([SECOND, THIRD])
    const [{ manifest, result }] = records()
    expect(result?.metrics.map(({ dataset }) => dataset)).toContain('cifar10')
    expect(manifest).toMatchObject({
      job: { algorithm: { name: 'mine' }, protocol: { name: 'imported' }, table: { name: 'nb201' } },
      importedFrom: { file: 'rows.csv', format: 'CSV' },
    })
    const epochs = store.runs()[0].epochs()
    expect(epochs.map(({ genotype, seconds }) => [genotype, seconds])).toEqual([
      [FIRST, 10],
      [SECOND, 11.5],
    ])
    expect(epochs[0].metrics.length).toBeGreaterThan(0)
  })

  test.each([
    ['semicolons and decimal commas', CSV.replaceAll(',', ';').replace('21.5', '21,5')],
    ['tabs and CR LF', CSV.replaceAll(',', '\t').replaceAll('\n', '\r\n')],
    ['a byte order mark and blank lines', `\ufeff${CSV.replaceAll('\n', '\n\n')}`],
    ['other columns, in another order, under the name arch', reordered()],
    ['gzip', gzipSync(CSV)],
    ['JSON lines', jsonOf('\n')],
    ['a JSON list', `[${jsonOf(',').slice(0, -1)}]`],
  ])('are read alike with %s', async (_, content) => {
    const { imported } = await load(file('rows.csv', CSV))
    expect((await load(file('other', content))).known).toEqual(imported)
  })

  function reordered(): string {
    const rows = CSV.trim()
      .split('\n')
      .map((line) => line.split(','))
    return rows.map(([m, s, d, a, e, t], i) => [t, 'x', i === 0 ? 'arch' : a, e, d, s, m].join()).join('\n')
  }

  function jsonOf(end: string): string {
    const [header, ...rows] = CSV.trim()
      .split('\n')
      .map((line) => line.split(','))
    const numbers = new Set(['seed', 'epoch', 'seconds'])
    return rows
      .map((row) => Object.fromEntries(row.map((v, i) => [header[i], numbers.has(header[i]) ? Number(v) : v])))
      .map((row) => JSON.stringify(row) + end)
      .join('')
  }

  test('with seconds alone become a curve over time, with the accuracies that the oracle gives', async () => {
    await load(file('asked.jsonl', LINES))
    const [{ result }] = records()
    expect(result?.genotype).toBe(SECOND)
    expect(result?.oracle).toMatchObject({ budgetSeconds: null, usedSeconds: 350.5 })
    expect(
      store
        .runs()[0]
        .result()
        ?.oracle?.queries.map(({ usedSeconds }) => usedSeconds),
    ).toEqual([100, 350.5])
    expect(anytimeFigure(records()).panels).toHaveLength(1)
  })

  test('keep the architecture in epochs that are left out, and may begin at any epoch', async () => {
    await load(file('gaps.csv', CSV.replace(',0,10', ',1,10').replace(',1,21.5', ',4,21.5')))
    expect(
      store
        .runs()[0]
        .epochs()
        .map(({ genotype }) => genotype),
    ).toEqual([FIRST, FIRST, FIRST, SECOND])
  })

  test('may leave out what a flag says', async () => {
    await load(file('short.csv', `architecture\n${FIRST}\n`), { method: 'm', seed: 3, dataset: 'cifar10' })
    expect(records()[0].manifest.job).toMatchObject({ algorithm: { name: 'm' }, seed: 3, dataset: { name: 'cifar10' } })
  })

  test.each([
    ['no method', CSV.replace('method', 'metod'), /line 2: there is no method; add it, or give --method/],
    ['a seed that is not a number', CSV.replace('mine,1', 'mine,one'), /line 4: seed: expected a whole number/],
    ['a negative epoch', CSV.replace(',0,10', ',-1,10'), /line 2: epoch: expected a whole number/],
    ['seconds that are not finite', CSV.replace('21.5', 'NaN'), /line 3: seconds: expected a number/],
    ['an architecture of another space', CSV.replace(THIRD, 'Genotype()'), /line 4: architecture "Genotype/],
    ['a line with too few cells', `${CSV}mine,2\n`, /line 6: 2 cells where the header has 6; expected a header/],
    ['a column twice', CSV.replace('seconds', 'seed'), /line 1: the column seed is there twice/],
    ['epochs that go back', CSV.replace(',1,21.5', ',0,21.5'), /line 3: seed 0 of mine goes back from epoch 0 to 0/],
    ['seconds that go back', CSV.replace('21.5', '2.5'), /line 3: seed 0 of mine goes back from seconds 10 to 2.5/],
    ['two answers', CSV.replaceAll(/,[01],[\d.]+$/gm, ',,'), /line 3: seed 0 of mine has a second architecture/],
    ['an epoch that is missing', CSV.replace(',1,21.5', ',,21.5'), /line 3: seed 0 of mine has no epoch here/],
    ['JSON that ends early', LINES.slice(0, -3), /line 2: no JSON/],
    ['another dataset', CSV.replaceAll('cifar10', 'cifr10'), /unknown dataset "cifr10"; did you mean "cifar10"/],
    ['nothing', '\n\n', /is empty/],
    ['no text', Buffer.from([1, 0, 2]), /is not text/],
  ])('are refused with %s, and nothing is written', async (_, content, message) => {
    await expect(load(file('wrong.csv', content))).rejects.toThrow(message)
    expect(() => readdirSync(store.folder)).toThrow('ENOENT')
  })

  test.each([
    ['a log of DARTS', DARTS_LOG, nb201, 'line 3', 'darts'],
    ['a log of DARTS on S4', S4_LOG, nb201, 'line 1', 'darts-s4'],
    ['a cell with none', `architecture\n${FIRST.replace(/\w+~0/, 'none~0')}\n`, nb201WithoutNone, 'line 2', 'nb201'],
    ['rows of NAS-Bench-201', CSV, darts, 'line 2', 'nb201'],
  ])('of another search space name it: %s', async (_, content, space, place, other) => {
    const wrong = file('other.txt', content)
    const named = `other.txt, ${place}: an architecture of the search space ${other}, not of ${space.name}; give --space ${other}`
    await expect(load(wrong, { space, method: 'm', seed: 0, dataset: 'cifar10' })).rejects.toThrow(named)
  })

  test('with unknown architectures can be left out, with the runs whose answers they are', async () => {
    const path = file('some.csv', CSV.replaceAll(THIRD, 'what').replace(`${FIRST}`, 'that'))
    expect(await load(path, { skipUnknown: true })).toMatchObject({ skipped: 3, skippedRuns: 1 })
    expect(answers()).toEqual([SECOND])
  })
})

describe('importing again', () => {
  test('changes nothing, and with a longer file adds the new seeds', async () => {
    const { imported } = await load(file('rows.csv', CSV))
    const before = readFileSync(join(store.folder, imported[0], 'result.json'), 'utf8')
    expect(await load(file('rows.csv', CSV))).toMatchObject({ imported: [], known: imported })
    const more = await load(file('rows.csv', `${CSV}mine,2,cifar10,${FIRST},0,3\n`))
    expect(more).toMatchObject({ known: imported })
    expect(more.imported).toHaveLength(1)
    expect(readFileSync(join(store.folder, imported[0], 'result.json'), 'utf8')).toBe(before)
  })

  test('is refused with other content for a seed, of the same file or of two', async () => {
    await load(file('rows.csv', CSV))
    const other = file('other.csv', CSV.replace(SECOND, THIRD))
    await expect(load(other)).rejects.toThrow(/seed 0 of mine on cifar10 was imported before with other content/)
    expect(store.runs()).toHaveLength(2)
    expect((await load(other, { method: 'others' })).imported).toHaveLength(2)
    store = new Store(join(folder, 'two'))
    await expect(load([file('rows.csv', CSV), other])).rejects.toThrow(/seed 0 of mine on cifar10 is in .* and in /)
  })
})

describe('logs', () => {
  const LOG = { method: 'drnas', dataset: 'cifar10' }

  test('give the architecture of each epoch, and the seed', async () => {
    await load(file('search.log', DRNAS_LOG), LOG)
    expect(records()[0].manifest.job.seed).toBe(2)
    expect(
      store
        .runs()[0]
        .epochs()
        .map(({ genotype }) => genotype),
    ).toEqual([FIRST, SECOND, THIRD])
    await load(file('gdas-seed5.log', NB201_LOG), { ...LOG, method: 'gdas' })
    const [, gdas] = records()
    expect(gdas.manifest.job.seed).toBe(5)
    expect(gdas.epochs.map(({ genotype }) => genotype)).toEqual([FIRST, SECOND])
  })

  test('of DARTS’ code are read on its space, which has no table', async () => {
    await load(file('darts.log', DARTS_LOG), { method: 'pc-darts', dataset: 'cifar10', space: darts })
    const [{ result, epochs }] = records()
    expect(epochs).toHaveLength(2)
    expect(result?.genotype).toContain('sep_conv_3x3')
    expect(result?.metrics).toEqual([])
  })

  test('may have a named epoch as the answer', async () => {
    await load(file('search.log', DRNAS_LOG), { ...LOG, answerEpoch: 1 })
    expect(answers()).toEqual([SECOND])
    await expect(load(file('search.log', DRNAS_LOG), { ...LOG, answerEpoch: 7 })).rejects.toThrow(
      'search.log: seed 2 of drnas has no architecture of epoch 7; it has the epochs 0 to 2',
    )
  })

  test('with a second stage go on counting; with a resumed search replace what was lost', async () => {
    const stage = (epochs: readonly number[], ...cells: readonly string[]) =>
      epochs.map((epoch, i) => `Epoch [${epoch}/3] lr 0.1\ngenotype: ${cells[i]}\n`).join('')
    await load(file('a.log', stage([1, 2, 1, 2], FIRST, SECOND, THIRD, FIRST)), { ...LOG, seed: 0 })
    await load(file('b.log', stage([1, 2, 3, 2], FIRST, SECOND, FIRST, THIRD)), { ...LOG, seed: 1 })
    const all = records().map(({ epochs }) => epochs.map(({ genotype }) => genotype))
    expect(all).toEqual([
      [FIRST, SECOND, THIRD, FIRST],
      [FIRST, THIRD],
    ])
  })

  test('without epochs count their architectures', async () => {
    await load(file('c.log', `found ${FIRST}\nbetter: ${SECOND}\n`), { ...LOG, seed: 0 })
    expect(records()[0].epochs).toHaveLength(2)
  })

  test.each([
    ['without a method', { dataset: 'cifar10' }, DRNAS_LOG, /give --method/],
    ['without a seed', LOG, DRNAS_LOG.replace('seed=2, ', ''), /give --seed/],
    ['without architectures', LOG, 'epoch 0\nloss 3\n', /has no architectures of nb201/],
    [
      'with a broken architecture',
      LOG,
      DRNAS_LOG.replace('nor_conv_3x3~0', 'conv~0'),
      /line 4: .*unknown operation "conv"/,
    ],
  ])('are refused %s', async (_, options, content, message) => {
    await expect(load(file('wrong.log', content), options)).rejects.toThrow(message)
  })
})

describe('NASLib', () => {
  function search(errors: string, log: string | undefined, seed = '9'): string {
    const place = join(folder, `naslib${stores}`, seed)
    mkdirSync(place, { recursive: true })
    if (log !== undefined) writeFileSync(join(place, 'log.log'), log)
    writeFileSync(join(place, 'errors.json'), errors)
    return join(place, 'errors.json')
  }

  test('gives the final architecture of its log and the accuracies of its trajectory', async () => {
    await load(search(NASLIB, NASLIB_LOG))
    const [{ manifest, result }] = records()
    expect(manifest.job).toMatchObject({ algorithm: { name: 'rs' }, seed: 9, dataset: { name: 'cifar10' } })
    expect(result?.genotype).toBe(NASLIB_CELL)
    expect(result?.oracle?.queries).toEqual([
      { accuracyPct: 84.1, usedSeconds: 1000 },
      { accuracyPct: 88.2, usedSeconds: 2200 },
      { accuracyPct: 88.9, usedSeconds: 3100 },
    ])
  })

  test('of a gradient method, without configuration, takes the seed from the folder', async () => {
    const errors = JSON.stringify({ ...JSON.parse(NASLIB)[1], train_time: [] })
    await load(search(errors, NASLIB_LOG, '12'), { method: 'darts', dataset: 'cifar10' })
    const [{ manifest, result }] = records()
    expect(manifest.job.seed).toBe(12)
    expect(result).toMatchObject({ epochs: 3, genotype: NASLIB_CELL })
    expect(result?.oracle).toBeUndefined()
  })

  test.each([
    ['without its log', NASLIB, undefined, {}, /there is no .*log.log/],
    ['without a final architecture', NASLIB, 'nothing\n', {}, /log.log has no final architecture/],
    ['cut off', NASLIB.slice(0, -9), NASLIB_LOG, {}, /no JSON, as if it were cut off/],
    ['with other numbers', NASLIB.replace('[84.1', '["x"'), NASLIB_LOG, {}, /not errors.json of NASLib/],
    ['with a named epoch', NASLIB, NASLIB_LOG, { answerEpoch: 1 }, /leave --answer out/],
  ])('is refused %s', async (_, errors, log, options, message) => {
    await expect(load(search(errors, log), options)).rejects.toThrow(message)
  })
})

describe('imported runs', () => {
  test('are marked, verified, and not mixed with own ones unnoticed', async () => {
    await load(file('rows.csv', CSV))
    const imported = records()
    expect(groupByMethod(imported).map(({ label }) => label)).toEqual(['mine (imported)'])
    expect(await verifyRecords('store', imported)).toMatchObject({ lookedUpAgain: 2, differences: [] })
    const own = imported.map((run) => ({
      ...run,
      manifest: {
        ...run.manifest,
        job: {
          ...withoutMark(run.manifest.job),
          protocol: { ...run.manifest.job.protocol, name: 'laptop', epochs: 50 },
        },
      },
    }))
    expect(() => compare([...imported, ...own])).toThrow(/different protocols \(name is imported or laptop\)/)
    const mixed = compare([...imported, ...own], { mix: true })
    expect(mixed.rows.map(({ method }) => method.label)).toEqual(['mine (protocol=imported)', 'mine (protocol=laptop)'])
  })

  test('show their file, not settings that nobody knows', async () => {
    await load(file('rows.csv', CSV))
    const list = new Map(reproducibilityList(records()))
    expect(list.get('Protocol imported')).toMatch(/settings are unknown; read from rows.csv \(CSV, SHA-256 /)
    expect(caveatsOf(records())[0]).toMatch(/2 runs of other programs were imported from rows.csv/)
    expect(runCommands(records())).toEqual([expect.stringMatching(/^# mine, seed 0, 1, was imported/)])
  })
})

const withoutMark = <T extends { readonly imported?: unknown }>({ imported: _, ...job }: T) => job
