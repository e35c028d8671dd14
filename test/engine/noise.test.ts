import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../../src/core/data.ts'
import type { Executable, Executor } from '../../src/core/executor.ts'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { drawNoise } from '../../src/engine/plan/runInputs.ts'

const SIZE = 3
const shape = { height: 4, width: 2, channels: 3 }

/** A network with features = c₀·relu(conv(x)) + c₁·noise, and a classifier. */
function noisyNetwork() {
  const builder = new NetworkBuilder(shape)
  const convolved = builder.relu(builder.conv(builder.input, 3, { kernel: 1 }, 'conv'))
  const features = builder.mix([convolved, builder.noise(shape)], [0, 1], shape)
  const logits = builder.linear(builder.globalMean(features), 2, 'fc')
  return builder.build({ name: 'noisy', heads: [{ logits, lossWeight: 1 }], features })
}

const batchNamed = (index: number): Batch => ({
  images: Float32Array.from({ length: SIZE * 24 }, (_, i) => Math.sin(i)),
  labels: Int32Array.of(0, 1, 0),
  size: SIZE,
  randomKey: { seed: 1, path: ['batch', index] },
})

const cotangent = Float32Array.of(1, -2, 0.5, 3, -1, 0.25)

describe.each([
  ['the TensorFlow.js executor', { backend: 'cpu', executor: 'tfjs' }],
  ['the static executor', { backend: 'wasm', executor: 'static' }],
] as const)('a noise layer on %s', (_, options) => {
  let executor: Executor
  let executable: Executable
  beforeAll(async () => {
    executor = await openExecutor(options)
    executable = await executor.compile(noisyNetwork(), { batchSize: SIZE })
    executable.weights.write(Float32Array.from({ length: executable.weights.length }, (_, i) => Math.cos(i)))
  })
  afterAll(() => executable.dispose())

  const featuresOf = async (batch: Batch, coefficients: Float64Array) => [
    ...(await executable.forward({ batch, coefficients }, 'probe')).features,
  ]

  it('is the noise drawn for the batch, independent of the images', async () => {
    const batch = batchNamed(0)
    expect(await featuresOf(batch, Float64Array.of(0, 1))).toEqual([...drawNoise(batch, 0, shape)])
    const half = { ...batch, images: batch.images.slice(0, 24), labels: Int32Array.of(0), size: 1 }
    expect(await featuresOf(half, Float64Array.of(0, 1))).toEqual([...drawNoise(batch, 0, shape)].slice(0, 24))
  })

  it('is the same for the same batch, and different for another', async () => {
    const coefficients = Float64Array.of(0.5, 1)
    const first = await featuresOf(batchNamed(0), coefficients)
    expect(await featuresOf(batchNamed(1), coefficients)).not.toEqual(first)
    expect(await featuresOf(batchNamed(0), coefficients)).toEqual(first)
  })

  it('gives its mixing weight the gradient ⟨noise, upstream⟩, and no gradient to layers before it', async () => {
    const batch = batchNamed(2)
    const w = executable.vector()
    const objective = { kind: 'logits', cotangent } as const
    const gradientAt = (coefficients: Float64Array) =>
      executable.gradient({ batch, coefficients }, objective, { coefficients: true, weights: w }, 'probe')
    const { coefficients = [] } = await gradientAt(Float64Array.of(0, 1))
    const weights = await executable.weights.read()
    const linear = weights.slice(9, 15) // [3 features][2 classes]
    const expected = drawNoise(batch, 0, shape).reduce((sum, value, i) => {
      const [sample, channel] = [Math.floor(i / 24), i % 3]
      const upstream = [0, 1].reduce((s, k) => s + cotangent[2 * sample + k] * linear[2 * channel + k], 0) / 8
      return sum + value * upstream
    }, 0)
    expect(coefficients[1]).toBeCloseTo(expected, 5)
    expect([...(await w.read()).slice(0, 9)].every((g) => g === 0)).toBe(true)
    await gradientAt(Float64Array.of(1, 1))
    expect([...(await w.read()).slice(0, 9)].some((g) => g !== 0)).toBe(true)
    w.dispose()
  })

  it('is not computed if its path is switched off', async () => {
    const feed = { batch: batchNamed(0), coefficients: Float64Array.of(1, 1) }
    const without = await executable.forward({ ...feed, active: Uint8Array.of(1, 0) }, 'probe')
    expect([...without.features]).toEqual(await featuresOf(feed.batch, Float64Array.of(1, 0)))
  })

  it('is the same in the recording and in later passes with frozen activations', async () => {
    const feed = { batch: batchNamed(3), coefficients: Float64Array.of(0.3, 0.7) }
    const activationMasks = executable.activationMasks?.(feed)
    const want = { coefficients: true }
    const live = await executable.gradient(feed, { kind: 'cross-entropy' }, want, 'probe')
    const held = await executable.gradient(
      { ...feed, ...(activationMasks && { activationMasks }) },
      { kind: 'cross-entropy' },
      want,
      'probe',
    )
    expect(held.loss).toBeCloseTo(live.loss, 6)
    activationMasks?.dispose()
  })
})
