import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { type ArchitectureStep, firstOrder } from '../../../src/algorithms/shared/bilevel.ts'
import { unrolled } from '../../../src/algorithms/shared/unrolled.ts'
import type { SgdStep } from '../../../src/core/executor.ts'
import type { Matrix, Relaxation } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { readGolden } from '../../fixtures/golden.ts'
import { analyticData, analyticSupernet, type Loss, quadratic } from '../analyticSupernet.ts'

interface Toy {
  readonly runs: readonly {
    readonly xi: number
    readonly lr_alpha: number
    readonly lr_w: number
    readonly fixed_point: number
    readonly iterates: readonly {
      readonly alpha: number
      readonly w: number
      readonly grad_alpha?: number
      readonly grad_w?: number
    }[]
  }[]
}

const { toy } = readGolden<{ toy: Toy }>('darts_second_order')

/** L_train = w² − 2αw + α², L_val = αw − 2α + 1 (§2.3 of DARTS). */
const toyLoss: Loss = ([[alpha]], [w], half) =>
  half === 'weights'
    ? { loss: (w - alpha) ** 2, theta: [[2 * (alpha - w)]], w: [2 * (w - alpha)] }
    : { loss: alpha * w - 2 * alpha + 1, theta: [[w - 2]], w: [alpha] }

const identity: Relaxation = {
  stochastic: false,
  relax: (parameters) => ({ mixing: { theta: parameters }, pullback: ({ theta }) => theta }),
}

const plain = (learningRate: number): SgdStep => ({
  learningRate,
  momentum: 0,
  nesterov: false,
  weightDecay: 0,
  clipNorm: null,
})

const finiteDifference = unrolled({ secondOrder: 'finite-difference', distance: 0.01 })
const data = analyticData(0)

async function stepAt(
  supernet: ReturnType<typeof analyticSupernet>,
  parameters: Matrix,
  sgd: SgdStep,
  relaxation = identity,
): Promise<ArchitectureStep> {
  return {
    supernet,
    relaxation,
    parameters,
    validBatch: await data.architecture.batch(0),
    trainBatch: () => data.weights.batch(0),
    sgd,
    stream: random(0),
  }
}

describe('the unrolled gradient', () => {
  it.each(toy.runs)("follows the golden iterates of DARTS' toy problem at ξ = $xi", async (run) => {
    const supernet = analyticSupernet([-2], toyLoss)
    let alpha = 2
    for (const { alpha: expectedAlpha, w: expectedW, grad_alpha } of run.iterates.slice(1)) {
      const { parameters } = await finiteDifference(await stepAt(supernet, [[alpha]], plain(run.xi)))
      expect(parameters[0][0]).toBeCloseTo(grad_alpha as number, 9)
      alpha -= run.lr_alpha * parameters[0][0]
      await supernet.step(await data.weights.batch(0), { theta: [[alpha]] }, plain(run.lr_w))
      expect(alpha).toBeCloseTo(expectedAlpha, 9)
      expect(supernet.w()[0]).toBeCloseTo(expectedW, 9)
      supernet.momentum.scale(0)
    }
  })

  it('has its stationary point at α = w = 2 / (1 + 2ξ): the true optimum, 1, for ξ = ½ only', async () => {
    for (const { xi, fixed_point } of toy.runs) {
      expect(fixed_point).toBeCloseTo(2 / (1 + 2 * xi), 10)
      const supernet = analyticSupernet([fixed_point], toyLoss)
      const { parameters } = await finiteDifference(await stepAt(supernet, [[fixed_point]], plain(xi)))
      expect(parameters[0][0]).toBeCloseTo(0, 10)
    }
  })

  it('is the first-order gradient at ξ = 0', async () => {
    const alpha = [
      [0.3, -0.2, 0.5],
      [0.1, 0.9, -0.4],
    ]
    const supernet = analyticSupernet([0.2, -0.7], quadratic)
    const step = await stepAt(supernet, alpha, plain(0), softmaxRelaxation)
    const second = await finiteDifference(step)
    const first = await firstOrder(step)
    expect(second.loss).toBe(first.loss)
    expect(second.parameters).toEqual(first.parameters)
  })

  it('includes momentum and weight decay in the unrolled step', async () => {
    const alpha = [
      [0.3, -0.2, 0.5],
      [0.1, 0.9, -0.4],
    ]
    const sgd = { ...plain(0.2), momentum: 0.9, weightDecay: 0.05 }
    const supernet = analyticSupernet([0.2, -0.7], quadratic)
    supernet.momentum.write(Float32Array.of(0.5, -0.25))
    // The loss at w′(α) as a function of α, by central differences.
    const lossAfterStep = async (parameters: Matrix) => {
      const { mixing } = softmaxRelaxation.relax(parameters)
      const train = await data.weights.batch(0)
      const valid = await data.architecture.batch(0)
      const g = quadratic(mixing.theta, [0.2, -0.7], 'weights', train.images[0]).w
      const stepped = [0.2, -0.7].map((w, i) => w - 0.2 * (0.9 * [0.5, -0.25][i] + g[i] + 0.05 * w))
      return quadratic(mixing.theta, stepped, 'architecture', valid.images[0]).loss
    }
    const { parameters } = await finiteDifference(await stepAt(supernet, alpha, sgd, softmaxRelaxation))
    for (const [edge, row] of alpha.entries()) {
      for (const op of row.keys()) {
        const moved = (by: number) => alpha.map((r, e) => r.map((a, o) => (e === edge && o === op ? a + by : a)))
        const slope = ((await lossAfterStep(moved(1e-5))) - (await lossAfterStep(moved(-1e-5)))) / 2e-5
        expect(parameters[edge][op]).toBeCloseTo(slope, 7)
      }
    }
  })

  it('restores the weights and disposes of every vector', async () => {
    const supernet = analyticSupernet([0.2, -0.7], quadratic)
    await finiteDifference(await stepAt(supernet, [[0.3, -0.2, 0.5]], plain(0.3), softmaxRelaxation))
    expect(supernet.w()).toEqual([0.2, -0.7])
    expect(supernet.vectorsHeld()).toBe(0)
  })

  it('refuses an executor without second derivatives', async () => {
    const supernet = analyticSupernet([0.2, -0.7], quadratic)
    const step = await stepAt(supernet, [[0.3, -0.2, 0.5]], plain(0.3), softmaxRelaxation)
    await expect(unrolled({ secondOrder: 'exact', distance: 0.01 })(step)).rejects.toThrow(
      'this executor has no second derivatives; take secondOrder=finite-difference, or --executor tfjs',
    )
  })
})
