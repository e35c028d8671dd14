import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { finderOf, readArchitecture } from '../../src/retrain/genotypeArgument.ts'
import { darts, formatJson, parseCells, publishedName } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { raiseLimit } from '../../src/system/limits.ts'
import { temporaryFolder, write } from '../data/sampleFiles.ts'

const folder = temporaryFolder()
const drnas = parseCells('DRNAS')
const readGenotype = (argument: string, store?: string) =>
  readArchitecture(argument, { ...(store !== undefined && { store }) }).genotype

describe('an architecture', () => {
  test('is named in either case, by an alias, in either notation', () => {
    for (const argument of ['drnas', 'DrNAS_cifar10', darts.format(drnas), formatJson(drnas)]) {
      expect(readGenotype(argument)).toEqual(drnas)
    }
    expect(publishedName(drnas)).toBe('DRNAS')
  })

  test.each([
    ['cells.txt', darts.format(drnas)],
    ['name.txt', 'DRNAS\n'],
    ['result.json', JSON.stringify({ schema: 1, genotype: darts.format(drnas) })],
    ['log.txt', `10:00 epoch 49\n10:01 genotype = ${darts.format(drnas)}\n10:01 valid_acc 97.5\n`],
  ])('is read from %s', (name, content) => {
    expect(readGenotype(write(join(folder.path, name), content))).toEqual(drnas)
  })
})

describe('an architecture of NAS-Bench-201', () => {
  const text = '|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|none~2|'
  const index = nb201.numbering?.indexOf(nb201.parse(text))

  test('is read from its text, its index, a file and the id of a run', () => {
    write(join(folder.path, 'runs/gdas-x/result.json'), JSON.stringify({ genotype: text }))
    const file = write(join(folder.path, 'log.txt'), `epoch 49\n${text}\n`)
    for (const argument of [text, String(index), `#${index}`, ` ${index}\n`, file, 'gdas-x']) {
      const { space, genotype } = readArchitecture(argument, { store: join(folder.path, 'runs') })
      expect([space.name, genotype], argument).toEqual(['nb201', nb201.parse(text)])
    }
  })

  test.each([
    ['15625', /15625/],
    ['|nor_conv_3x3~0|+|nor_conv_5x5~0|none~1|+|none~0|none~1|none~2|', /nor_conv_5x5/],
    ['|nor_conv_3x3~0|', /\|op~0\|/],
  ])('says what is wrong with %s', (argument, message) => {
    expect(() => readArchitecture(argument)).toThrow(message)
    expect(() => readArchitecture(argument)).toThrow(BenchError)
  })
})

describe('a run in the store', () => {
  const store = () => join(folder.path, 'several')
  const places = () => ({ store: store() })
  const record = (id: string) => ({
    id,
    algorithm: 'drnas',
    dataset: 'cifar10',
    seed: 0,
    genotype: darts.format(drnas),
  })
  const search = 'drnas-cifar10-seed0-07c3'
  beforeEach(() => {
    for (const id of [search, 'drnas-cifar10-seed1-91f2']) {
      write(join(store(), id, 'result.json'), JSON.stringify(record(id)))
    }
    write(join(store(), 'drnas-cifar10-seed2-0b11/run.json'), '{}')
  })

  test('is named by its id or a beginning that only this id has', () => {
    for (const name of [search, 'drnas-cifar10-seed0', search.slice(0, -1)]) {
      expect(readGenotype(name, store()), name).toEqual(drnas)
      expect(finderOf(name, places())?.run, name).toBe(search)
    }
  })

  test('is not meant by an architecture that begins its id', () => {
    expect(finderOf('drnas', places())).toBeUndefined()
    expect(readGenotype('drnas', store())).toEqual(drnas)
  })

  test.each([
    ['drnas-', /^3 runs begin with drnas-: drnas-cifar10-seed0-07c3, drnas-.*; name one of them$/],
    ['drnas-cifar10-seed3', /^there is no run drnas-cifar10-seed3 in the store .*; `bench status --store .*` lists/],
    ['drnas-cifar10-seed2', /^run drnas-cifar10-seed2-0b11 in the store .* has no result.json yet; finish it/],
    ['drnaas', /^unknown genotype "drnaas"/],
  ])('is not found by %s, with one line that says why', (name, message) => {
    expect(() => readGenotype(name, store())).toThrow(message)
    expect(() => readGenotype(name, store())).toThrow(BenchError)
  })
})

test('an architecture is read from the folder of a run', () => {
  write(join(folder.path, 'drnas-cifar10-seed0/result.json'), JSON.stringify({ genotype: darts.format(drnas) }))
  expect(readGenotype(join(folder.path, 'drnas-cifar10-seed0'))).toEqual(drnas)
})

test('a file beyond the limit is not read', () => {
  raiseLimit('genotype-mib=0.01')
  const file = write(join(folder.path, 'log.txt'), ' '.repeat(20_000))
  expect(() => readGenotype(file)).toThrow(
    /log\.txt has 0\.0 MiB; the limit is 0\.01 MiB: copy the genotype out of it, or raise/,
  )
  delete process.env.NAS_BENCH_RAISED_LIMITS
})

describe('what found an architecture', () => {
  const search = { genotype: darts.format(drnas), id: 'gdas-x', algorithm: 'gdas', dataset: 'cifar10', seed: 2 }
  const finder = (name: string, content: unknown) =>
    finderOf(write(join(folder.path, name), typeof content === 'string' ? content : JSON.stringify(content)))
  test('is the search whose result.json is named', () =>
    expect(finder('found.json', search)).toEqual({ run: 'gdas-x', algorithm: 'gdas', dataset: 'cifar10', seed: 2 }))
  test('is the search whose folder is named', () => {
    write(join(folder.path, 'gdas-run/result.json'), JSON.stringify(search))
    expect(finderOf(join(folder.path, 'gdas-run'))?.algorithm).toBe('gdas')
  })
  test('is nothing where the architecture was given there, too, or the file is another', () => {
    expect(finder('given.json', { ...search, algorithm: 'genotype' })).toBeUndefined()
    expect(finder('bare.json', { genotype: search.genotype })).toBeUndefined()
    expect(finder('odd.json', { ...search, seed: 'two' })).toBeUndefined()
    expect(finder('name.txt', 'DRNAS')).toBeUndefined()
    expect(finderOf('DRNAS')).toBeUndefined()
  })
})

describe('a wrong architecture says where it is wrong', () => {
  const node = "('sep_conv_3x3', 0), ('sep_conv_3x3', 1)"
  const withLast = (last: string) => `Genotype(normal=[${node}, ${node}, ${node}, ${last}], reduce=[])`

  test.each([
    [
      withLast("('sep_conv_7x7', 0), ('sep_conv_3x3', 1)"),
      /^darts genotype, normal cell: edge 5←0: unknown operation "sep_conv_7x7", did you mean "sep_conv_\dx\d"\?/,
    ],
    [
      withLast("('sep_conv_3x3', 5), ('sep_conv_3x3', 1)"),
      /^darts genotype, normal cell: node 5: input from node 5, expected 0 to 4$/,
    ],
    [
      withLast("('sep_conv_3x3', 1)"),
      /^darts genotype, normal cell: found 7 inputs, expected 8: two for each of nodes/,
    ],
    ['DRNSA', /^unknown genotype "DRNSA"; did you mean "DRNAS"\?/],
    ['no/such/file.json', /^there is no file no\/such\/file.json; expected a file with a genotype/],
  ])('%s', (argument, message) => {
    expect(() => readGenotype(argument)).toThrow(message)
    expect(() => readGenotype(argument)).toThrow(BenchError)
  })
})
