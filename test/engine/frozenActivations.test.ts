import { describe, expect, test } from 'vitest'
import type { Executable, Feed } from '../../src/core/executor.ts'
import { flattenMixing, type Matrix, softmax } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { relativeError } from '../fixtures/golden.ts'
import { underMasksOfPaths } from './frozenPaths.ts'

type ExecutorName = 'tfjs' | 'static'
const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const want = { coefficients: true }
const crossEntropy = { kind: 'cross-entropy' } as const

/** A DARTS search network with all its operations, which include max pooling and strides. */
async function searchNetwork(executorName: ExecutorName) {
  const executor = await openExecutor({ backend: 'wasm', executor: executorName })
  const network = darts.supernet({ shape, channels: 2, depth: 3, batchNorm: { affine: false, track: false } })
  const executable = await executor.compile(network, { batchSize: 2 })
  executable.weights.write(initialWeights(network, random(3, 'weights')))
  return executable
}

/** Returns a feed of two images with mixing weights softmax(alpha). */
function feedAt(alpha: Matrix): Feed & { readonly coefficients: Float64Array } {
  const stream = random(3, 'images')
  const images = Float32Array.from({ length: 2 * 8 * 8 * 3 }, () => stream.normal())
  const batch = { images, labels: Int32Array.from([3, 7]), size: 2 }
  return { batch, coefficients: flattenMixing({ theta: alpha.map(softmax) }) }
}

const parameters = (scale: number): Matrix => {
  const stream = random(4, 'alpha')
  return darts.edges.map(({ operations }) => operations.map(() => scale * stream.normal()))
}

/** Returns ∂L/∂coefficients, then ∂L/∂w. */
async function slopes(executable: Executable, feed: Feed): Promise<number[]> {
  const weights = executable.vector()
  const { coefficients = [] } = await executable.gradient(feed, crossEntropy, { ...want, weights }, 'probe')
  const all = [...coefficients, ...(await weights.read())]
  weights.dispose()
  return all
}

describe.each(['tfjs', 'static'] as const)('frozen activations on %s', (executorName) => {
  test('change nothing at the point where they were recorded', async () => {
    const executable = await searchNetwork(executorName)
    const feed = feedAt(parameters(0.1))
    const activationMasks = executable.activationMasks?.(feed)
    const live = await executable.gradient(feed, crossEntropy, want, 'probe')
    const held = await executable.gradient({ ...feed, activationMasks }, crossEntropy, want, 'probe')
    expect(held.loss).toBeCloseTo(live.loss, 6)
    live.coefficients?.forEach((value, i) => {
      expect(Math.abs((held.coefficients?.[i] ?? Number.NaN) - value)).toBeLessThan(1e-5)
    })
    activationMasks?.dispose()
    executable.dispose()
  })

  test('of paths that were switched off are those of the same paths with weight 0', async () => {
    const { whereOff, whereZero } = await underMasksOfPaths(
      await openExecutor({ backend: 'wasm', executor: executorName }),
    )
    expect(whereOff).toEqual(whereZero)
  })

  test('make the loss smooth: its gradient is its slope even far from the recording', async () => {
    const executable = await searchNetwork(executorName)
    const activationMasks = executable.activationMasks?.(feedAt(parameters(0.1)))
    const far = feedAt(parameters(0.5))
    const { coefficients = new Float64Array() } = await executable.gradient(
      { ...far, activationMasks },
      crossEntropy,
      want,
      'probe',
    )
    // Along the gradient itself: the slope is its squared length.
    const step = 0.001 / Math.hypot(...coefficients)
    const lossAt = async (h: number) => {
      const moved = far.coefficients.map((value, i) => value + h * coefficients[i])
      return (await executable.gradient({ ...far, coefficients: moved, activationMasks }, crossEntropy, want, 'probe'))
        .loss
    }
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step)
    expect(slope / coefficients.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 2)
    activationMasks?.dispose()
    executable.dispose()
  })
})

describe('frozen activations of the static plan', () => {
  test('agree with TensorFlow.js at other weights and coefficients, and after further recordings', async () => {
    const held = async (executorName: ExecutorName) => {
      const executable = await searchNetwork(executorName)
      const activationMasks = executable.activationMasks?.(feedAt(parameters(0.1)))
      const others = executable.activationMasks?.(feedAt(parameters(2)))
      executable.weights.scale(1.3)
      const found = await slopes(executable, { ...feedAt(parameters(0.5)), activationMasks })
      const live = await slopes(executable, feedAt(parameters(0.5)))
      for (const each of [activationMasks, others]) each?.dispose()
      executable.dispose()
      return { found, live }
    }
    const [plan, reference] = [await held('static'), await held('tfjs')]
    expect(relativeError(plan.found, reference.found)).toBeLessThan(1e-4)
    expect(relativeError(plan.live, reference.live)).toBeLessThan(1e-4)
    expect(relativeError(plan.live, plan.found)).toBeGreaterThan(0.01)
  })

  test('are refused by another network, for a batch of another size, and after disposal', async () => {
    const [one, other] = [await searchNetwork('static'), await searchNetwork('static')]
    const feed = feedAt(parameters(0.1))
    const activationMasks = one.activationMasks?.(feed)
    const smaller = { images: feed.batch.images.slice(0, 192), labels: feed.batch.labels.slice(0, 1), size: 1 }
    const use = (executable: Executable, batch = feed.batch) =>
      executable.gradient({ ...feed, batch, activationMasks }, crossEntropy, want, 'probe')
    await expect(use(other)).rejects.toThrow('activation masks of another executable, or disposed of')
    await expect(use(one, smaller)).rejects.toThrow('activation masks of 2 samples do not fit a batch of 1')
    activationMasks?.dispose()
    await expect(use(one)).rejects.toThrow('activation masks of another executable, or disposed of')
  })
})
