import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { idarts, implicitGradient } from '../../src/algorithms/idarts.ts'
import type { ArchitectureStep } from '../../src/algorithms/shared/bilevel.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext, analyticData, analyticSupernet, quadratic } from './analyticSupernet.ts'

const alpha: Matrix = nb201.edges.map((_, e) => Array.from({ length: 5 }, (_, o) => Math.sin(3 * e + o)))
const start = [0.7, -0.4, 1.1]
const eta = 0.3

async function gradientAt(terms: number) {
  const supernet = analyticSupernet(start, quadratic)
  const data = analyticData(0)
  const [validBatch, batch] = [await data.architecture.batch(0), await data.weights.batch(0)]
  const sgd = { learningRate: eta, momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: null }
  const step: ArchitectureStep = {
    ...{ supernet, relaxation: softmaxRelaxation, parameters: alpha, validBatch, sgd },
    trainBatch: async () => batch,
    stream: random(0),
  }
  const result = await implicitGradient({ terms, distance: 0.01 })(step)
  return { result, supernet, x: [validBatch.images[0], batch.images[0]] as const }
}

describe('the implicit gradient of iDARTS', () => {
  it.each([0, 1, 2, 5])('is that of the closed form with %i terms: H = 1, ∂²L/∂θ∂w_k = −a_k', async (terms) => {
    const { result, x } = await gradientAt(terms)
    const { mixing, pullback } = softmaxRelaxation.relax(alpha)
    const valid = quadratic(mixing.theta, start, 'architecture', x[0])
    // Σ_{k=0…K} (1 − η)^k ∂L_val/∂w, as the training loss is ½ Σ (w_k − a_k·θ)² in w.
    const series = Array.from({ length: terms + 1 }, (_, k) => (1 - eta) ** k).reduce((sum, value) => sum + value, 0)
    const a = (k: number) => mixing.theta.map((row, e) => row.map((_, o) => ((e + 2 * o + k) % 3) - 1))
    const through = mixing.theta.map((row, e) =>
      row.map((_, o) => -start.reduce((sum, _, k) => sum + a(k)[e][o] * series * valid.w[k], 0)),
    )
    const edgeWeights = mixing.theta.map(() => 0)
    const direct = pullback({ theta: valid.theta, edgeWeights })
    const indirect = pullback({ theta: through, edgeWeights })
    for (const [edge, row] of direct.entries()) {
      for (const [op, value] of row.entries()) {
        expect(result.parameters[edge][op]).toBeCloseTo(value - eta * indirect[edge][op], 8)
      }
    }
  })

  it('leaves the weights as they were, and no vector behind', async () => {
    const { supernet } = await gradientAt(2)
    expect(supernet.w()).toEqual(start)
    expect(supernet.vectorsHeld()).toBe(0)
  })
})

describe('idarts', () => {
  it('takes four weight steps before each architecture step, under every protocol', async () => {
    const context = analyticContext({ protocol: { stepOrder: 'architecture-first' } })
    const search = await idarts.search(context, idarts.options.parse({}))
    await search.epoch(0)
    const first = context.networks[0].calls.slice(0, 5)
    expect(first).toEqual(['step weights', 'step weights', 'step weights', 'step weights', 'gradient architecture'])
    expect(context.networks[0].calls.filter((call) => call.startsWith('step'))).toHaveLength(20)
  })
})
