import { describe, expect, test } from 'vitest'
import { flattenMixing, type Matrix, softmax } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { openExecutor } from '../../../src/engine/executors.ts'
import { initialWeights } from '../../../src/engine/initialise.ts'
import { darts } from '../../../src/spaces/darts/index.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const want = { coefficients: true }
const crossEntropy = { kind: 'cross-entropy' } as const

/** A DARTS search network with all its operations, max pooling and strides among them. */
async function searchNetwork() {
  const executor = await openExecutor({ backend: 'wasm', executor: 'tfjs' })
  const network = darts.supernet({ shape, channels: 2, depth: 3, batchNorm: { affine: false, track: false } })
  const executable = await executor.compile(network, { batchSize: 2 })
  executable.weights.write(initialWeights(network, random(3, 'weights')))
  const stream = random(3, 'images')
  const images = Float32Array.from({ length: 2 * 8 * 8 * 3 }, () => stream.normal())
  const batch = { images, labels: Int32Array.from([3, 7]), size: 2 }
  const feedAt = (alpha: Matrix) => ({ batch, coefficients: flattenMixing({ theta: alpha.map(softmax) }) })
  return { executable, feedAt }
}

const parameters = (scale: number): Matrix => {
  const stream = random(4, 'alpha')
  return darts.edges.map(({ operations }) => operations.map(() => scale * stream.normal()))
}

describe('held gates', () => {
  test('change nothing where they were taken', async () => {
    const { executable, feedAt } = await searchNetwork()
    const feed = feedAt(parameters(0.1))
    const gates = executable.gates?.(feed)
    const live = await executable.gradient(feed, crossEntropy, want, 'probe')
    const held = await executable.gradient({ ...feed, gates }, crossEntropy, want, 'probe')
    expect(held.loss).toBeCloseTo(live.loss, 6)
    live.coefficients?.forEach((value, i) => {
      expect(Math.abs((held.coefficients?.[i] ?? Number.NaN) - value)).toBeLessThan(1e-5)
    })
    gates?.dispose()
    executable.dispose()
  })

  test('make the gradient the slope of the loss, far from where they were taken, too', async () => {
    const { executable, feedAt } = await searchNetwork()
    const gates = executable.gates?.(feedAt(parameters(0.1)))
    const far = feedAt(parameters(0.5))
    const { coefficients = new Float64Array() } = await executable.gradient(
      { ...far, gates },
      crossEntropy,
      want,
      'probe',
    )
    // Along the gradient itself: the slope is its squared length.
    const step = 0.001 / Math.hypot(...coefficients)
    const lossAt = async (h: number) => {
      const moved = far.coefficients.map((value, i) => value + h * coefficients[i])
      return (await executable.gradient({ ...far, coefficients: moved, gates }, crossEntropy, want, 'probe')).loss
    }
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step)
    expect(slope / coefficients.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 2)
    gates?.dispose()
    executable.dispose()
  })
})
