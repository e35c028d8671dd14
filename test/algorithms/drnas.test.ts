import { describe, expect, it } from 'vitest'
import {
  concentration,
  dirichletRelaxation,
  klPenalty,
} from '../../src/algorithms/distributions/dirichletRelaxation.ts'
import { drnas } from '../../src/algorithms/drnas.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { readGolden } from '../fixtures/golden.ts'
import { analyticContext } from './analyticSupernet.ts'

const alpha: Matrix = [
  [0.4, -0.3, 0.1],
  [-1.2, 0.8, 0.2],
]
const cotangent: Matrix = [
  [1, -2, 0.5],
  [0.3, 0.1, -1],
]
const edgeWeights = [0, 0]
const inner = (a: Matrix, b: Matrix) => a.flat().reduce((sum, value, i) => sum + value * b.flat()[i], 0)

/** Central difference of f along each entry of alpha. */
const slopes = (f: (alpha: Matrix) => number) =>
  alpha.map((row, edge) =>
    row.map((_, op) => {
      const moved = (by: number) => alpha.map((r, e) => r.map((a, o) => (e === edge && o === op ? a + by : a)))
      return (f(moved(1e-6)) - f(moved(-1e-6))) / 2e-6
    }),
  )

describe('DrNAS', () => {
  it('has the concentration β = ELU(η) + 1', () => {
    const [{ alpha: eta, beta }] = readGolden<{
      elu_plus_one: readonly { alpha: number[]; beta: number[] }[]
    }>('dirichlet').elu_plus_one
    concentration([eta])[0].forEach((value, i) => {
      expect(value).toBeCloseTo(beta[i], 11)
    })
  })

  it('draws mixing weights on the simplex for each edge, the same for the same stream', () => {
    const { theta } = dirichletRelaxation.relax(alpha, random(3, 'draw')).mixing
    expect(theta.map((row) => row.length)).toEqual([3, 3])
    for (const row of theta) expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
    expect(dirichletRelaxation.relax(alpha, random(3, 'draw')).mixing.theta).toEqual(theta)
    expect(dirichletRelaxation.relax(alpha, random(4, 'draw')).mixing.theta).not.toEqual(theta)
  })

  it('mixes by the Dirichlet mean without a stream, and differentiates it', () => {
    const { mixing, pullback } = dirichletRelaxation.relax(alpha)
    expect(mixing.theta[1][1]).toBeCloseTo(1.8 / (Math.exp(-1.2) + 1.8 + 1.2), 12)
    const expected = slopes((a) => inner(dirichletRelaxation.relax(a).mixing.theta, cotangent))
    pullback({ theta: cotangent, edgeWeights }).forEach((row, edge) => {
      row.forEach((value, op) => {
        expect(value).toBeCloseTo(expected[edge][op], 8)
      })
    })
  })

  it('has an anchor whose gradient is zero at η = 0, and the slope of λ Σ KL elsewhere', () => {
    for (const value of klPenalty(1e-3).gradient([[0, 0, 0, 0, 0]])[0]) expect(value).toBeCloseTo(0, 15)
    const { value: penalty, gradient } = klPenalty(0.5)
    const expected = slopes(penalty)
    gradient(alpha).forEach((row, edge) => {
      row.forEach((value, op) => {
        expect(value).toBeCloseTo(expected[edge][op], 7)
      })
    })
  })

  it.each(['l2', 'kl'] as const)(
    'keeps the parameters nearer to 0 the larger λ is, with the %s anchor',
    async (anchor) => {
      const size = async (lambda: number) => {
        const search = await drnas.search(
          analyticContext({ protocol: { epochs: 8 } }),
          drnas.options.parse({ anchor, lambda }),
        )
        for (let epoch = 0; epoch < 8; epoch++) await search.epoch(epoch)
        return (search.relaxed?.parameters() ?? []).flat().reduce((sum, value) => sum + value ** 2, 0)
      }
      expect(await size(10)).toBeLessThan(0.5 * (await size(0)))
    },
  )

  it('has no anchor with anchor=none, like an anchor of weight 0', async () => {
    const parameters = async (options: object) => {
      const search = await drnas.search(analyticContext(), drnas.options.parse(options))
      const { parameters, extra } = await search.epoch(0)
      return { parameters, extra }
    }
    const free = await parameters({ anchor: 'none' })
    expect(free).toEqual(await parameters({ anchor: 'l2', lambda: 0 }))
    expect(free).not.toEqual(await parameters({ anchor: 'l2', lambda: 10 }))
  })

  it('refuses an unknown anchor and a negative λ', () => {
    expect(drnas.options.parse({})).toMatchObject({ anchor: 'l2', lambda: 1e-3, progressive: false })
    expect(drnas.options.parse({ lambda: '0.01', partialChannels: '6,3' })).toMatchObject({
      lambda: 0.01,
      partialChannels: [6, 3],
    })
    expect(() => drnas.options.parse({ anchor: 'l3' })).toThrow(/l2/)
    expect(() => drnas.options.parse({ lambda: -1 })).toThrow()
    expect(() => drnas.options.parse({ lamda: 1 })).toThrow(/lamda/)
  })

  it('takes one K without stages, as in table 1, and refuses several', async () => {
    const asked: unknown[] = []
    const context = analyticContext()
    const watched = {
      ...context,
      supernet: (options: unknown) => {
        asked.push(options)
        return context.supernet()
      },
    }
    await drnas.search(watched, drnas.options.parse({}))
    await drnas.search(watched, drnas.options.parse({ partialChannels: '8' }))
    expect(asked).toEqual([{ partialChannels: 1 }, { partialChannels: 8 }])
    expect(() => drnas.search(watched, drnas.options.parse({ partialChannels: '4,2' }))).toThrow(
      'drnas: partialChannels=4,2 are stages; add progressive=true, or give one K',
    )
  })
})
