import { afterAll, describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import type { BilevelState } from '../../src/algorithms/shared/bilevel.ts'
import { multiDarts, zenDarts } from '../../src/algorithms/zenDarts.ts'
import { ascend, bnSlope, bnTerm, logNtk } from '../../src/algorithms/zenEpoch.ts'
import { neuralTangentKernel } from '../../src/analysis/ntk.ts'
import { gaussianBatch } from '../../src/analysis/zenScore.ts'
import type { Feed, WeightVector } from '../../src/core/executor.ts'
import { flattenMixing, type Matrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { analyticContext, analyticProtocol, analyticSupernet, quadratic } from './analyticSupernet.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const size = 4
const executor = await openExecutor({ backend: 'wasm' })
const network = nb201.supernet({ shape, channels: 4, depth: 1, batchNorm: { affine: false, track: true } })
const supernet = await createSupernet({
  executor,
  network,
  edges: nb201.edges,
  batchSize: size,
  stream: random(3, 'w'),
})
afterAll(() => supernet.dispose())

const x = gaussianBatch(shape, size, random(1, 'inputs'))
const alpha: Matrix = nb201.edges.map((_, e) => Array.from({ length: 5 }, (_, o) => Math.sin(3 * e + 2 * o)))
const { mixing } = softmaxRelaxation.relax(alpha)
const allSigns = Array.from({ length: 2 ** size }, (_, n) =>
  Array.from({ length: size }, (_, i) => ((n >> i) & 1 ? 1 : -1)),
)

const bnAt = (at: Matrix) => bnTerm(supernet.executable, softmaxRelaxation.relax(at).mixing, x)

/** Central differences of f along each entry of alpha. */
async function slopes(f: (at: Matrix) => Promise<number>, h: number) {
  const found: number[] = []
  for (const [edge, row] of alpha.entries()) {
    for (const op of row.keys()) {
      const moved = (by: number) => alpha.map((r, e) => r.map((a, o) => (e === edge && o === op ? a + by : a)))
      found.push(((await f(moved(h))) - (await f(moved(-h)))) / (2 * h))
    }
  }
  return found
}

const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (p: readonly number[], q: readonly number[]) => p.reduce((sum, value, i) => sum + value * q[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

describe('log(NTK) of a search network', () => {
  it('is, in the mean over the signs, the trace of the neural tangent kernel', async () => {
    const traces: number[] = []
    const gradient = supernet.vector()
    for (const signs of allSigns) traces.push(Math.exp((await logNtk(supernet, mixing, x, signs, gradient)).value))
    gradient.dispose()
    const kernel = await neuralTangentKernel(
      supernet.executable,
      { batch: x, coefficients: flattenMixing(mixing) },
      'all',
    )
    const trace = kernel.reduce((sum, row, i) => sum + row[i], 0)
    expect(traces.reduce((sum, value) => sum + value, 0) / traces.length / trace).toBeCloseTo(1, 4)
  })

  // The kernel jumps where a ReLU of this tiny network switches, so its slope is that of a step, over several batches.
  const draws = Array.from({ length: 12 }, (_, draw) => {
    const stream = random(draw, 'draw')
    return { batch: gaussianBatch(shape, size, stream), signs: Array.from({ length: size }, () => stream.sign()) }
  })
  const flat: Matrix = alpha.map((row) => row.map((a) => 0.3 * a))
  const logNtkOf = async (at: Matrix, { batch, signs }: (typeof draws)[number]) => {
    const relaxed = softmaxRelaxation.relax(at)
    const gradient = supernet.vector()
    const found = await logNtk(supernet, relaxed.mixing, batch, signs, gradient)
    const gradW = Array.from(await gradient.read())
    gradient.dispose()
    return { value: found.value, gradW, gradAlpha: relaxed.pullback(found.mixing) }
  }

  it('grows along its gradient wrt α', async () => {
    let gain = 0
    for (const draw of draws) {
      const { value, gradAlpha } = await logNtkOf(flat, draw)
      const length = Math.hypot(...gradAlpha.flat())
      const moved = flat.map((row, edge) => row.map((a, op) => a + (0.5 * gradAlpha[edge][op]) / length))
      gain += ((await logNtkOf(moved, draw)).value - value) / draws.length
    }
    expect(gain).toBeGreaterThan(0.03)
  })

  it('restores the weights, and grows along its gradient wrt the weights', async () => {
    const before = await supernet.weights.read()
    let gain = 0
    for (const draw of draws) {
      const { value, gradW } = await logNtkOf(flat, draw)
      expect(await supernet.weights.read()).toEqual(before)
      const norm = Math.hypot(...gradW)
      supernet.weights.write(before.map((w, i) => w + (0.2 * gradW[i]) / norm))
      gain += ((await logNtkOf(flat, draw)).value - value) / draws.length
      supernet.weights.write(before)
    }
    expect(gain).toBeGreaterThan(0.2)
  })
})

describe('the BN term of a search network', () => {
  it('has, in the mean over the directions, a gradient wrt α that points where it grows', async () => {
    const value = await bnAt(alpha)
    const stream = random(2, 'directions')
    const gradient = await bnSlope(supernet.executable, softmaxRelaxation, alpha, x, value, stream, 200)
    expect(cosine(gradient.flat(), await slopes(bnAt, 0.1))).toBeGreaterThan(0.8)
  })

  it('falls where an edge computes less and less', async () => {
    const silent = alpha.map((row, edge) => row.map((a, op) => (edge === 0 && op === 0 ? 8 : a)))
    expect(await bnAt(silent)).toBeLessThan((await bnAt(alpha)) - 0.1)
  })

  it('is read off the pass that computes log(NTK), too', async () => {
    const gradient = supernet.vector()
    const { bn } = await logNtk(supernet, mixing, x, [1, -1, -1, 1], gradient, { readsBn: true })
    gradient.dispose()
    expect(bn).toBeCloseTo(await bnAt(alpha), 6)
  })

  it('leaves running statistics and weights unchanged', async () => {
    const before = await supernet.executable.save()
    const gradient = supernet.vector()
    await bnAt(alpha)
    await logNtk(supernet, mixing, x, [1, -1, -1, 1], gradient, { readsBn: true })
    gradient.dispose()
    expect(await supernet.executable.save()).toEqual(before)
  })
})

describe('log(NTK) of a smooth function', () => {
  it('has the slopes of its value as gradients, wrt mixing and weights', async () => {
    const theta = [[0.3, 0.5, 0.2]]
    const w = [0.4, -0.7, 0.6]
    const smooth = smoothSupernet(w)
    const images = { images: Float32Array.of(0.5, -1, 1, 0.3, 0.8, -0.2), labels: new Int32Array(2), size: 2 }
    const valueAt = async (t: Matrix, weights: readonly number[]) => {
      smooth.setW(weights)
      return (await logNtk(smooth, { theta: t }, images, [1, -1], smooth.vector())).value
    }
    const gradient = smooth.vector()
    const found = await logNtk(smooth, { theta }, images, [1, -1], gradient)
    const gradW = Array.from(await gradient.read())
    for (const k of [0, 1, 2]) {
      const moved = (values: readonly number[], by: number) => values.map((value, i) => (i === k ? value + by : value))
      const slopeTheta = (await valueAt([moved(theta[0], 1e-4)], w)) - (await valueAt([moved(theta[0], -1e-4)], w))
      expect(found.mixing.theta[0][k]).toBeCloseTo(slopeTheta / 2e-4, 3)
      const slopeW = (await valueAt(theta, moved(w, 1e-4))) - (await valueAt(theta, moved(w, -1e-4)))
      expect(gradW[k]).toBeCloseTo(slopeW / 2e-4, 3)
    }
  })
})

/** Logits z_i = (tanh a_i, sin a_i) with a_i = Σ_k θ_k w_k x_ik, without batch statistics: everything is smooth. */
function smoothSupernet(start: readonly number[]) {
  const plain = analyticSupernet(start, quadratic)
  const executable = {
    ...plain.executable,
    network: { classes: 2 },
    async gradient(feed: Feed, objective: { cotangent: Float32Array }, want: { weights: WeightVector }) {
      const theta = feed.coefficients ?? new Float64Array()
      const rows = Array.from({ length: feed.batch.size }, (_, i) => feed.batch.images.subarray(3 * i, 3 * i + 3))
      const gradA = rows.map((row, i) => {
        const a = row.reduce((sum, value, k) => sum + theta[k] * plain.w()[k] * value, 0)
        return objective.cotangent[2 * i] * (1 - Math.tanh(a) ** 2) + objective.cotangent[2 * i + 1] * Math.cos(a)
      })
      const along = [0, 1, 2].map((k) => rows.reduce((sum, row, i) => sum + gradA[i] * row[k], 0))
      want.weights.write(along.map((value, k) => value * theta[k]) as unknown as Float32Array)
      return { coefficients: Float64Array.from([...along.map((value, k) => value * plain.w()[k]), 0]) }
    },
  }
  return { ...plain, executable: executable as unknown as typeof plain.executable }
}

describe('ascent', () => {
  it('is an SGD step against the gradient of the negative, with decay, momentum and clipping', async () => {
    const plain = analyticSupernet([1, -2], quadratic)
    const gradient = plain.vector()
    gradient.write(Float32Array.of(3, 4))
    plain.momentum.write(Float32Array.of(0.5, 0.5))
    const sgd = { learningRate: 0.1, momentum: 0.9, nesterov: false, weightDecay: 0.25, clipNorm: 2.5 }
    await ascend(plain, gradient, sgd)
    // Clipped to (1.5, 2); buffer = 0.9·0.5 − (1.5, 2) + 0.25·(1, −2).
    const buffer = [0.45 - 1.5 + 0.25, 0.45 - 2 - 0.5]
    plain.w().forEach((value, i) => {
      expect(value).toBeCloseTo([1, -2][i] - 0.1 * buffer[i], 5)
    })
  })
})

describe('multi-step DARTS', () => {
  it('takes n weight steps before each architecture step, whatever the protocol’s order', async () => {
    const context = analyticContext()
    const search = await multiDarts.search(context, multiDarts.options.parse({ n: 3 }))
    const { extra } = await search.epoch(0)
    expect(context.networks[0].calls.slice(0, 5)).toEqual([
      'step weights',
      'step weights',
      'step weights',
      'gradient architecture',
      'step weights',
    ])
    const { weightStepSeconds = 0, architectureStepSeconds = 0, costModelSeconds } = extra ?? {}
    expect(costModelSeconds).toBeCloseTo(5 * (3 * weightStepSeconds + architectureStepSeconds), 12)
  })

  it('clips the gradient of α in epochs without labels, too, where the protocol does', async () => {
    const data = { ...(await analyticContext().data()), shape }
    const meanNorm = async (clipNorm?: number) => {
      const { architecture } = analyticProtocol
      const context = {
        ...analyticContext({ protocol: { epochs: 1, batchSize: size, architecture: { ...architecture, clipNorm } } }),
        data: async () => ({ ...data, weights: { ...data.weights, batchesPerEpoch: 1 } }),
        supernet: async () => supernet,
      }
      const search = await zenDarts.search(context, zenDarts.options.parse({ m: 1, n: 1 }))
      await search.epoch(0)
      const { adam } = (await search.save()) as unknown as BilevelState
      return Math.hypot(...adam.mean.flat())
    }
    expect(await meanNorm()).toBeGreaterThan(0.01)
    // Half the gradient, since β₁ is 0.5; the decay of α adds a little.
    expect(await meanNorm(1e-3)).toBeLessThan(0.6e-3)
  })

  it('reports the score at its architecture step', async () => {
    const data = { ...(await analyticContext().data()), shape }
    const context = {
      ...analyticContext({ protocol: { epochs: 1, batchSize: size } }),
      data: async () => ({ ...data, weights: { ...data.weights, batchesPerEpoch: 1 } }),
      supernet: async () => supernet,
    }
    const options = zenDarts.options.parse({ m: 1, n: 1, beta1: 0.5, beta2: 3 })
    const search = await zenDarts.search(context, options)
    const { parameters } = (await search.save()) as unknown as BilevelState
    const { extra } = await search.epoch(0)
    const stream = context.random('zen', 'architecture', 0)
    const batch = gaussianBatch(shape, size, stream)
    const signs = Array.from({ length: size }, () => stream.sign())
    const relaxed = softmaxRelaxation.relax(parameters)
    const given = [supernet, relaxed.mixing, batch, signs, supernet.vector(), { readsBn: true }] as const
    const { value: ntk, bn } = await logNtk(...given)
    expect(extra).toMatchObject({ logNtk: ntk, bn, zen: 0.5 * ntk + 3 * bn })
  })

  it('takes one step for each `stride` batches without labels, with √stride times the learning rates', async () => {
    const data = { ...(await analyticContext().data()), shape }
    const start = await supernet.executable.save()
    const moved = async (batchesPerEpoch: number, options: Readonly<Record<string, number>>) => {
      supernet.executable.restore(start)
      supernet.momentum.scale(0)
      const context = {
        ...analyticContext({ protocol: { epochs: 1, batchSize: size } }),
        data: async () => ({ ...data, weights: { ...data.weights, batchesPerEpoch } }),
        supernet: async () => supernet,
      }
      const search = await zenDarts.search(context, zenDarts.options.parse({ m: 1, n: 1, ...options }))
      const before = (await search.save()) as unknown as BilevelState
      await search.epoch(0)
      const after = (await search.save()) as unknown as BilevelState
      const { weights } = await supernet.executable.save()
      return {
        steps: after.adam.steps,
        // The first step of Adam is as long as its learning rate.
        alpha: Math.abs(after.parameters[2][3] - before.parameters[2][3]),
        weights: Math.hypot(...weights.map((w, i) => w - start.weights[i])),
      }
    }
    const one = await moved(1, { stride: 1 })
    const nine = await moved(9, { stride: 9 })
    expect([one.steps, nine.steps]).toEqual([1, 1])
    expect(nine.alpha / one.alpha).toBeCloseTo(3, 3)
    expect(nine.weights / one.weights).toBeCloseTo(3, 3)
    expect((await moved(9, { stride: 4 })).steps).toBe(3)
    expect((await moved(33, {})).steps).toBe(3)
  })

  it.each([{ m: 1 }, {}])(
    'spends the first m epochs without labels, and one of two by default: %j',
    async (options) => {
      const data = { ...(await analyticContext().data()), shape }
      const labelled: string[] = []
      const context = {
        ...analyticContext({ protocol: { epochs: 2, batchSize: size } }),
        data: async () => ({ ...data, weights: { ...data.weights, batchesPerEpoch: 2 } }),
        supernet: async () => ({
          ...supernet,
          step: async () => {
            labelled.push('step')
          },
          gradient: async () => {
            labelled.push('gradient')
            return {
              loss: 1,
              correct: 0,
              correct5: 0,
              samples: 1,
              mixing: { theta: alpha, edgeWeights: [0, 0, 0, 0, 0, 0] },
            }
          },
          takeTally: async () => ({ loss: 1, correct: 0, correct5: 0, samples: 1 }),
        }),
      }
      const search = await zenDarts.search(context, zenDarts.options.parse({ ...options, n: 1 }))
      const first = await search.epoch(0)
      expect(labelled).toEqual([])
      expect(first.trainLoss).toBeUndefined()
      expect(Object.keys(first.extra ?? {})).toEqual(expect.arrayContaining(['zen', 'logNtk', 'bn']))
      expect(await supernet.momentum.norm()).toBeGreaterThan(0)
      await search.epoch(1)
      expect(labelled).toEqual(['step', 'gradient', 'step', 'gradient'])
      expect(await supernet.momentum.norm()).toBe(0)
    },
  )
})
