import { describe, expect, it } from 'vitest'
import { dartsV1 } from '../../src/algorithms/darts.ts'
import { clampedToSimplex, randomlySmoothed, sdartsRs } from '../../src/algorithms/sdartsRs.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { analyticContext } from './analyticSupernet.ts'
import { trajectory } from './trajectory.ts'

const sums = (theta: Matrix) => theta.map((row) => row.reduce((sum, value) => sum + value, 0))

describe('SDARTS’ perturbed mixing weights', () => {
  it('are clamped to [0, 1] and divided by their sum', () => {
    const [row] = clampedToSimplex([[-0.2, 0.3, 1.4, 0.2]])
    for (const [op, value] of [0, 0.3 / 1.5, 1 / 1.5, 0.2 / 1.5].entries()) expect(row[op]).toBeCloseTo(value, 14)
  })

  it('are one-hot at the largest number where clamping leaves nothing', () => {
    expect(clampedToSimplex([[-0.2, -0.05, -0.1]])).toEqual([[0, 1, 0]])
  })

  it('stay within ε of the softmax before they are renormalised, and differ from draw to draw', () => {
    const theta = [[0.5, 0.3, 0.2]]
    const draws = Array.from({ length: 200 }, (_, i) => randomlySmoothed(theta, 0.1, random(0, 'draw', i)))
    for (const draw of draws) expect(sums(draw)[0]).toBeCloseTo(1, 12)
    const ratios = draws.map(([[a, b]]) => a / b)
    expect(Math.max(...ratios)).toBeLessThanOrEqual(0.6 / 0.2)
    expect(Math.min(...ratios)).toBeGreaterThanOrEqual(0.4 / 0.4)
    expect(new Set(ratios).size).toBe(200)
  })

  it('are unperturbed with ε = 0', () => {
    const theta = [
      [0.5, 0.25, 0.25],
      [0, 1, 0],
    ]
    expect(randomlySmoothed(theta, 0, random(0))).toEqual(theta)
  })
})

describe('sdarts-rs', () => {
  it('is DARTS with ε = 0, and not with the default', async () => {
    const darts = await trajectory(dartsV1, analyticContext())
    const still = await trajectory(sdartsRs, analyticContext(), { epsilon: 0, epsilonMin: 0 })
    for (const [epoch, alpha] of darts.entries()) {
      for (const [at, value] of (alpha ?? []).flat().entries()) {
        expect(still[epoch]?.flat()[at]).toBeCloseTo(value, 10)
      }
    }
    expect(await trajectory(sdartsRs, analyticContext())).not.toEqual(darts)
  })

  it('perturbs weight steps alone, with an ε that follows the fraction of the epochs', async () => {
    const spread = async (epochs: number, epoch: number) => {
      const context = analyticContext({ protocol: { epochs, architecture: frozen } })
      const search = await sdartsRs.search(context, { epsilonMin: 0, epsilon: 0.1 })
      for (let e = 0; e <= epoch; e++) await search.epoch(e)
      const [network] = context.networks
      const of = (kind: string) =>
        network.mixings
          .filter((_, i) => network.calls[i].startsWith(kind))
          .slice(-5)
          .map(({ theta }) => Math.max(...theta.flat()) - Math.min(...theta.flat()))
      return { gradients: Math.max(...of('gradient')), steps: Math.max(...of('step')) }
    }
    const half = await spread(4, 2)
    expect(half.gradients).toBeLessThan(0.01)
    expect(half.steps).toBeGreaterThan(0.05)
    expect(half.steps).toBeLessThan(0.13)
    expect((await spread(2, 1)).steps).toBeCloseTo(half.steps, 1)
    expect((await spread(4, 0)).steps).toBeLessThan(0.01)
  })

  it('refuses an ε that falls', () => {
    const check = () => sdartsRs.check?.({} as never, { epsilonMin: 0.4, epsilon: 0.3 })
    expect(check).toThrow(/^sdarts-rs: epsilonMin=0.4 is above epsilon=0.3, .*give both, the larger as epsilon$/)
  })
})

const frozen = { learningRate: 1e-12, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 0 } as const
