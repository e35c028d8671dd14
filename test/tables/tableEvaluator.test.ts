import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SearchSpace } from '../../src/core/space.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import type { OracleRule } from '../../src/tables/manifest.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { accuracyOnCurve, oraclesOf } from '../../src/tables/oracles.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import type { Table } from '../../src/tables/table.ts'
import { MissingRow, tableEvaluator } from '../../src/tables/tableEvaluator.ts'
import { writeTable } from '../../src/tables/writeTable.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const space = spaceIndex(nb201)
const genotype = (index: number) => nb201.parse(space.at(index))
let table: Table

beforeAll(async () => {
  writeTable(folder, 'two', space, {
    index: Int32Array.of(3, 4),
    arch: [space.at(3), space.at(4)],
    numbers: [
      { name: 'cifar10-valid/x-valid/12/mean', values: Float64Array.of(60, Number.NaN) },
      { name: 'cifar10-valid/x-valid/200/mean', values: Float64Array.of(80, 81) },
      { name: 'cifar10/ori-test/200/mean', values: Float64Array.of(90, 91) },
      { name: 'train-seconds:cifar10-valid/200', values: Float64Array.of(2000, 4000) },
      { name: 'params-M', values: Float64Array.of(0.25, 0.5) },
      { name: 'params-M:cifar100', values: Float64Array.of(0.26, 0.51) },
      { name: 'flops-M', values: Float64Array.of(30, 40) },
    ],
    texts: [],
    source: { format: 'csv', name: 'made in a test', sha256: '' },
    notes: [],
  })
  table = await openTable('two', { folders: [folder] })
})

describe('a table as an evaluator', () => {
  test('gives all accuracies of the architecture, its parameters and multiply-accumulates', async () => {
    const evaluation = await tableEvaluator(table, nb201, 'cifar10').evaluate(genotype(4))
    expect(evaluation.metrics).toEqual([
      { dataset: 'cifar10-valid', split: 'x-valid', epochs: 200, seed: 'mean', accuracyPct: 81 },
      { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 'mean', accuracyPct: 91 },
    ])
    expect(evaluation).toMatchObject({ parameters: 500_000, macs: 40_000_000 })
  })

  test('returns the parameters for the dataset of the search, if the table has them by dataset', async () => {
    expect(await tableEvaluator(table, nb201, 'cifar100').evaluate(genotype(3))).toMatchObject({ parameters: 260_000 })
  })

  test('answers with the validation accuracy after 12 epochs, at the cost of 12 epochs and a validation pass', async () => {
    const answer = await tableEvaluator(table, nb201, 'cifar10').validate(genotype(3))
    expect(answer.accuracyPct).toBe(60)
    expect(answer.seconds).toBeCloseTo((2000 / 200) * (12 + 1 / 3), 9)
  })

  test('gives the same answer again, also after a search wrote into the first one', async () => {
    const evaluator = tableEvaluator(table, nb201, 'cifar10')
    const first = await evaluator.validate(genotype(3))
    const { accuracyPct, seconds } = first
    expect(() => Object.assign(first, { accuracyPct: 100 })).toThrow()
    expect(await evaluator.validate(genotype(3))).toEqual({ accuracyPct, seconds })
  })

  test('names the table and its hash', () => {
    expect(tableEvaluator(table, nb201, 'cifar10').identity).toBe(`table:two@${table.manifest.table.sha256}`)
  })

  test('throws MissingRow for an architecture without a row, for which `lookup` returns undefined', async () => {
    const evaluator = tableEvaluator(table, nb201, 'cifar10')
    await expect(evaluator.evaluate(genotype(7))).rejects.toBeInstanceOf(MissingRow)
    await expect(evaluator.validate(genotype(7))).rejects.toMatchObject({ code: 'missing', genotype: space.at(7) })
    expect(await evaluator.lookup(genotype(7))).toBeUndefined()
  })

  test('names the number that the oracle lacks', async () => {
    const answer = tableEvaluator(table, nb201, 'cifar10').validate(genotype(4))
    await expect(answer).rejects.toThrow('table two has no cifar10-valid/x-valid/12/mean for')
  })

  test('refuses a dataset without an oracle, and another space', async () => {
    await expect(tableEvaluator(table, nb201, 'cifar1').validate(genotype(3))).rejects.toThrow('did you mean "cifar10"')
    const other = { ...nb201, name: 'other' } as SearchSpace<ReturnType<typeof genotype>>
    expect(() => tableEvaluator(table, other, 'cifar10')).toThrow('table two is of space nb201, not other')
  })
})

describe('trainings of several lengths', () => {
  const curve = (seed: number, dataset = 'cifar10-valid', split = 'x-valid', epochs = 12) => ({
    ...{ dataset, split, epochs, seed },
    accuracyPct: Array.from({ length: epochs }, (_, i) => (i === 7 && split === 'x-valid' ? null : seed / 111 + i)),
    loss: [],
    seconds: null,
  })
  /** Those of two seeds, and others that differ in the dataset, the split or the length. */
  const curves = async () => [
    curve(111),
    curve(777),
    curve(9999, 'cifar100'),
    curve(9999, 'cifar10-valid', 'train'),
    curve(9999, 'cifar10-valid', 'x-valid', 200),
  ]
  /** Two whole trainings, and curves of the shorter where `of` says so. */
  const evaluator = async (of: readonly string[]) => {
    const manifest = {
      ...table.manifest,
      curves: { file: 'curved.curves.arrow', bytes: 0, sha256: 'none', batches: [], of },
    }
    writeFileSync(join(folder, 'curved.manifest.json'), JSON.stringify(manifest))
    return tableEvaluator(await openTable('curved', { folders: [folder] }), nb201, 'cifar10', curves)
  }
  const withCurves = () => evaluator(['cifar10-valid/x-valid/12'])

  test('are those whose validation accuracies are in the table', async () => {
    expect(tableEvaluator(table, nb201, 'cifar10').fidelities).toEqual([12, 200])
    expect((await evaluator(['cifar10-valid/train/12'])).fidelities).toEqual([12, 200])
    expect(tableEvaluator(table, nb201, 'cifar100').fidelities).toEqual([])
  })

  test('include each epoch of the usual training if the table has its curves', async () => {
    expect((await withCurves()).fidelities).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 200])
  })

  test('cost their own seconds and a validation pass', async () => {
    const { validate } = await withCurves()
    const [usual, same, part, whole] = await Promise.all(
      [undefined, 12, 4, 200].map((epochs) => validate(genotype(3), epochs)),
    )
    expect(same).toEqual(usual)
    expect(part).toEqual({ accuracyPct: (1 + 7) / 2 + 3, seconds: expect.closeTo((2000 / 200) * (4 + 1 / 3), 9) })
    expect(whole).toEqual({ accuracyPct: 80, seconds: expect.closeTo(2000 * (1 + 1 / 200 / 3), 9) })
  })

  test('have the accuracy of the seed that the rule names, or the mean of those there are', async () => {
    const of = async (seed: string) =>
      accuracyOnCurve(await curves(), { accuracy: `cifar10-valid/x-valid/12/${seed}` } as OracleRule, 4)
    expect(await of('111')).toBe(1 + 3)
    expect(await of('777')).toBe(7 + 3)
    expect(await of('mean')).toBe((1 + 7) / 2 + 3)
    await expect(of('888')).rejects.toThrow('no curve of cifar10-valid/x-valid/12/888 was measured after epoch 4')
  })

  test('are refused if the table does not have them', async () => {
    const { validate } = await withCurves()
    await expect(validate(genotype(3), 13)).rejects.toThrow('not of 13')
    await expect(validate(genotype(3), 8)).rejects.toThrow('after epoch 8')
  })
})

describe('the oracle', () => {
  test('uses the recorded seconds of the short training and of the validation pass if the table has them', () => {
    const columns = [
      'cifar100/x-valid/12/111',
      'cifar100/x-valid/200/mean',
      'train-seconds:cifar100/200',
      'train-seconds:cifar100/12',
      'eval-seconds:cifar100/x-valid/12',
    ]
    expect(oraclesOf(columns)).toEqual({
      cifar100: {
        accuracy: 'cifar100/x-valid/12/111',
        seconds: [
          { column: 'train-seconds:cifar100/12', factor: 1, meaning: '12 epochs of training' },
          { column: 'eval-seconds:cifar100/x-valid/12', factor: 1, meaning: 'one validation pass' },
        ],
      },
    })
  })

  test('estimates the validation pass by its number of images if it was not timed', () => {
    const { seconds } = oraclesOf(['cifar100/x-valid/12/111', 'train-seconds:cifar100/200']).cifar100
    expect(seconds.map(({ factor }) => factor)).toEqual([12 / 200, expect.closeTo(1 / 200 / 3 / 10, 12)])
  })

  test('is absent without validation accuracies or without seconds', () => {
    expect(oraclesOf(['cifar10/ori-test/200/mean', 'train-seconds:cifar10/200'])).toEqual({})
    expect(oraclesOf(['shapes/x-valid/8/mean'])).toEqual({})
  })
})
