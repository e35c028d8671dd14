import { describe, expect, it } from 'vitest'
import { edgeNormalised, incomingEdges, pcDarts } from '../../src/algorithms/pcDarts.ts'
import type { Matrix, Mixing } from '../../src/core/mixing.ts'
import { type DartsGenotype, darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { casesWhere, readGolden } from '../fixtures/golden.ts'
import { analyticContext } from './analyticSupernet.ts'

interface Derivation {
  readonly kind: string
  readonly id: string
  readonly alpha_normal: Matrix
  readonly alpha_reduce: Matrix
  readonly beta_normal: readonly number[]
  readonly beta_reduce: readonly number[]
  readonly normal: readonly (readonly [string, number])[]
  readonly reduce: readonly (readonly [string, number])[]
}

const derivations = readGolden<{ cases: readonly Derivation[] }>('genotype').cases

const relaxation = edgeNormalised(nb201.edges)
const parameters: Matrix = [
  ...nb201.edges.map((_, e) => Array.from({ length: 5 }, (_, o) => Math.sin(3 * e + o))),
  [0.4],
  [0.2, -0.1],
  [1, 0, -0.5],
]

describe('PC-DARTS', () => {
  it('groups the edges by the node that they enter', () => {
    expect(incomingEdges(nb201.edges)).toEqual([[0], [1, 2], [3, 4, 5]])
  })

  it('weights the edges into a node by a softmax over these edges', () => {
    const { edgeWeights = [] } = relaxation.relax(parameters).mixing
    expect(edgeWeights[0]).toBe(1)
    expect(edgeWeights[1] + edgeWeights[2]).toBeCloseTo(1, 14)
    expect(edgeWeights[1] / edgeWeights[2]).toBeCloseTo(Math.exp(0.3), 12)
    expect(edgeWeights[3] + edgeWeights[4] + edgeWeights[5]).toBeCloseTo(1, 14)
  })

  it('differentiates both sets of parameters', () => {
    const gradTheta = nb201.edges.map((_, e) => Array.from({ length: 5 }, (_, o) => Math.cos(e + 2 * o)))
    const gradEdges = [0.3, -1, 0.5, 2, -0.7, 0.1]
    const value = (p: Matrix) => {
      const { theta, edgeWeights = [] }: Mixing = relaxation.relax(p).mixing
      const operations = theta.flat().reduce((sum, t, i) => sum + t * gradTheta.flat()[i], 0)
      return operations + edgeWeights.reduce((sum, weight, e) => sum + weight * gradEdges[e], 0)
    }
    const gradient = relaxation.relax(parameters).pullback({ theta: gradTheta, edgeWeights: gradEdges })
    for (const [row, values] of parameters.entries()) {
      for (const at of values.keys()) {
        const moved = (by: number) => parameters.map((r, i) => r.map((a, j) => (i === row && j === at ? a + by : a)))
        expect(gradient[row][at]).toBeCloseTo((value(moved(1e-6)) - value(moved(-1e-6))) / 2e-6, 8)
      }
    }
  })

  it.each(casesWhere(derivations, ({ kind }) => kind === 'pcdarts', 'of PC-DARTS'))(
    'derives the golden cells $id, ties included',
    (golden) => {
      const betas = [...golden.beta_normal, ...golden.beta_reduce]
      const { theta, edgeWeights } = edgeNormalised(darts.edges).relax([
        ...golden.alpha_normal,
        ...golden.alpha_reduce,
        ...incomingEdges(darts.edges).map((list) => list.map((edge) => betas[edge])),
      ]).mixing
      const { normal, reduce } = darts.derive(theta, edgeWeights) as DartsGenotype
      expect(normal.map(({ operation, from }) => [operation, from])).toEqual(golden.normal)
      expect(reduce.map(({ operation, from }) => [operation, from])).toEqual(golden.reduce)
    },
  )

  it('warms up for 15 of 50 epochs, and for 30 % of fewer', async () => {
    const moved = async (options: object, epochs: number) => {
      const search = await pcDarts.search(analyticContext({ protocol: { epochs } }), pcDarts.options.parse(options))
      for (let epoch = 0; epoch < epochs; epoch++) {
        if ((await search.epoch(epoch)).validLoss !== undefined) return epoch
      }
      return undefined
    }
    expect(await moved({}, 50)).toBe(15)
    expect(await moved({}, 10)).toBe(3)
    expect(await moved({ warmup: 1 }, 10)).toBe(1)
  })

  it('uses a supernet with partial channels and edge weights', async () => {
    const asked: unknown[] = []
    const context = analyticContext()
    await pcDarts.search(
      {
        ...context,
        supernet: (options) => {
          asked.push(options)
          return context.supernet()
        },
      },
      pcDarts.options.parse({ k: '2' }),
    )
    expect(asked).toEqual([{ partialChannels: 2, edgeNormalisation: true }])
  })
})
