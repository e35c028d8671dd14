import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../../src/core/data.ts'
import type { Executable } from '../../src/core/executor.ts'
import { coefficientLayout } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { dartsS2 } from '../../src/spaces/darts/index.ts'
import { drawPathScales, droppingPaths, searchDropProbability } from '../../src/training/dropPath.ts'
import { initialWeights } from '../../src/training/initialise.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const CROSS_ENTROPY = { kind: 'cross-entropy' } as const
const coefficients = new Float64Array(coefficientLayout(dartsS2.edges.map(() => 2)).count).fill(0.5)

const batchNamed = (index: number): Batch => ({
  images: Float32Array.from({ length: 4 * 192 }, (_, i) => Math.sin(i)),
  labels: Int32Array.of(0, 1, 2, 3),
  size: 4,
  randomKey: { seed: 1, path: ['batch', index] },
})

describe('a search network whose edges are dropped', () => {
  let plain: Executable
  let dropping: Executable
  let probability = 0.5
  beforeAll(async () => {
    const batchNorm = { affine: false, track: true }
    const network = dartsS2.supernet({ shape, channels: 4, depth: 3, dropPath: 0.5, batchNorm })
    plain = await (await openExecutor({ backend: 'wasm', deterministic: true })).compile(network, { batchSize: 4 })
    plain.weights.write(initialWeights(network, random(0, 'weights')))
    dropping = droppingPaths(plain, () => probability)
  })
  afterAll(() => plain.dispose())

  const lossOf = async (executable: Executable, batch: Batch) =>
    (await executable.gradient({ batch, coefficients }, CROSS_ENTROPY, {}, 'probe')).loss

  it('has a site on each of the 14 edges of each cell', () => expect(plain.network.pathCount).toBe(3 * 14))

  it('drops the same paths for the same batch, and others for another', async () => {
    const first = await lossOf(dropping, batchNamed(0))
    expect(first).not.toBe(await lossOf(plain, batchNamed(0)))
    expect(await lossOf(dropping, batchNamed(1))).not.toBe(first)
    expect(await lossOf(dropping, batchNamed(0))).toBe(first)
  })

  it('draws for each edge and sample, in expectation as if nothing were dropped', async () => {
    const batch = batchNamed(2)
    const pathScales = drawPathScales(42, 4, 0.5, random(1, 'batch', 2, 'drop path'))
    const fed = await plain.gradient({ batch, coefficients, pathScales }, CROSS_ENTROPY, {}, 'probe')
    expect(await lossOf(dropping, batch)).toBe(fed.loss)
    const scales = drawPathScales(1000, 64, 0.2, random(0, 'many'))
    expect(new Set(scales)).toEqual(new Set([0, Math.fround(1 / 0.8)]))
    expect(scales.reduce((sum, scale) => sum + scale, 0) / scales.length).toBeCloseTo(1, 2)
  })

  it('keeps all of them in evaluation, where the probability is 0, and for a batch without a name', async () => {
    const { randomKey: _, ...nameless } = batchNamed(0)
    const feed = { batch: batchNamed(0), coefficients }
    expect(await lossOf(dropping, nameless)).toBe(await lossOf(plain, nameless))
    expect(await dropping.evaluate([feed], 'probe')).toEqual(await plain.evaluate([feed], 'probe'))
    expect(await dropping.forward(feed, 'eval')).toEqual(await plain.forward(feed, 'eval'))
    probability = 0
    expect(await lossOf(dropping, batchNamed(0))).toBe(await lossOf(plain, batchNamed(0)))
    probability = 0.5
  })

  it('learns what is left, and goes on to the same bits from a saved state', async () => {
    const sgd = { learningRate: 0.05, momentum: 0.9, nesterov: false, weightDecay: 0, clipNorm: 5 }
    const start = await dropping.save()
    const run = async (from: number) => {
      for (const index of [from, from + 1]) {
        await dropping.step({ batch: batchNamed(index), coefficients }, CROSS_ENTROPY, sgd)
      }
      return dropping.save()
    }
    await run(0)
    const whole = await run(2)
    dropping.restore(start)
    const half = await run(0)
    dropping.restore(half)
    expect(await run(2)).toEqual(whole)
  })

  it('drops more from epoch to epoch', () => {
    expect([0, 1, 2, 4].map((epoch) => searchDropProbability(epoch, 5, 0.2))).toEqual([0, 0.05, 0.1, 0.2])
    expect(searchDropProbability(0, 1, 0.2)).toBe(0)
  })
})

it('dropped edges and partial channels are not combined', () => {
  const options = { shape, channels: 4, depth: 3, dropPath: 0.2, batchNorm: { affine: false, track: true } }
  expect(() => dartsS2.supernet({ ...options, partialChannels: 2 })).toThrow(/network.dropPath: .*RobustDARTS/)
})
