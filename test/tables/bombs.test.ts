/** Small sources that ask for much: each is refused in little time, with the limit that it goes beyond. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { PickleInput } from '../../src/pickle/pickleInput.ts'
import { readPickle } from '../../src/pickle/readPickle.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { raiseLimit } from '../../src/system/limits.ts'
import { architectureRuns, runReader } from '../../src/tables/importers/benchmarkRecords.ts'
import { identityMapping } from '../../src/tables/importers/mapping.ts'
import { readRecords } from '../../src/tables/importers/readRecords.ts'
import { readLimited, readSource } from '../../src/tables/importers/readSource.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { someOf } from '../support/full.ts'
import { resetLimits } from './resetLimits.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const records: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/nats.json', import.meta.url), 'utf8'),
)
const folder = temporaryFolder()
const space = spaceIndex(nb201)
const options = {
  space,
  partial: true,
  mapping: { ...identityMapping, split: 'x-valid', seed: 888 },
  withCurves: true,
  jobs: 1,
  partsFolder: join(folder, 'parts'),
}
const MOST_SECONDS = 10
afterEach(resetLimits)

/** What reading is refused with; it takes little processor time. */
async function refusal(read: () => unknown): Promise<string> {
  const before = process.cpuUsage()
  const error: unknown = await Promise.resolve()
    .then(read)
    .catch((error: Error) => error)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1e6).toBeLessThan(MOST_SECONDS)
  expect(error).toMatchObject({ name: 'BenchError', code: 'bad-input' })
  return (error as Error).message
}

function source(content: string | Uint8Array): string {
  const path = join(folder, 'source')
  writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content)
  return path
}

const read = (content: string | Uint8Array) => readSource(source(content), options)

describe('a record of a hundred bytes that unpacks to 16 million is refused where these are', () => {
  const memory = 'needs too much memory for its lists, dicts and references; the limit is 32 MiB: raise it with --raise'
  test.each([
    ['references to one object', 'bomb, memo', memory],
    ['objects on the stack', 'bomb, stack', memory],
    ['marks on the stack', 'bomb, marks', memory],
    ['copies of a reference', 'bomb, copies', memory],
    ['dicts', 'bomb, dicts', memory],
    ['items of a list', 'bomb, list items', memory],
    ['lists in lists', 'bomb, nested lists', 'has no schedule'],
  ])('%s', async (_, name, message) => {
    const bytes = Uint8Array.from(Buffer.from(records[name], 'base64'))
    expect(bytes.length).toBeLessThan(100)
    if (message === memory) raiseLimit('pickle-mib=32')
    const readRecord = () => readRecords({ files: [{ name: '000009.pickle.pbz2', bytes }], withCurves: true })
    expect(await refusal(readRecord)).toContain(message)
  })
})

/** Pickles in protocol 1, by hand. */
const text = (value: string) => `X${String.fromCharCode(value.length % 256, value.length >> 8, 0, 0)}${value}`
const integer = (value: number) => `J${Buffer.from(Int32Array.of(value).buffer).toString('latin1')}`
const list = (...items: readonly string[]) => `](${items.join('')}e`
const tuple = (...items: readonly string[]) => `(${items.join('')}t`
const dict = (...items: readonly string[]) => `}(${items.join('')}u`
/** A list of twice a list of twice a list of …, 100 levels deep, in 700 bytes. */
const LAUGHTER = `]q\x00${Array.from({ length: 100 }, (_, i) => `0(h${String.fromCharCode(i)}h${String.fromCharCode(i)}lq${String.fromCharCode(i + 1)}`).join('')}`

const ARCH = space.at(9)
const count = (changed: Readonly<Record<string, string>> = {}) => {
  const fields = {
    epochs: integer(1),
    eval_names: list(text('x-valid')),
    eval_acc1es: dict(text('x-valid@0'), integer(50)),
    ...changed,
  }
  return dict(...Object.entries(fields).flatMap(([name, value]) => [text(name), value]))
}
const record = (key: string, value: string, arch = text(ARCH)) =>
  dict(text('200'), dict(text('arch_str'), arch, text('arch_index'), integer(9), text('all_results'), dict(key, value)))
const runsOf = (pickle: string) => () =>
  architectureRuns(readPickle(new PickleInput('r', Buffer.from(`${pickle}.`, 'latin1'))), 'r', runReader())
const KEY = tuple(text('cifar100'), integer(777))

describe('an error describes, and does not print, a list that contains itself many times, used as', () => {
  test('(control: the same record without the list is read)', () => {
    expect(runsOf(record(KEY, count()))().runs).toHaveLength(1)
  })

  test.each([
    ['the architecture', record(KEY, count(), LAUGHTER), 'has no arch_str'],
    ['the dataset', record(tuple(LAUGHTER, integer(777)), count()), 'has a result that is not of a (dataset, seed)'],
    ['a split', record(KEY, count({ eval_names: list(LAUGHTER) })), 'has a dataset or split named a list'],
    ['an accuracy', record(KEY, count({ eval_acc1es: dict(text('x-valid@0'), LAUGHTER) })), 'x-valid@0 is a list, not'],
    ['parameters', record(KEY, count({ params: LAUGHTER })), 'is a list, not a number'],
    ['a name of a type', `${LAUGHTER}${text('x')}\x93`, 'names a list.x, which is not a permitted type'],
  ])('%s', async (_, pickle, message) => {
    expect(await refusal(runsOf(pickle))).toContain(message)
  })

  test('the dataset of a NASLib file, or the key of a storage', async () => {
    const run = dict(
      ...['train_acc1es', 'eval_acc1es', 'train_losses', 'eval_losses'].flatMap((key) => [text(key), list(integer(1))]),
      ...[text('cost_info'), dict(text('params'), integer(1))],
    )
    expect(await refusal(() => read(`${dict(text(ARCH), dict(LAUGHTER, run))}.`))).toContain('split named a list')
    const storage = `${tuple(text('storage'), 'ctorch\nFloatStorage\n', LAUGHTER, text('cpu'), integer(1))}Q`
    expect(await refusal(() => read(`${dict(text('a'), storage)}.`))).toContain('holds no trainings')
  })
})

describe('a record is refused where it has', () => {
  test.each([
    ['too many epochs', count({ epochs: integer(1e9) }), 'more than 10000 epochs; the limit is 10000 epochs'],
    [
      'too many curves',
      count({
        epochs: integer(9999),
        eval_names: list(...Array.from({ length: 2000 }, (_, i) => text(`s${i}`))),
      }),
      'more than 50000000 numbers; the limit is 50000000 numbers',
    ],
    ['a split twice', count({ eval_names: list(text('a'), text('a')) }), 'has a split twice'],
  ])('%s', async (_, value, message) => {
    expect(await refusal(runsOf(record(KEY, value)))).toContain(message)
  })
})

describe('a CSV file is refused where it has', () => {
  const wide = (columns: number) => `arch,${Array.from({ length: columns }, (_, i) => `latency:d${i}`).join(',')}\n`

  test('too many columns', async () => {
    const row = `${ARCH}${',1'.repeat(38_888)}\n`
    expect(await refusal(() => read(wide(38_888) + row.repeat(10)))).toContain(
      'source has more than 10000 columns; the limit is 10000 columns: raise it with --raise source-columns=20000',
    )
    raiseLimit('source-columns=50000')
    await expect(read(wide(38_888) + row)).resolves.toMatchObject({ content: { arch: [ARCH] } })
  })

  test('too many numbers', async () => {
    raiseLimit('source-numbers=1999')
    const rows = [1, 2].map((index) => `${space.at(index)}${',1'.repeat(1000)}\n`).join('')
    expect(await refusal(() => read(wide(1000) + rows))).toContain('more than 1999 numbers')
  })

  test.each([
    ['at its beginning', ''],
    ['at its end', `arch,params-M\n${ARCH},1\n`],
  ])('too many blank lines, gzipped, %s', async (_, start) => {
    const blank = gzipSync(Buffer.concat([Buffer.from(start), Buffer.alloc(20_000_000, '\n')]))
    expect(blank.length).toBeLessThan(50_000)
    expect(await refusal(() => read(blank))).toContain('more than 100000 blank lines in a row')
  })

  test.each(
    someOf(
      [
        ['in its header', ''],
        ['behind it', 'arch,params-M\n'],
        ['in a quote that never ends', 'arch,params-M\n"'],
      ],
      3,
    ),
  )('too long a line, gzipped, %s', async (_, start) => {
    const long = gzipSync(Buffer.concat([Buffer.from(start), Buffer.alloc(20_000_000, 'x')]))
    expect(await refusal(() => read(long))).toContain('has a line of more than 4096 KiB; the limit is 4096 KiB')
  })

  test('too long an architecture, in any space', async () => {
    const csv = `arch,params-M\n${'|none~0|+'.repeat(100_000)},1\n`
    expect(await refusal(() => read(csv))).toContain('line 2 has more than 10000 characters')
  })

  test('too many rows', async () => {
    raiseLimit('source-rows=3')
    const rows = [1, 2, 3, 4].map((index) => `${space.at(index)},1\n`).join('')
    expect(await refusal(() => read(`arch,params-M\n${rows}`))).toContain('source has more than 3 rows')
  })

  test('more bytes than a gzipped file may expand to', async () => {
    raiseLimit('gzip-gib=0.001')
    expect(await refusal(() => read(gzipSync(`arch,params-M\n${' '.repeat(3e6)}`)))).toContain('expands to more than')
  })
})

describe('an archive is refused where', () => {
  test('its directory is longer than the limit', async () => {
    raiseLimit('directory-mib=0.0001')
    const files = JSON.parse(readFileSync(new URL('../fixtures/pickles/files.json', import.meta.url), 'utf8'))
    const { bunzip2 } = await import('../../src/tables/importers/readRecords.ts')
    const zip = await bunzip2(Buffer.from(files['zip container'], 'base64'), 'zip')
    expect(await refusal(() => read(zip))).toContain('has too long a directory; the limit is 0.0001 MiB')
  })
})

describe('a source is read in a process of its own, which is ended at a limit:', () => {
  test('when it needs too much memory', async () => {
    raiseLimit('pickle-mib=100000')
    raiseLimit('source-gib=0.3')
    const copies = 'c_codecs\nencode\n(h\x01X\x06\x00\x00\x00latin1tR'.repeat(10_000)
    const attempt = readLimited(source(`}q\x00(X\x00\x00\x01\x00${'a'.repeat(65_536)}q\x01${copies}`), options)
    await expect(attempt).rejects.toThrow('reading source takes more than 0.3 GiB of memory; the limit is 0.3 GiB')
  })

  test('and which reads an intact source as this process does', async () => {
    const csv = `arch,params-M,unique\n${ARCH},1,a\n${space.at(3)},,\n`
    const here = await read(csv)
    const progress: number[] = []
    const there = await readLimited(source(csv), { ...options, onProgress: (done) => progress.push(done) })
    expect(there).toEqual(here)
  })
})
