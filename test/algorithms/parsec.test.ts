import { describe, expect, it } from 'vitest'
import { empiricalBayesGradient, parsec } from '../../src/algorithms/parsec.ts'
import { type Matrix, map, softmax } from '../../src/core/mixing.ts'
import { analyticContext } from './analyticSupernet.ts'

const alpha: Matrix = [0, 1, 2].map((e) => Array.from({ length: 4 }, (_, o) => Math.sin(3 * e + o)))
const drawn = (seed: number): Matrix =>
  alpha.map((row, e) => row.map((_, o) => Number(o === (seed + 3 * e) % row.length)))

describe('the gradient of PARSEC', () => {
  it('is that of −log Σ_k p(y | A_k) p(A_k) wrt α, for the draws at hand', () => {
    const likelihoods = [0.2, 1.3, 0.05]
    const draws = [0, 1, 2].map(drawn)
    const logP = (a: Matrix, theta: Matrix) =>
      a.reduce((sum, row, e) => sum + Math.log(softmax(row).reduce((p, value, o) => p + value * theta[e][o], 0)), 0)
    // Draws come from p(A) at α itself, so the estimate of p(y) as a function of α' is the mean of p(y|A_k) p'(A_k)/p(A_k).
    const value = (a: Matrix) =>
      -Math.log(
        draws.reduce((sum, theta, k) => sum + likelihoods[k] * Math.exp(logP(a, theta) - logP(alpha, theta)), 0),
      )
    const total = likelihoods.reduce((sum, l) => sum + l, 0)
    const gradient = empiricalBayesGradient(
      alpha,
      draws.map((theta, k) => ({ theta, weight: likelihoods[k] / total })),
    )
    for (const [edge, row] of alpha.entries()) {
      for (const op of row.keys()) {
        const moved = (by: number) => map(alpha, (a, e, o) => (e === edge && o === op ? a + by : a))
        expect(gradient[edge][op]).toBeCloseTo((value(moved(1e-5)) - value(moved(-1e-5))) / 2e-5, 7)
      }
    }
  })
})

describe('parsec', () => {
  it('computes one operation on each edge in every pass, and takes no gradient for α', async () => {
    const context = analyticContext()
    const search = await parsec.search(context, parsec.options.parse({ k: 3 }))
    const report = await search.epoch(0)
    const [{ calls, mixings }] = context.networks
    expect(new Set(calls)).toEqual(new Set(['step weights']))
    for (const { active } of mixings) expect(active?.flat().filter(Boolean)).toHaveLength(6)
    expect(report.validLoss).toBeGreaterThan(0)
  })

  it('raises the probability of the operations whose draws explain the batch best', async () => {
    const architecture = { learningRate: 0.1, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 0 } as const
    const context = analyticContext({ protocol: { epochs: 10, architecture } })
    const search = await parsec.search(context, parsec.options.parse({ k: 8 }))
    const losses: number[] = []
    for (let epoch = 0; epoch < 10; epoch++) losses.push((await search.epoch(epoch)).validLoss ?? Number.NaN)
    const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
    expect(mean(losses.slice(-3))).toBeLessThan(mean(losses.slice(0, 3)))
  })
})
