import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { raiseLimit } from '../../src/core/limits.ts'
import { readGenotype } from '../../src/retrain/genotypeArgument.ts'
import { darts, formatJson, publishedName } from '../../src/spaces/darts/index.ts'
import { temporaryFolder, write } from '../data/sampleFiles.ts'

const folder = temporaryFolder()
const drnas = readGenotype('DRNAS')

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
