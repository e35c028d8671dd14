import { describe, expect, it } from 'vitest'
import { coefficientLayout } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { type SearchSpace, sample } from '../../../src/core/space.ts'
import { resolveProtocol } from '../../../src/protocols/index.ts'
import { buildCommand, findLookup } from '../../../src/runner/plan/lookup.ts'
import { dartsWithoutNone } from '../../../src/spaces/darts/index.ts'
import { nb201, nb201WithoutNone } from '../../../src/spaces/nb201/index.ts'
import { openTable } from '../../../src/tables/openTable.ts'
import { indexIn } from '../../../src/tables/spaceIndex.ts'
import { tableEvaluator } from '../../../src/tables/tableEvaluator.ts'

const space = nb201WithoutNone as unknown as SearchSpace
const wanted = undefined

describe('NAS-Bench-201 without none', () => {
  it('has four operations an edge, in the order of the benchmark', () => {
    expect(new Set(space.edges.map(({ operations }) => operations.join()))).toEqual(
      new Set(['skip_connect,nor_conv_1x1,nor_conv_3x3,avg_pool_3x3']),
    )
    const { coefficientCount } = space.supernet({
      shape: { height: 8, width: 8, channels: 3, classes: 10 },
      ...{ channels: 4, depth: 1, batchNorm: { affine: false, track: true } },
    })
    expect(coefficientCount).toBe(coefficientLayout([4, 4, 4, 4, 4, 4]).count)
  })

  it('writes architectures as the benchmark does, and looks them up in the benchmark’s tables', async () => {
    const { table, headline } = await findLookup({ space, dataset: 'shapes', wanted })
    expect(headline[0].dataset).toBe('shapes')
    const opened = await openTable(table as string)
    for (let i = 0; i < 20; i++) {
      const genotype = sample(space, random(i))
      const text = space.format(genotype)
      expect(indexIn(opened, space, genotype)).toBe(nb201.numbering?.indexOf(nb201.parse(text)))
      expect(space.format(space.derive(space.oneHot(genotype)))).toBe(text)
    }
  })

  it('gets the benchmark’s numbers from its tables, and validation accuracies for black-box searches', async () => {
    const opened = await openTable('nb201-micro')
    const [own, whole] = [
      tableEvaluator(opened, space, 'shapes'),
      tableEvaluator(opened, nb201 as unknown as SearchSpace, 'shapes'),
    ]
    for (let i = 0; i < 5; i++) {
      const genotype = sample(space, random(i))
      const same = nb201.parse(space.format(genotype))
      expect(await own.evaluate(genotype)).toEqual(await whole.evaluate(same))
      expect(await own.validate(genotype)).toEqual(await whole.validate(same))
    }
  })

  it('takes a named table of the benchmark, and no other', async () => {
    expect((await findLookup({ space, dataset: 'shapes', table: 'nb201-micro', wanted })).table).toBe('nb201-micro')
    const darts = dartsWithoutNone as unknown as SearchSpace
    await expect(findLookup({ space: darts, dataset: 'shapes', table: 'nb201-micro', wanted })).rejects.toThrow(
      'table nb201-micro is of space nb201, not darts-no-none',
    )
  })

  it('names the benchmark’s space in the command that makes a table', () => {
    expect(buildCommand(space, [])).toContain('--space nb201 ')
  })

  it.each([0, 3, 5])('refuses none, on edge %i, and says what there is', (edge) => {
    const operations = nb201.edges.map((_, e) => (e === edge ? 'none' : 'skip_connect')) as never[]
    const text = nb201.format({ space: 'nb201', operations })
    const { from, to } = nb201.edges[edge]
    expect(() => space.parse(text)).toThrow(
      `edge ${to}←${from}: nb201-no-none does not have "none", only skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3`,
    )
  })

  it('has the search settings of NAS-Bench-201', () => {
    const job = { dataset: 'cifar10', algorithm: 'darts-v1' }
    const [with5, with4] = ['nb201', 'nb201-no-none'].map((name) =>
      resolveProtocol('drnas-paper', { ...job, space: name }),
    )
    expect(with4).toEqual(with5)
  })
})
