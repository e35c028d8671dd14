import { describe, expect, it } from 'vitest'
import { betaDarts, betaDecay } from '../../src/algorithms/betaDarts.ts'
import { dartsV1 } from '../../src/algorithms/darts.ts'
import { type Matrix, map, softmax } from '../../src/core/mixing.ts'
import { analyticContext } from './analyticSupernet.ts'
import { trajectory } from './trajectory.ts'

const alpha: Matrix = [0, 1, 2].map((e) => Array.from({ length: e + 3 }, (_, o) => 2 * Math.sin(3 * e + o)))

describe('the penalty of β-DARTS', () => {
  const penalty = betaDecay(50, 100)

  it('has the gradient λ·softmax(row)/rows, which is that of its value', () => {
    const gradient = penalty.gradient(alpha, 30)
    for (const [edge, row] of alpha.entries()) {
      for (const [op, beta] of softmax(row).entries()) {
        expect(gradient[edge][op]).toBeCloseTo((15 * beta) / 3, 12)
        const moved = (by: number) => map(alpha, (a, e, o) => (e === edge && o === op ? a + by : a))
        const slope = (penalty.value(moved(1e-5), 30) - penalty.value(moved(-1e-5), 30)) / 2e-5
        expect(gradient[edge][op]).toBeCloseTo(slope, 7)
      }
    }
  })

  it('grows by a constant when all α of a search do, and does not overflow', () => {
    expect(
      penalty.value(
        map(alpha, (a) => a + 2000),
        10,
      ) - penalty.value(alpha, 10),
    ).toBeCloseTo(5 * 2000, 6)
  })

  it('is absent in the first epoch and follows the fraction of the epochs', () => {
    expect(penalty.value(alpha, 0)).toBe(0)
    expect(betaDecay(50, 20).value(alpha, 5)).toBeCloseTo(penalty.value(alpha, 25), 12)
  })
})

describe('beta-darts', () => {
  it('is DARTS with lambda=0, and not with the default', async () => {
    const darts = await trajectory(dartsV1, analyticContext())
    expect(await trajectory(betaDarts, analyticContext(), { lambda: 0 })).toEqual(darts)
    expect(await trajectory(betaDarts, analyticContext())).not.toEqual(darts)
  })

  it('records the penalty of each epoch', async () => {
    const context = analyticContext()
    const search = await betaDarts.search(context, { lambda: 50 })
    const first = await search.epoch(0)
    const second = await search.epoch(1)
    expect(first.extra?.penalty).toBe(0)
    expect(second.extra?.penalty).toBeCloseTo(betaDecay(50, 4).value(second.parameters ?? [], 1), 12)
  })
})
