import { describe, expect, it } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import { dropoutRate, pDarts } from '../../src/algorithms/pDarts.ts'
import { keepStrongest, maskedSoftmax } from '../../src/algorithms/shared/pruning.ts'
import { skippedEdges } from '../../src/algorithms/shared/skips.ts'
import type { PlannedSearch, SearchContext } from '../../src/core/algorithm.ts'
import { map, normalMatrix, softmax } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace, SupernetOptions } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { darts, dartsWithoutNone } from '../../src/spaces/darts/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'

const space = darts as unknown as SearchSpace
const data = tinyData(0, 1)

describe('the operations that a stage keeps', () => {
  const alpha = normalMatrix([8, 8], 1, random(1))

  it('are the ones with the largest α among those that the stage before kept', () => {
    const all = alpha.map((row) => row.map(() => true))
    const five = keepStrongest(alpha, all, () => 5)
    const three = keepStrongest(alpha, five, () => 3)
    for (const [edge, row] of alpha.entries()) {
      const order = [...row.keys()].sort((a, b) => row[b] - row[a])
      expect(order.map((op) => five[edge][op])).toEqual([true, true, true, true, true, false, false, false])
      expect(order.map((op) => three[edge][op])).toEqual([true, true, true, false, false, false, false, false])
    }
    const other = keepStrongest(
      map(alpha, (a) => -a),
      five,
      () => 3,
    )
    for (const [edge, row] of other.entries()) {
      expect(row.filter(Boolean)).toHaveLength(3)
      expect(row.every((kept, op) => !kept || five[edge][op])).toBe(true)
    }
  })

  it('are mixed by their own softmax; the others have weight and gradient 0', () => {
    const mask = keepStrongest(
      alpha,
      alpha.map((row) => row.map(() => true)),
      () => 3,
    )
    const { mixing, pullback } = maskedSoftmax(mask).relax(alpha)
    const gradient = pullback({ theta: normalMatrix([8, 8], 1, random(2)), edgeWeights: [] })
    for (const [edge, row] of mixing.theta.entries()) {
      const left = alpha[edge].filter((_, op) => mask[edge][op])
      expect(row.filter((_, op) => mask[edge][op])).toEqual(softmax(left).map((value) => expect.closeTo(value, 12)))
      expect(row.filter((_, op) => !mask[edge][op])).toEqual([0, 0, 0, 0, 0])
      expect(gradient[edge].reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12)
    }
  })
})

describe('the dropout rate', () => {
  it('is that of train_search.py in stages of 25 epochs', () => {
    for (const [e, expected] of [
      [0, (0.7 * 24) / 25],
      [9, (0.7 * 15) / 25],
      [10, 0.7],
      [15, 0.7 * Math.exp(-1)],
      [24, 0.7 * Math.exp(-2.8)],
    ]) {
      expect(dropoutRate(0.7, e, 25)).toBeCloseTo(expected, 12)
    }
  })

  it('falls as far within short stages, and is 0 where it began with 0', () => {
    expect(dropoutRate(0.7, 4, 5) / dropoutRate(0.7, 2, 5)).toBeCloseTo(Math.exp(-2), 12)
    expect([0, 1, 2, 3, 4].map((e) => dropoutRate(0, e, 5))).toEqual([0, 0, 0, 0, 0])
  })
})

describe('P-DARTS', () => {
  it('has a deeper network and fewer operations in each stage, resumes to the same bits, and limits skips', async () => {
    const executor = await openExecutor({ backend: 'wasm' })
    const depths: (number | undefined)[] = []
    const rates: (() => number)[] = []
    const context = {
      ...{ space, seed: 0, protocol: tinyProtocol(space, 6), data: async () => data },
      random: (...path: (string | number)[]) => random(0, ...path),
      async supernet(options: Partial<SupernetOptions>, dropProbability: () => number) {
        depths.push(options.depth)
        rates.push(dropProbability)
        const size = { channels: 4, depth: 3, batchNorm: { affine: false, track: true } }
        const network = space.supernet({ shape: data.shape, ...size, ...options })
        return createSupernet({
          ...{ executor, network, edges: space.edges, batchSize: 4, stream: random(0), dropProbability },
        })
      },
    } as unknown as SearchContext
    const begin = async () => pDarts.search(context, pDarts.options.parse({ layers: '3,3,4', skips: '1' }))
    const search = await begin()
    const reports = []
    const operations = []
    let saved: unknown
    for (let epoch = 0; epoch < 6; epoch++) {
      if (epoch === 3) saved = structuredClone(await search.save())
      reports.push(await search.epoch(epoch))
      const { theta } = search.relaxed?.relaxation.relax(search.relaxed.parameters()).mixing ?? { theta: [] }
      operations.push(theta[0].filter((value) => value > 0).length)
    }
    expect(depths).toEqual([3, 3, 4])
    expect(operations).toEqual([8, 8, 5, 5, 3, 3])
    expect(reports.map(({ extra }) => extra?.layers)).toEqual([3, 3, 3, 3, 4, 4])
    expect(reports.map(({ extra }) => extra?.dropout)).toEqual(
      [0, 0, 0.4, 0.4 * Math.exp(-2.5), 0.7, 0.7 * Math.exp(-2.5)].map((rate) => expect.closeTo(rate, 12)),
    )
    expect(skippedEdges(space, search.genotype()).length).toBeLessThanOrEqual(1)
    const again = await begin()
    await again.restore(saved as never)
    for (let epoch = 3; epoch < 6; epoch++) expect(await again.epoch(epoch)).toEqual(reports[epoch])
    expect(again.genotype()).toEqual(search.genotype())
    for (const each of [search, again]) each.dispose()
  })

  it.each([
    [{}, 2, 'p-darts: three stages need as many epochs; the protocol has 2; give it more'],
    [{ dropout: '0,0.4' }, 6, 'p-darts: dropout has 2 rates; give one for each of the three stages'],
    [{ layers: '5,11' }, 6, 'p-darts: layers has 2 numbers; give one for each of the three stages'],
  ])('refuses %o in %i epochs', (options, epochs, message) => {
    const planned = { space, protocol: tinyProtocol(space, epochs), network: () => ({}) } as unknown as PlannedSearch
    expect(() => pDarts.check?.(planned, pDarts.options.parse(options))).toThrow(message)
  })

  it('has a dropout behind each skip connection that keeps the image’s size, and none elsewhere', () => {
    const options = { shape: data.shape, channels: 4, depth: 3, batchNorm: { affine: false, track: true } }
    const { layers, pathCount } = darts.supernet({ ...options, skipDropout: true })
    // The normal cell has 14 such edges, each of the two reduction cells 6.
    expect(pathCount).toBe(14 + 2 * 6)
    expect(layers.filter(({ kind }) => kind === 'dropPath')).toHaveLength(26)
    expect(darts.supernet(options).pathCount).toBe(0)
    expect(() => dartsWithoutNone.supernet({ ...options, skipDropout: true, dropPath: 0.2 })).toThrow(
      'set network.dropPath to 0',
    )
  })
})
