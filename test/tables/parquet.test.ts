import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { pluralize } from '../../src/core/plainText.ts'
import { random } from '../../src/core/random.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { raiseLimit } from '../../src/system/limits.ts'
import type { TableContent } from '../../src/tables/content.ts'
import { identityMapping, type Mapping } from '../../src/tables/importers/mapping.ts'
import { type ColumnFacts, checkPages, compressors } from '../../src/tables/importers/parquetPages.ts'
import { readSource } from '../../src/tables/importers/readSource.ts'
import { readThrift } from '../../src/tables/importers/thrift.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { damagedCopies } from '../support/full.ts'
import { resetLimits } from './resetLimits.ts'
import { temporaryFolder } from './temporaryFolder.ts'

/** 30 architectures, as pyarrow 26, polars 2.1 and duckdb 2.0 write them; `columns` is what they wrote. */
const fixture: {
  readonly columns: Readonly<Record<string, readonly (number | string | null)[]>>
  readonly files: Readonly<Record<string, string>>
} = JSON.parse(gunzipSync(readFileSync(new URL('../fixtures/parquet.json.gz', import.meta.url))).toString())
const bytesOf = (name: string) => Buffer.from(fixture.files[name], 'base64')

const folder = temporaryFolder()
const space = spaceIndex(nb201)
afterEach(resetLimits)

async function read(bytes: Uint8Array, mapping: Partial<Mapping> = {}): Promise<TableContent> {
  const path = join(folder, 'x.parquet')
  writeFileSync(path, bytes)
  const options = { space, partial: true, mapping: { ...identityMapping, ...mapping }, withCurves: false, jobs: 1 }
  return (await readSource(path, options)).content
}

/** What stands in the rows, by ascending index. */
function expected(name: string): (number | string | null)[] {
  const index = fixture.columns.index as number[]
  const order = index.map((_, row) => row).sort((a, b) => index[a] - index[b])
  const isSingle = name === 'cifar100/x-valid/200/888'
  return order.map((row) => {
    const value = fixture.columns[name][row]
    return isSingle ? Math.fround(value as number) : value
  })
}

describe('a Parquet file is read, whoever wrote it:', () => {
  const flat = Object.keys(fixture.files).filter((name) => !name.includes('nested'))
  test.each(flat)('%s', async (name) => {
    const { index, arch, numbers, texts } = await read(bytesOf(name))
    expect([...index]).toEqual(expected('index'))
    expect(arch).toEqual(expected('arch'))
    expect(numbers.map((column) => column.name)).toEqual(
      Object.keys(fixture.columns).filter((column) => /[:/-]/.test(column)),
    )
    for (const column of numbers) {
      expect([...column.values].map((value) => (Number.isNaN(value) ? null : value))).toEqual(expected(column.name))
    }
    expect(texts).toEqual([{ name: 'unique', values: expected('unique') }])
  })

  test('without the nested columns that a mapping ignores', async () => {
    const nested = bytesOf('pyarrow, a nested column')
    const ignoring = await read(nested, { ignore: ['curve', 'unique'] })
    expect(ignoring.numbers).toHaveLength(4)
    expect(ignoring.texts).toEqual([])
    const named = read(nested, { columns: { curve: 'loss:cifar10/train/200/777' } })
    await expect(named).rejects.toThrow('column curve is nested; ignore it in a mapping')
  })
})

describe('a Parquet file with checksums', () => {
  /** Whatever a bit of these changes, a checksum tells it, or the counts and statistics of the directory. */
  const checked = ['pyarrow, gzip', 'pyarrow, gzip, page checksums', 'pyarrow, snappy, version 2, page checksums']
  const COUNT = damagedCopies(50)

  test.each(checked)(
    'is refused, or gives the same numbers, when a bit is flipped: %s',
    async (name) => {
      const bytes = bytesOf(name)
      const whole = await read(bytes)
      const stream = random(11, name)
      let refused = 0
      for (let i = 0; i < COUNT; i++) {
        const damaged = Buffer.from(bytes)
        damaged[stream.integer(bytes.length)] ^= 1 << stream.integer(8)
        const content = await read(damaged).catch((error) => {
          expect(error).toMatchObject({ name: 'BenchError', code: 'bad-input' })
          refused++
        })
        if (content !== undefined) expect({ ...content, source: whole.source }).toEqual(whole)
      }
      expect(refused).toBeGreaterThan(COUNT / 3)
    },
    30_000 + 100 * COUNT,
  )

  test('is refused if a page does not match its checksum', async () => {
    const name = 'pyarrow, snappy, version 2, page checksums'
    const damaged = bytesOf(name)
    damaged[600] ^= 1
    await expect(read(damaged)).rejects.toThrow('x.parquet is not a whole Parquet file: the checksum of a page')
  })

  test('has Zstandard’s own checksums compared, too', () => {
    const text = 'hello hello hello hello, this is a page of a column'
    const frames = [
      'KLUv/QRYTQEAJAJoZWxsbyAsIHRoaXMgaXMgYSBwYWdlIG9mIGEgY29sdW1uAQCZSxGWbydk',
      'KLUv/SQzTQEAJAJoZWxsbyAsIHRoaXMgaXMgYSBwYWdlIG9mIGEgY29sdW1uAQCZSxGWbydk',
    ]
    for (const frame of frames.map((base64) => Buffer.from(base64, 'base64'))) {
      expect(Buffer.from(compressors.ZSTD?.(frame, text.length) ?? []).toString()).toBe(text)
      for (const at of [20, 30, frame.length - 1]) {
        const damaged = Buffer.from(frame)
        damaged[at] ^= 1
        expect(() => compressors.ZSTD?.(damaged, text.length)).toThrow('the checksum of a page differs')
      }
    }
  })
})

describe('a page compressed by Zstandard', () => {
  /** A frame without a content size, whose window is as large as its header says, and blocks: [type, size, bytes]. */
  const frame = (window: number, ...blocks: readonly (readonly [number, number, readonly number[]])[]) => {
    const heads = blocks.flatMap(([type, size, bytes], i) => {
      const head = Number(i === blocks.length - 1) | (type << 1) | (size << 3)
      return [head & 255, (head >> 8) & 255, head >> 16, ...bytes]
    })
    return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, window, ...heads])
  }
  const RAW = 0
  const RUN = 1

  test('takes no more time because of the window that it claims', () => {
    const blocks = Array.from({ length: 3000 }, () => [RAW, 1, [7]] as const)
    const before = process.cpuUsage()
    for (const window of [0, 0x88, 0xa0]) {
      expect(compressors.ZSTD?.(frame(window, ...blocks), 3000)).toEqual(new Uint8Array(3000).fill(7))
    }
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2)
  })

  const text = 'hello hello hello hello, this is a page of a column'
  const compressed = Buffer.from('KLUv/QRYTQEAJAJoZWxsbyAsIHRoaXMgaXMgYSBwYWdlIG9mIGEgY29sdW1uAQCZSxGWbydk', 'base64')

  test.each([
    ['one run', frame(0, [RUN, 100, [9]]), new Uint8Array(100).fill(9)],
    [
      'runs and raw bytes',
      frame(0, [RUN, 9, [1]], [RAW, 2, [2, 3]], [RUN, 1, [4]]),
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4],
    ],
    ['a compressed block', compressed, Buffer.from(text)],
  ])('is read if its header states its size, and refused if it states another: %s', (_, page, content) => {
    expect([...(compressors.ZSTD?.(page, content.length) ?? [])]).toEqual([...content])
    for (const size of [1, content.length - 1, content.length + 1, 2 * content.length, 1_000_000]) {
      const message = `a page does not have the ${pluralize(size, 'byte')} that its header states`
      expect(() => compressors.ZSTD?.(page, size)).toThrow(message)
    }
    for (let length = 0; length < page.length; length++) {
      expect(() => compressors.ZSTD?.(page.subarray(0, length), content.length)).toThrow(/^a page /)
    }
    expect(() => compressors.ZSTD?.(Uint8Array.from([...page, 0]), content.length)).toThrow('differ in length')
  })
})

/** The head of a page, in Thrift's compact protocol: integers by field, and structures of such. */
type Fields = { readonly [field: number]: number | boolean | Fields }

function thrift(fields: Fields): number[] {
  const entries = Object.entries(fields).map(([field, value]) => [Number(field), value] as const)
  let last = 0
  const bytes = entries.flatMap(([field, value]) => {
    const delta = (field - last) << 4
    last = field
    if (typeof value === 'boolean') return [delta | (value ? 1 : 2)]
    return typeof value === 'number'
      ? [delta | 5, ...varint(value < 0 ? -2 * value - 1 : 2 * value)]
      : [delta | 12, ...thrift(value)]
  })
  return [...bytes, 0]
}

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]

const facts: ColumnFacts = { rows: 8, codec: 'UNCOMPRESSED', isOptional: false, isBoolean: false }
const RLE = 3
const RLE_DICTIONARY = 8
const DELTA = 5

const pageOf = (fields: Fields, content: readonly number[], size = content.length) => [
  ...thrift({ 1: 0, 2: size, 3: content.length, ...fields }),
  ...content,
]
const values = (content: readonly number[], encoding: number, count = 8) =>
  pageOf({ 5: { 1: count, 2: encoding, 3: RLE, 4: RLE } }, content)
const dictionary = (count: number) => pageOf({ 1: 2, 7: { 1: count, 2: 0 } }, new Array(8 * 4).fill(1))

test('a field of a header may have its number written out or as the difference to the one before', () => {
  // Type 5 is an integer; numbers are in zigzag encoding, twice their value.
  const short = Uint8Array.of(0x15, 14, 0x25, 18, 0)
  const long = Uint8Array.of(0x05, 2, 14, 0x05, 6, 18, 0)
  const far = Uint8Array.of(0x15, 14, 0x05, ...varint(2 * 300), 18, 0x15, 22, 0)
  const fieldsOf = (bytes: Uint8Array) => [...readThrift(bytes, 0).struct]
  expect(fieldsOf(short)).toEqual([
    [1, 7],
    [3, 9],
  ])
  expect(fieldsOf(long)).toEqual([
    [1, 7],
    [3, 9],
  ])
  expect(fieldsOf(far)).toEqual([
    [1, 7],
    [300, 9],
    [301, 11],
  ])
})

describe('the pages of a Parquet column are accepted where', () => {
  // Packed values 0, 1, 2, 3, 0, 1, 2, 3 of two bits each are the bytes 0xe4, 0xe4; a head is 2 · groups + 1.
  const packed = [3, 0xe4, 0xe4]
  test.each<[string, readonly number[], number]>([
    ['packed values are followed by a run of equal ones', [2, ...packed, 2 * 4, 3], 12],
    ['a run of equal values is followed by packed ones', [2, 2 * 4, 3, ...packed], 12],
    ['two groups of packed values are followed by a third', [2, 5, 0xe4, 0xe4, 0xe4, 0xe4, ...packed], 24],
    ['packed values are more than the page has, up to a whole group', [2, ...packed], 5],
  ])('%s', (_, content, count) => {
    const chunk = Uint8Array.from([...dictionary(4), ...values(content, RLE_DICTIONARY, count)])
    expect(() => checkPages(chunk, { ...facts, rows: count }, 'x.parquet')).not.toThrow()
    // The values are really read: with a dictionary of three, the highest index has no value.
    const lacking = Uint8Array.from([...dictionary(3), ...values(content, RLE_DICTIONARY, count)])
    expect(() => checkPages(lacking, { ...facts, rows: count }, 'x.parquet')).toThrow('that its dictionary lacks')
  })
})

describe('the pages of a Parquet column are refused at once where', () => {
  const runs = (...content: readonly number[]) => [...dictionary(4), ...values(content, RLE_DICTIONARY)]
  test.each<[string, readonly number[], string]>([
    ['a run has more values than the page', runs(2, ...varint(2 * 1e9), 1), 'a run is longer than its page'],
    ['a run has no values', runs(2, 0, 1), 'a run is longer than its page'],
    ['packed values of no bits are without end', runs(0, ...varint(2 ** 32 - 1)), 'a run is longer than its page'],
    ['packed values are more than the bytes', runs(2, 3), 'a run is longer than its page'],
    ['a length never ends', runs(2, 255, 255, 255, 255, 255, 255), 'a page ends too early'],
    ['values have too many bits', runs(200, 16, 1), 'values of more than 32 bits'],
    ['a value is not in the dictionary', runs(3, 16, 5), 'a page names a value that its dictionary lacks'],
    ['there is no dictionary', values([2, 16, 1], RLE_DICTIONARY), 'a page needs a dictionary that is not there'],
    ['a dictionary claims more than it can hold', dictionary(1e9), 'more values than its bytes can hold'],
    ['differences come in blocks of gigabytes', values([...varint(2 ** 31), 4, 8, 0], DELTA), 'is malformed'],
    ['differences come in no blocks', values([0, 0, 8, 0], DELTA), 'is malformed'],
    ['differences have another count', values([...varint(128), 4, 9, 0], DELTA), 'is malformed'],
    ['there are more values than rows', values(new Array(72).fill(0), 0, 9), 'more values than rows'],
    ['there are fewer values than rows', values(new Array(56).fill(0), 0, 7), 'a structure that never ends'],
    ['a count is negative', values([], 0, -8), 'the header of a page is malformed'],
    [
      'a page is longer than the column',
      pageOf({ 3: 1e6, 5: { 1: 8, 2: 0, 3: RLE, 4: RLE } }, [0]),
      'longer than its column',
    ],
    ['a page has another size', pageOf({ 5: { 1: 8, 2: 0, 3: RLE, 4: RLE } }, [0], 9), 'has 1 byte, its header says 9'],
    ['a page is of unknown type', pageOf({ 1: 7 }, []), 'of unknown type 7'],
    ['a page has no head for its type', pageOf({ 1: 3 }, []), 'the header of a page is malformed'],
    ['structures are nested without end', new Array(1e5).fill(0x1c), 'more than 32 deep'],
    ['a checksum differs', pageOf({ 4: 1, 5: { 1: 8, 2: 0, 3: RLE, 4: RLE } }, [0]), 'the checksum of a page differs'],
  ])('%s', (_, chunk, message) => {
    expect(() => checkPages(Uint8Array.from(chunk), facts, 'x.parquet')).toThrow(message)
  })

  test.each<[string, readonly number[], string]>([
    ['missing values take no bytes', values([9, 0, 0, 0], 0), 'a page ends too early'],
    ['missing values are without end', values([3, 0, 0, 0, ...varint(2 * 1e5)], 0), 'a run is longer than its page'],
  ])('%s', (_, chunk, message) => {
    expect(() => checkPages(Uint8Array.from(chunk), { ...facts, isOptional: true }, 'x.parquet')).toThrow(message)
  })

  test('a page expands to more than the limit', () => {
    const chunk = Uint8Array.from(pageOf({ 5: { 1: 8, 2: 0, 3: RLE, 4: RLE } }, [0], 2 ** 29))
    expect(() => checkPages(chunk, { ...facts, codec: 'GZIP' }, 'x.parquet')).toThrow(
      'x.parquet has a page of 536870912 bytes; the limit is 256 MiB: raise it with --raise parquet-page-mib=512',
    )
  })
})

describe('a Parquet file is refused where', () => {
  test.each([
    ['source-rows=29', 'has more than 29 rows; the limit is 29 rows: raise it with --raise source-rows=58'],
    ['source-columns=6', 'has more than 6 columns'],
    ['source-numbers=119', 'has more than 119 numbers'],
    ['directory-mib=0.001', 'has too long a directory'],
  ])('it goes beyond the limit %s', async (limit, message) => {
    raiseLimit(limit)
    await expect(read(bytesOf('pyarrow, gzip'))).rejects.toThrow(`x.parquet ${message}`)
  })

  test('its accuracies may be fractions', async () => {
    const columns = { 'params-M': 'cifar10-valid/x-valid/12/111' }
    const attempt = read(bytesOf('polars, zstd'), { columns })
    await expect(attempt).rejects.toThrow('{accuracies: {cifar10-valid/x-valid/12/111: fraction}}')
    const stated = await read(bytesOf('polars, zstd'), { columns, accuracies: { 'params-M': 'fraction' } })
    const [whole, converted] = [expected('params-M') as number[], stated.numbers[2].values]
    expect([...converted]).toEqual(whole.map((value) => Number((100 * value).toPrecision(15))))
    expect(stated.numbers[0].values[0]).toBe(expected('cifar10/ori-test/200/777')[0] ?? Number.NaN)
  })

  test('it is gzipped as a whole', async () => {
    const { gzipSync } = await import('node:zlib')
    await expect(read(gzipSync(bytesOf('polars, zstd')))).rejects.toThrow('is gzipped; unpack it first')
  })

  test('it is cut off, or has nothing but its first and last bytes', async () => {
    const bytes = bytesOf('duckdb, snappy')
    for (const length of [4, 8, 11, 12, 500, bytes.length - 1]) {
      await expect(read(bytes.subarray(0, length))).rejects.toThrow('is not a whole Parquet file')
    }
  })
})
