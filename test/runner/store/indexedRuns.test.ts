import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { once } from '../../../src/core/onceEach.ts'
import { random } from '../../../src/core/random.ts'
import { COMPACT_RECORDS, parseCompact, runFolderFiles } from '../../../src/report/committed/records.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { readIndexed, readOutlines } from '../../../src/runner/store/indexedRuns.ts'
import { RunFolder } from '../../../src/runner/store/runFolder.ts'
import { reportedEpoch, summarise } from '../../../src/runner/store/runSummary.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { seal, unseal } from '../../../src/system/checksums.ts'
import { recordText } from '../../../src/system/json.ts'
import { full } from '../../support/full.ts'

const MAGIC = 'NBHIDX04'
/** Real runs: without probes, with probes, and with full trainings. */
const SOURCES = { 'nb201-laptop': 8, 'hessian-shapes': 2, 'darts-trial': 3 }
/** Number of runs of the indexed store. */
const FEWEST = 8

let folder: string
let store: string
let indexes: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'index-'))
  store = join(folder, 'runs')
  indexes = join(folder, 'cache/nas-bench-harness/stores')
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
  vi.stubEnv('NAS_BENCH_HOME', '')
  cpSync(preparedStore(), store, { recursive: true })
  later()
})
/** Returns a store of real runs in several states, which each test copies. */
const preparedStore = once(() => {
  const prepared = mkdtempSync(join(tmpdir(), 'store-'))
  for (const runs of realRuns()) writeRuns(runs, prepared)
  makeOtherStates(prepared)
  return prepared
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const realRuns = once(() =>
  Object.entries(SOURCES).map(([report, count]) => {
    const path = fileURLToPath(new URL(`../../../reports/${report}/${COMPACT_RECORDS}`, import.meta.url))
    return parseCompact(readFileSync(path), path).slice(0, count)
  }),
)

/**
 * Writes runs of a compact report, which lack the seconds of their epochs, as run folders. Every second run has losses
 * and accuracies, the first epoch none of the validation images.
 */
function writeRuns(runs: readonly RunRecord[], store: string): void {
  const learning = (epoch: number) => ({
    ...{ trainLoss: 1 / (epoch + 3), trainAccuracyPct: 100 / 3 },
    ...(epoch > 0 && { validLoss: 2 / 3, validAccuracyPct: 0 }),
  })
  const whole = runs.map((run, i) => ({
    ...run,
    epochs: run.epochs.map((epoch) => ({ ...epoch, ...(i % 2 === 1 && learning(epoch.epoch)), seconds: 1 })),
  }))
  for (const [file, text] of runFolderFiles(whole)) {
    const path = join(store, file.replace(/^runs\//, ''))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

/** Moves the clock ahead, since files that are a few seconds old are not indexed. */
function later(): void {
  const now = Date.now() + 10_000
  vi.spyOn(Date, 'now').mockReturnValue(now)
}

/**
 * Makes the first runs special: one has queries, one failed, one was interrupted, one was resumed in another
 * environment.
 */
function makeOtherStates(store: string): void {
  const [asking, failed, interrupted, resumed] = runs(store)
  const result = { ...asking.result(), oracle: { budgetSeconds: 900, usedSeconds: 812.5, queries: queries() } }
  writeFileSync(join(asking.path, 'result.json'), recordText(result))
  rmSync(join(failed.path, 'result.json'))
  writeFileSync(join(failed.path, 'failure.json'), recordText({ schema: 1, id: failed.id, epoch: 1, message: 'why' }))
  rmSync(join(interrupted.path, 'result.json'))
  const { environment, ...manifest } = resumed.manifest()
  const elsewhere = { ...environment, node: 'v99.0.0' }
  writeFileSync(join(resumed.path, 'run.json'), recordText({ ...manifest, environment, resumedIn: [elsewhere] }))
}

function queries() {
  const stream = random(1, 'queries')
  return Array.from({ length: 20 }, (_, i) => ({
    genotype: `architecture ${i}`,
    accuracyPct: 80 + 10 * stream.uniform(),
    usedSeconds: 40 * (i + 1),
  }))
}

const runs = (of = store) => new Store(of).runs()
const folders = (of = store) => new Store(of).folders()

/** Returns all values of the index as JSON, so that the order of keys is compared, too. */
function indexed(of = store): string {
  const { summaries, epochs } = readIndexed(folders(of), FEWEST)
  const outlines = readOutlines(folders(of), FEWEST)
  return JSON.stringify(summaries.map((summary, i) => [outlines[i], summary, epochs(i)]))
}

const fromRecords = (of = store): string =>
  JSON.stringify(runs(of).map((run) => [outlineOf(run), summarise(run), run.epochs().map(reportedEpoch)]))

function outlineOf(run: RunFolder) {
  const { id, job } = run.manifest()
  const [result, failure] = [run.result(), run.failure()]
  if (result === undefined) return failure === undefined ? { id, job } : { id, job, failure: failure.message }
  return { id, job, finished: { epochs: result.epochs, trainings: result.trainings?.length ?? 0 } }
}

/** Returns how many manifests were parsed during a call: two for each run that is in no index. */
function parsed(work: () => unknown): number {
  const spy = vi.spyOn(RunFolder.prototype, 'manifest')
  work()
  const { length } = spy.mock.calls
  spy.mockRestore()
  return length
}

/** Returns the number of runs with probes, whose epochs are in no index. */
const withProbes = (): number => runs().filter((run) => run.epochs().some(({ probes }) => probes !== undefined)).length

const indexFile = () => join(indexes, readdirSync(indexes).find((name) => name.endsWith('.summaries')) ?? '')

describe('the index of a store', () => {
  test('gives the content of the records, and the second time without parsing them', () => {
    const expected = fromRecords()
    expect(parsed(() => expect(indexed()).toBe(expected))).toBe(2 * runs().length)
    expect(parsed(() => expect(indexed()).toBe(expected))).toBe(0)
  })

  test.each(['run.json', 'result.json', 'failure.json'])('leaves out a run whose %s just changed', (file) => {
    const run = runs().find(({ path }) => existsSync(join(path, file))) ?? expect.fail(`no run has ${file}`)
    const now = Date.now() / 1000
    utimesSync(join(run.path, file), now, now)
    indexed()
    expect(parsed(indexed)).toBeGreaterThan(0)
    later()
    indexed()
    expect(parsed(indexed)).toBe(0)
  })

  test('reads the epochs of each run once and decodes them once, however often they are asked for', () => {
    const read = vi.spyOn(RunFolder.prototype, 'epochs')
    for (const reads of [runs().length, 0]) {
      read.mockClear()
      const { summaries, epochs } = readIndexed(folders(), FEWEST)
      for (const run of summaries.keys()) expect(epochs(run)).toBe(epochs(run))
      expect(read.mock.calls.length).toBeLessThanOrEqual(reads + withProbes())
    }
  })
  test('keeps the order of the requested runs of several stores', () => {
    const other = join(folder, 'other')
    cpSync(store, other, { recursive: true })
    const mixed = [...runs(), ...runs(other)].sort((a, b) => (a.id < b.id ? 1 : -1))
    for (let time = 0; time < 2; time++) {
      const { summaries, epochs } = readIndexed(mixed, FEWEST)
      expect(summaries.map(({ manifest }) => manifest.id)).toEqual(mixed.map(({ id }) => id))
      expect(epochs(3)).toEqual(mixed[3].epochs().map(reportedEpoch))
    }
  })

  test('holds shared parts in memory only once', () => {
    const { summaries } = readIndexed(runs(), FEWEST)
    const protocols = new Set(summaries.map(({ manifest }) => manifest.job.protocol))
    // Manifests are shared by the runs that differ in their seed alone; some ran in another environment.
    const shared = summaries.map(({ manifest }) =>
      JSON.stringify({ ...manifest, id: '', job: { ...manifest.job, seed: 0 } }),
    )
    expect(protocols.size).toBeLessThanOrEqual(new Set(shared).size)
    expect(protocols.size).toBeLessThan(summaries.length)
  })

  test('does not change a byte of the store', () => {
    const before = bytesOf(store)
    indexed()
    indexed()
    expect(bytesOf(store)).toEqual(before)
  })

  test('is not written for a store of few runs', () => {
    for (const { path } of runs().slice(FEWEST - 1)) rmSync(path, { recursive: true })
    expect(indexed()).toBe(fromRecords())
    expect(existsSync(indexes)).toBe(false)
  })

  test('does not index a run that changed a moment ago', () => {
    vi.mocked(Date.now).mockRestore()
    const touched = runs()[5]
    appendFileSync(join(touched.path, 'run.json'), '\n')
    indexed()
    expect(parsed(indexed)).toBeGreaterThan(0)
  })

  test('is renewed if the store is replaced by another', () => {
    indexed()
    const [first, ...gone] = runs()
    for (const { path } of gone) rmSync(path, { recursive: true })
    for (let i = 0; i < 9; i++) {
      const id = `${first.id}${i}`
      cpSync(first.path, join(store, id), { recursive: true })
      for (const file of ['run.json', 'result.json'].map((name) => join(store, id, name))) {
        writeFileSync(file, readFileSync(file, 'utf8').replace(`"${first.id}"`, `"${id}"`))
      }
    }
    for (let time = 0; time < 3; time++) expect(indexed()).toBe(fromRecords())
    expect(parsed(indexed)).toBe(0)
  })
})

/** Changes of a record between two commands. */
const changes: Readonly<Record<string, (path: string) => void>> = {
  'is replaced by another file': (path) => {
    writeFileSync(`${path}.new`, changed(readFileSync(path, 'utf8')))
    renameSync(`${path}.new`, path)
  },
  'is overwritten in place, with its old size and times': (path) => {
    const { atime, mtime, size } = statSync(path)
    writeFileSync(path, changed(readFileSync(path, 'utf8')))
    utimesSync(path, atime, mtime)
    expect(statSync(path).size).toBe(size)
  },
  'changes places with that of another run, with one time for both': (path) => {
    const other = path.replace(/[^/]+\/[^/]+$/, (name) => join(runs().at(-1)?.id ?? '', name.split('/')[1]))
    renameSync(path, `${path}.aside`)
    renameSync(other, path)
    renameSync(`${path}.aside`, other)
    for (const each of [path, other]) utimesSync(each, 0, 0)
  },
  'is removed': (path) => rmSync(path),
}

/** Changes a number without changing the file's size. */
const changed = (text: string): string =>
  text.replace(
    /("(?:accuracyPct|batchSize)": ?)(\d)/,
    (_, key, digit) => `${key}${digit === '9' ? 8 : Number(digit) + 1}`,
  )

describe.each(Object.entries(changes))('a record that %s', (how, change) => {
  test.each(['run.json', 'result.json', 'epochs.jsonl'])('is read again: %s', (file) => {
    indexed()
    const stream = random(7, how, file)
    for (let time = 0; time < (full ? 3 : 1); time++) {
      const before = outcome(fromRecords)
      const able = runs().filter(({ path }) => /accuracyPct|batchSize/.test(textOf(join(path, file))))
      change(join(stream.choice(able.slice(0, -1)).path, file))
      expect(outcome(fromRecords)).not.toBe(before)
      expect(outcome(indexed)).toBe(outcome(fromRecords))
      if (outcome(fromRecords).startsWith(REFUSED)) return
    }
  })
})

const REFUSED = 'refused: '

/** Returns what is read, or the error: a record of another run is refused. */
function outcome(read: () => string): string {
  try {
    return read()
  } catch (error) {
    return REFUSED + (error as Error).message
  }
}

test('new results, failures and epochs are read', () => {
  indexed()
  const [asking, failed, interrupted] = runs()
  const next = interrupted.epochCount()
  interrupted.appendEpochs(asking.epochs().map((epoch, i) => ({ ...epoch, epoch: next + i })))
  expect(indexed()).toBe(fromRecords())
  writeFileSync(join(interrupted.path, 'result.json'), recordText({ ...asking.result(), id: interrupted.id }))
  rmSync(join(failed.path, 'failure.json'))
  expect(indexed()).toBe(fromRecords())
  writeFileSync(join(failed.path, 'failure.json'), recordText({ schema: 1, id: failed.id, epoch: 2, message: 'other' }))
  expect(indexed()).toBe(fromRecords())
})

/** Changes of the store's folders between two commands. */
const rearrangements: Readonly<Record<string, () => void>> = {
  'a run is removed': () => rmSync(runs()[2].path, { recursive: true }),
  'only the run.json of a run is removed': () => rmSync(join(runs()[2].path, 'run.json')),
  'runs are added before, between and after the others': () => {
    for (const id of ['0', `${runs()[3].id}0`, 'zzz']) copyRun(runs()[4].path, id)
  },
  'a run takes the place of another, with the times of the files kept': () => {
    const [first, second] = runs().slice(4)
    const text = readFileSync(join(second.path, 'run.json'), 'utf8')
    const { mtime } = statSync(join(first.path, 'run.json'))
    rmSync(join(first.path, 'run.json'))
    writeFileSync(join(first.path, 'run.json'), text.replaceAll(second.id, first.id))
    utimesSync(join(first.path, 'run.json'), mtime, mtime)
  },
  'the folder of a run is moved out and a link to it stays': () => {
    const { path } = runs()[4]
    renameSync(path, join(folder, 'moved'))
    symlinkSync(join(folder, 'moved'), path)
  },
  'a link leads to another run of the same id': () => {
    const { path, id } = runs()[4]
    cpSync(path, join(folder, id), { recursive: true })
    for (const file of ['run.json', 'result.json'].map((name) => join(folder, id, name))) {
      if (existsSync(file)) writeFileSync(file, changed(readFileSync(file, 'utf8')))
    }
    rmSync(path, { recursive: true })
    symlinkSync(join(folder, id), path)
  },
}

function copyRun(path: string, id: string): void {
  cpSync(path, join(store, id), { recursive: true })
  const { id: original } = JSON.parse(readFileSync(join(path, 'run.json'), 'utf8'))
  for (const file of ['run.json', 'result.json'].map((name) => join(store, id, name))) {
    if (existsSync(file)) writeFileSync(file, readFileSync(file, 'utf8').replaceAll(original, id))
  }
}

test.each(Object.entries(rearrangements))('it is noticed that %s', (how, rearrange) => {
  const before = fromRecords()
  indexed()
  rearrange()
  expect(indexed()).toBe(fromRecords())
  expect(indexed()).toBe(fromRecords())
  if (!how.endsWith('stays')) expect(fromRecords()).not.toBe(before)
})

test('a line that is appended to the epochs of a run of which only the file changes is read', () => {
  indexed()
  const [, , interrupted] = runs()
  const times = statSync(interrupted.path).mtimeMs
  const next = interrupted.epochCount()
  appendFileSync(
    join(interrupted.path, 'epochs.jsonl'),
    `${JSON.stringify({ ...runs()[0].epochs()[0], epoch: next })}\n`,
  )
  expect(statSync(interrupted.path).mtimeMs).toBe(times)
  expect(indexed()).toBe(fromRecords())
})

test('files and folders in the store that hold no run are left out, and the others are still read from the index', () => {
  const expected = fromRecords()
  indexed()
  mkdirSync(join(store, 'a folder'))
  mkdirSync(join(store, 'slurm'))
  writeFileSync(join(store, 'notes.txt'), '')
  symlinkSync(folder, join(store, 'link'))
  expect(parsed(() => expect(indexed()).toBe(expected))).toBe(0)
})

test('planned runs of a store that does not exist yet are left out, however many they are', () => {
  for (const absent of [join(folder, 'absent'), join(folder, 'absent', 'deeper')]) {
    const planned = runs().map(({ id }) => new Store(absent).run(id))
    expect(planned.length).toBeGreaterThan(FEWEST)
    expect(readOutlines(planned, FEWEST)).toEqual([])
    expect(readIndexed(planned, FEWEST).summaries).toEqual([])
    const [first] = runs()
    expect(readOutlines([first, ...planned], FEWEST)).toEqual([outlineOf(first)])
  }
})

test('a store that is a broken link is refused', () => {
  const link = join(folder, 'link')
  symlinkSync('/not/mounted', link)
  const planned = runs().map(({ id }) => new Store(link).run(id))
  expect(() => readOutlines(planned, FEWEST)).toThrow(/cannot read .*link \(a broken link\)/)
})

test('a broken link in the store is refused', () => {
  indexed()
  symlinkSync('/not/mounted', join(store, 'link'))
  expect(() => readOutlines(folders(), FEWEST)).toThrow(/cannot read .*link \(a broken link\)/)
})

test('a damaged record is refused with and without an index', () => {
  indexed()
  const [run] = runs()
  writeFileSync(join(run.path, 'run.json'), '{')
  expect(() => indexed()).toThrow(/run\.json/)
  expect(() => indexed()).toThrow(/run\.json/)
})

describe('an invalid index', () => {
  let expected: string
  beforeEach(() => {
    expected = fromRecords()
    indexed()
  })

  test('with random damage is replaced', () => {
    const files = readdirSync(indexes).map((name) => join(indexes, name))
    expect(files).toHaveLength(3)
    const whole = files.map((file) => readFileSync(file))
    const stream = random(11, 'damage')
    for (let time = 0; time < (full ? 20 : 5); time++) {
      files.forEach((file, i) => {
        const bytes = Buffer.from(whole[i])
        bytes[stream.integer(bytes.length)] ^= 1 << stream.integer(8)
        writeFileSync(file, stream.integer(2) === 0 ? bytes : bytes.subarray(0, stream.integer(bytes.length)))
      })
      expect(indexed()).toBe(expected)
    }
    expect(parsed(indexed)).toBe(0)
  })

  const contents = () =>
    unseal(MAGIC, readFileSync(indexFile()), { path: '', kind: '', remedy: '' }) as Record<string, string>
  /** With other accuracies, which show whether it was believed. */
  const lying = () => ({ ...contents(), pools: contents().pools.replaceAll('"accuracyPct":9', '"accuracyPct":8') })

  test.each<[string, () => Buffer]>([
    ['another version', () => seal(MAGIC, { ...lying(), version: '0.0.1' })],
    ['another form', () => seal('NBHIDX00', lying())],
    ['another store', () => seal(MAGIC, { ...lying(), store: '/elsewhere' })],
    ['another program', () => seal(MAGIC, { runs: 1 })],
    ['nobody', () => Buffer.alloc(0)],
  ])('because it is of %s is made anew', (_, bytes) => {
    writeFileSync(indexFile(), bytes())
    expect(indexed()).toBe(expected)
    expect(parsed(indexed)).toBe(0)
  })

  test('and would give wrong values if it were used', () => {
    writeFileSync(indexFile(), seal(MAGIC, lying()))
    expect(indexed()).not.toBe(expected)
  })

  test.skipIf(process.getuid?.() !== 0)('of another user is replaced (tested as root only)', () => {
    writeFileSync(indexFile(), seal(MAGIC, lying()))
    chownSync(indexFile(), 12_345, 12_345)
    expect(indexed()).toBe(expected)
    expect(statSync(indexFile()).uid).toBe(0)
  })

  test('is not written if a folder has its name', () => {
    const path = indexFile()
    rmSync(path)
    mkdirSync(join(path, 'inside'), { recursive: true })
    expect(indexed()).toBe(expected)
    expect(existsSync(join(path, 'inside'))).toBe(true)
  })

  test('is not written if the cache is not a folder', () => {
    rmSync(join(folder, 'cache'), { recursive: true })
    writeFileSync(join(folder, 'cache'), 'a file')
    expect(indexed()).toBe(expected)
  })
})

test('indexes that were not written for months are deleted when another is written', () => {
  indexed()
  const [old, young] = ['old.curves', 'young.curves'].map((name) => join(indexes, name))
  for (const path of [old, young]) writeFileSync(path, '')
  utimesSync(old, 0, 0)
  cpSync(store, join(folder, 'other'), { recursive: true })
  indexed(join(folder, 'other'))
  expect([existsSync(old), existsSync(young)]).toEqual([false, true])
})

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/** Returns bytes and times of every file. */
function bytesOf(path: string): readonly unknown[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => [file, readFileSync(file, 'base64'), statSync(file).mtimeMs])
}
