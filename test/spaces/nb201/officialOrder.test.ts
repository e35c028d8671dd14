import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { atIndex, indexOf, nb201, officialCifar10Split, uniqueString } from '../../../src/spaces/nb201/index.ts'
import { pythonShuffle } from '../../../src/spaces/nb201/pythonRandom.ts'
import { readGolden } from '../../fixtures/golden.ts'

interface Shuffles {
  readonly first20: readonly string[]
  readonly last5: readonly string[]
  readonly first50_positions_before_shuffle: readonly number[]
  readonly sha256_of_all_strings_joined_by_newline: string
  readonly sha256_of_permutation_joined_by_newline: string
  readonly known_indices: Readonly<Record<string, number>>
  readonly small_shuffles: readonly { readonly seed: number; readonly n: number; readonly result: readonly number[] }[]
  readonly cifar10_25k_split: {
    readonly train_first10: readonly number[]
    readonly valid_last5: readonly number[]
    readonly sha256_train_joined_by_newline: string
    readonly sha256_valid_joined_by_newline: string
  }
}

const golden = readGolden<Shuffles>('python_shuffle')
const strings = Array.from({ length: 15_625 }, (_, index) => nb201.format(atIndex(index)))
const sha256OfLines = (items: ArrayLike<unknown>) =>
  createHash('sha256').update(Array.from(items).join('\n')).digest('hex')

test.each(golden.small_shuffles)('Python shuffles $n items with seed $seed in this order', ({ seed, n, result }) => {
  expect([...pythonShuffle(seed, n)]).toEqual(result)
})

test('all 15,625 architectures stand in the official order', () => {
  const order = pythonShuffle(88, 15_625)
  expect([...order.slice(0, 50)]).toEqual(golden.first50_positions_before_shuffle)
  expect(sha256OfLines(order)).toBe(golden.sha256_of_permutation_joined_by_newline)
  expect(strings.slice(0, 20)).toEqual(golden.first20)
  expect(strings.slice(-5)).toEqual(golden.last5)
  expect(sha256OfLines(strings)).toBe(golden.sha256_of_all_strings_joined_by_newline)
})

test('the index of an architecture is the inverse', () => {
  expect(strings.map((text) => indexOf(nb201.parse(text)))).toEqual(strings.map((_, index) => index))
  for (const [text, index] of Object.entries(golden.known_indices)) expect(indexOf(nb201.parse(text))).toBe(index)
})

test.each([-1, 15_625, 0.5, Number.NaN])('index %s is refused', (index) => {
  expect(() => atIndex(index)).toThrow(`nb201 has no architecture ${index}; indices are 0 to 15624`)
})

test('the halves of CIFAR-10 are the official ones', () => {
  const { train, valid } = officialCifar10Split()
  const split = golden.cifar10_25k_split
  expect([...train.slice(0, 10)]).toEqual(split.train_first10)
  expect([...valid.slice(-5)]).toEqual(split.valid_last5)
  expect(sha256OfLines(train)).toBe(split.sha256_train_joined_by_newline)
  expect(sha256OfLines(valid)).toBe(split.sha256_valid_joined_by_newline)
})

const tableFile = new URL('../../../../shared/data/nb201/nb201.csv.gz', import.meta.url)

test.skipIf(!existsSync(tableFile))(
  'index, string and isomorphism string of every row of the real table agree (skipped where ../shared/data is absent)',
  () => {
    const rows = gunzipSync(readFileSync(tableFile)).toString().trim().split('\n').slice(1)
    const columns = rows.map((row) => row.split(',').slice(0, 3))
    expect(columns).toEqual(strings.map((text, i) => [String(i), text, uniqueString(atIndex(i))]))
  },
)
