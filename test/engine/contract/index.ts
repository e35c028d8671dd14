/** The contract of executors, as tests that every executor must pass. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Executable, ExecutableState, Executor, Feed, SgdStep } from '../../../src/core/executor.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { random } from '../../../src/core/random.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'
import { relativeError } from '../../fixtures/golden.ts'
import type { DeclareTest } from '../golden/declareTest.ts'
import { coefficientsOf, randomBatch, randomTheta, readout, searchNetwork, smoothNetwork } from './smallNetworks.ts'

const CROSS_ENTROPY = { kind: 'cross-entropy' } as const
const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: 5 }

/** Declares the tests. @param check declares one test: `it`, or a function that skips some on slow devices */
export function describeExecutorContract(open: () => Promise<Executor>, check: DeclareTest = it): void {
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })

  async function searching(batchSize = 8): Promise<Executable> {
    const network = searchNetwork()
    const executable = await executor.compile(network, { batchSize })
    executable.weights.write(initialWeights(network, random(1, 'weights')))
    return executable
  }
  const feedOf = (index: number, size = 8): Feed => ({
    batch: randomBatch(size, 'batch', index),
    coefficients: coefficientsOf(randomTheta(random(2, 'theta', index))),
  })

  describe('mixing', () => {
    check('has gradients equal to central differences of the loss', async () => {
      const network = smoothNetwork()
      const executable = await executor.compile(network, { batchSize: 8 })
      executable.weights.write(initialWeights(network, random(3, 'weights')))
      const at = Float64Array.of(0.3, 0.5, 0.7, 0.2, 0.6, 1.1, 0.9, 0.4)
      const lossAndGradient = (coefficients: Float64Array) =>
        executable.gradient(
          { batch: randomBatch(8, 'smooth'), coefficients },
          CROSS_ENTROPY,
          { coefficients: true },
          'probe',
        )
      const step = 0.01
      const lossAt = async (entry: number, offset: number) =>
        (await lossAndGradient(at.map((value, i) => (i === entry ? value + offset : value)))).loss
      const differences: number[] = []
      for (const entry of at.keys()) {
        differences.push(((await lossAt(entry, step)) - (await lossAt(entry, -step))) / (2 * step))
      }
      const { coefficients = [] } = await lossAndGradient(at)
      expect(relativeError(coefficients, differences)).toBeLessThan(2e-3)
      executable.dispose()
    })

    check('gives the operation none, which has no input, the gradient 0', async () => {
      const executable = await searching()
      const { coefficients = [] } = await executable.gradient(feedOf(1), CROSS_ENTROPY, { coefficients: true }, 'probe')
      expect([0, 5, 10, 15, 20, 25].map((none) => coefficients[none])).toEqual([0, 0, 0, 0, 0, 0])
      executable.dispose()
    })

    check('treats inactive operations like coefficients of 0, with gradient 0', async () => {
      const executable = await searching()
      const feed = feedOf(2)
      const active = Uint8Array.from({ length: 36 }, (_, i) => (i < 30 && i % 5 !== 1 + (((i / 5) | 0) % 4) ? 0 : 1))
      const zeroed = feed.coefficients?.map((value, i) => (active[i] === 1 ? value : 0))
      const [weights, sameWeights] = [executable.vector(), executable.vector()]
      const all = { coefficients: true, weights }
      const skipped = await executable.gradient({ ...feed, active }, CROSS_ENTROPY, all, 'probe')
      const same = await executable.gradient(
        { ...feed, ...(zeroed && { coefficients: zeroed }) },
        CROSS_ENTROPY,
        { ...all, weights: sameWeights },
        'probe',
      )
      expect(skipped.loss).toBeCloseTo(same.loss, 5)
      const { coefficients: gradient = new Float64Array() } = skipped
      const expected = same.coefficients?.map((value, i) => (active[i] === 1 ? value : 0)) ?? []
      expect(relativeError(gradient, expected)).toBeLessThan(1e-4)
      expect([...gradient].filter((value, i) => active[i] === 0 && value !== 0)).toEqual([])
      expect(relativeError(await weights.read(), await sameWeights.read())).toBeLessThan(1e-4)
      executable.dispose()
    })
  })

  describe('counting correct predictions', () => {
    const logits = [
      [3, 1, 2, 0, -1, -2, -3], // label 0: first
      [3, 1, 2, 0, -1, -2, -3], // label 4: fifth
      [3, 1, 2, 0, -1, -2, -3], // label 5: sixth
      [1, 1, 1, 1, 1, 1, 1], // label 1: second of equals
    ]
    const labels = Int32Array.of(0, 4, 5, 1)

    check(
      'counts labels with the largest and among the five largest logits; of equal logits the lower class comes first',
      async () => {
        const { network, weights } = readout(7)
        const executable = await executor.compile(network, { batchSize: 4 })
        executable.weights.write(weights)
        const batch = { images: Float32Array.from(logits.flat()), labels, size: 4 }
        expect(await executable.evaluate([{ batch }], 'eval')).toMatchObject({ correct: 1, correct5: 3, samples: 4 })
        executable.dispose()
      },
    )

    check('counts no sample of a diverged network as correct', async () => {
      const { network, weights } = readout(7)
      const executable = await executor.compile(network, { batchSize: 4 })
      executable.weights.write(weights)
      const batch = { images: new Float32Array(28).fill(Number.NaN), labels, size: 4 }
      const tally = await executable.evaluate([{ batch }], 'eval')
      expect(tally.loss).toBeNaN()
      expect(tally).toMatchObject({ correct: 0, correct5: 0 })
      executable.dispose()
    })

    check('counts no label whose own logit is NaN, even with few classes', async () => {
      const { network, weights } = readout(3)
      const executable = await executor.compile(network, { batchSize: 2 })
      executable.weights.write(weights)
      const poisoned = weights.with(9, Number.NaN) // the first class's bias
      const batch = { images: Float32Array.of(1, 2, 0, 1, 2, 0), labels: Int32Array.of(0, 1), size: 2 }
      expect(await executable.evaluate([{ batch }], 'eval')).toMatchObject({ correct: 1, correct5: 2 })
      executable.weights.write(poisoned)
      const tally = await executable.evaluate([{ batch }], 'eval')
      expect(tally.loss).toBeNaN()
      expect(tally).toMatchObject({ correct: 1, correct5: 1 })
      executable.dispose()
    })

    check('weights batches by their sizes, and starts a new tally after each reading', async () => {
      const executable = await searching()
      const [large, small] = [feedOf(3, 8), feedOf(4, 3)]
      const whole = await executable.evaluate([large, small], 'probe')
      const [a, b] = [await executable.evaluate([large], 'probe'), await executable.evaluate([small], 'probe')]
      expect(whole.loss).toBeCloseTo((8 * a.loss + 3 * b.loss) / 11, 5)
      expect(whole).toMatchObject({ correct: a.correct + b.correct, correct5: a.correct5 + b.correct5, samples: 11 })
      await executable.step(large, CROSS_ENTROPY, SGD)
      expect(await executable.takeTally()).toMatchObject({ samples: 8 })
      expect(await executable.takeTally()).toEqual({ loss: Number.NaN, correct: 0, correct5: 0, samples: 0 })
      executable.dispose()
    })
  })

  check('does not count what it refused, nor what was counted before it did', async () => {
    const executable = await searching(4)
    const [fitting, tooLarge] = [feedOf(1, 4), feedOf(0, 8)]
    await executable.step(fitting, CROSS_ENTROPY, SGD)
    await expect(executable.step(tooLarge, CROSS_ENTROPY, SGD)).rejects.toThrow(/8 .*4/)
    expect(await executable.takeTally()).toMatchObject({ samples: 4 })
    await expect(executable.evaluate([fitting, tooLarge], 'probe')).rejects.toThrow(/8 .*4/)
    const alone = await executable.evaluate([feedOf(2, 3)], 'probe')
    expect(alone).toMatchObject({ samples: 3 })
    expect(await executable.evaluate([feedOf(2, 3)], 'probe')).toEqual(alone)
    expect(await executable.evaluate([], 'probe')).toEqual({ loss: Number.NaN, correct: 0, correct5: 0, samples: 0 })
    executable.dispose()
  })

  describe('batch normalisation', () => {
    check('moves running statistics by a tenth, with the unbiased variance, in training only', async () => {
      const builder = new NetworkBuilder({ height: 1, width: 2, channels: 1 })
      const features = builder.batchNorm(builder.input, { affine: false, track: true }, 'bn')
      const network = builder.build({
        name: 'bn',
        heads: [{ logits: builder.linear(features, 2, 'fc'), lossWeight: 1 }],
        features,
      })
      const executable = await executor.compile(network, { batchSize: 2 })
      executable.weights.write(Float32Array.of(1, 0, 0, 1, 0, 0))
      const feed = { batch: { images: Float32Array.of(1, 2, 3, 6), labels: new Int32Array(2), size: 2 } }
      const statistics = async () => [...(await executable.save()).statistics]

      await executable.gradient(feed, CROSS_ENTROPY, {}, 'probe')
      await executable.evaluate([feed], 'eval')
      expect(await statistics()).toEqual([0, 1])

      await executable.gradient(feed, CROSS_ENTROPY, {}, 'train')
      const [mean, variance] = await statistics() // batch: mean 3, unbiased variance 14/3
      expect(mean).toBeCloseTo(0.3, 6)
      expect(variance).toBeCloseTo(0.9 + 0.1 * (14 / 3), 6)

      const { logits } = await executable.forward(feed, 'eval')
      const expected = [1, 2, 3, 6].map((x) => (x - mean) / Math.sqrt(variance + 1e-5))
      expect(relativeError(logits, expected)).toBeLessThan(1e-6)
      executable.dispose()
    })

    check('is differentiated with running statistics as constants in mode eval', async () => {
      const executable = await searching()
      for (const index of [0, 1, 2]) await executable.step(feedOf(index), CROSS_ENTROPY, SGD)
      const feed = feedOf(3)
      const gradient = executable.vector()
      await executable.gradient(feed, CROSS_ENTROPY, { weights: gradient }, 'eval')
      const start = executable.vector()
      start.assign(executable.weights)
      const lossAt = async (step: number) => {
        executable.weights.assign(start)
        executable.weights.axpy(step, gradient)
        return (await executable.evaluate([feed], 'eval')).loss
      }
      const squaredNorm = await gradient.dot(gradient)
      const step = 1e-2 / Math.sqrt(squaredNorm)
      const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step)
      expect(slope / squaredNorm).toBeCloseTo(1, 1)
      executable.dispose()
    })
  })

  describe('drop path', () => {
    check('multiplies each sample and its gradient by the scale of that sample', async () => {
      const builder = new NetworkBuilder({ height: 1, width: 1, channels: 2 })
      const features = builder.dropPath(builder.conv(builder.input, 2, { kernel: 1 }, 'conv'))
      const logits = builder.linear(features, 2, 'fc')
      const network = builder.build({ name: 'drop', heads: [{ logits, lossWeight: 1 }], features })
      const executable = await executor.compile(network, { batchSize: 2 })
      executable.weights.write(Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1, 0, 0))
      const batch = { images: Float32Array.of(1, 2, 3, 4), labels: new Int32Array(2), size: 2 }
      const feed = { batch, pathScales: Float32Array.of(0, 1.25) }
      expect([...(await executable.forward(feed, 'eval')).logits]).toEqual([0, 0, 3.75, 5])
      expect([...(await executable.forward({ batch }, 'eval')).logits]).toEqual([1, 2, 3, 4])
      const gradient = executable.vector()
      const cotangent = Float32Array.of(1, 0, 1, 0)
      await executable.gradient(feed, { kind: 'logits', cotangent }, { weights: gradient }, 'train')
      expect([...(await gradient.read())].slice(0, 4)).toEqual([3.75, 0, 5, 0])
      executable.dispose()
    })

    check('changes nothing if every scale is 1', async () => {
      const network = darts.network(darts.parse('DARTS_V2'), {
        shape: { height: 32, width: 32, channels: 3, classes: 10 },
        channels: 2,
        depth: 3,
        dropPath: true,
      })
      const executable = await executor.compile(network, { batchSize: 2 })
      executable.weights.write(initialWeights(network, random(0, 'weights')))
      const images = Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => Math.sin(i))
      const batch = { images, labels: Int32Array.of(1, 2), size: 2 }
      const pathScales = new Float32Array(2 * network.pathCount).fill(1)
      const plain = await executable.forward({ batch }, 'probe')
      const scaled = await executable.forward({ batch, pathScales }, 'probe')
      expect(network.pathCount).toBeGreaterThan(0)
      expect(relativeError(scaled.logits, plain.logits)).toBeLessThan(1e-6)
      executable.dispose()
    })
  })

  describe('state', () => {
    check('gives the same bits after it is saved and restored in another executable', async () => {
      const [first, second] = [await searching(), await searching()]
      for (const index of [0, 1, 2]) await first.step(feedOf(index), CROSS_ENTROPY, SGD)
      second.restore(await first.save())
      for (const executable of [first, second]) {
        for (const index of [3, 4]) await executable.step(feedOf(index), CROSS_ENTROPY, SGD)
      }
      expect(await second.save()).toEqual(await first.save())
      first.dispose()
      second.dispose()
    })

    check('of another network is refused before anything is restored, saying what does not fit', async () => {
      const executable = await searching()
      const state = await executable.save()
      const shorter = (part: keyof ExecutableState) => ({ ...state, [part]: state[part].subarray(1) })
      for (const part of ['weights', 'momentum', 'statistics'] as const) {
        executable.weights.scale(2)
        const before = await executable.save()
        const length = state[part].length
        expect(() => executable.restore(shorter(part))).toThrow(new RegExp(`${length - 1} .*expected ${length}`))
        expect(await executable.save()).toEqual(before)
      }
      executable.dispose()
    })

    check('is not changed by gradients and evaluation', async () => {
      const executable = await searching()
      const before = await executable.save()
      await executable.gradient(feedOf(0), CROSS_ENTROPY, { coefficients: true, weights: executable.vector() }, 'probe')
      await executable.evaluate([feedOf(1)], 'eval')
      await executable.forward(feedOf(2), 'probe')
      expect(await executable.save()).toEqual(before)
      executable.dispose()
    })
  })

  describe('weight vectors', () => {
    check('are a vector space', async () => {
      const executable = await searching()
      const { weights } = executable
      const values = await weights.read()
      const x = executable.vector()
      expect(await x.norm()).toBe(0)
      x.assign(weights)
      x.scale(2)
      x.axpy(-0.5, weights)
      expect(
        relativeError(
          await x.read(),
          values.map((value) => 1.5 * value),
        ),
      ).toBeLessThan(1e-6)
      const square = values.reduce((sum, value) => sum + value * value, 0)
      expect((await x.dot(weights)) / (1.5 * square)).toBeCloseTo(1, 6)
      expect((await weights.norm()) / Math.sqrt(square)).toBeCloseTo(1, 6)
      x.dispose()
      executable.dispose()
    })

    check('change the network when written to', async () => {
      const executable = await searching()
      const before = await executable.evaluate([feedOf(0)], 'probe')
      executable.weights.scale(0)
      expect((await executable.evaluate([feedOf(0)], 'probe')).loss).toBeCloseTo(Math.log(10), 5)
      executable.weights.write(initialWeights(executable.network, random(1, 'weights')))
      expect(await executable.evaluate([feedOf(0)], 'probe')).toEqual(before)
      executable.dispose()
    })

    check('refuse arrays of another length', async () => {
      const executable = await searching()
      expect(() => executable.weights.write(new Float32Array(3))).toThrow(/\b3\b/)
      expect(() => executable.weights.write(new Float32Array(3))).toThrow(String(executable.weights.length))
      executable.dispose()
    })
  })

  describe('disposal', () => {
    check('makes every later call an error that names the network, and may be repeated', async () => {
      const executable = await searching()
      executable.dispose()
      executable.dispose()
      const uses = [
        () => executable.step(feedOf(0), CROSS_ENTROPY, SGD),
        () => executable.gradient(feedOf(0), CROSS_ENTROPY, { coefficients: true }, 'train'),
        () => executable.evaluate([feedOf(0)], 'eval'),
        () => executable.forward(feedOf(0), 'eval'),
        () => executable.takeTally(),
        () => executable.save(),
        () => executable.weights.read(),
      ]
      for (const use of uses) expect(use).toThrow(`${searchNetwork().name} was used after dispose`)
    })

    check('between two batches ends an evaluation with that error, and does not disturb the next network', async () => {
      const executable = await searching()
      let next: Executable | undefined
      async function* feeds() {
        yield feedOf(0)
        executable.dispose()
        next = await searching()
        yield feedOf(1)
      }
      await expect(executable.evaluate(feeds(), 'probe')).rejects.toThrow('evaluate of')
      const expected = await searching()
      expect(await next?.save()).toEqual(await expected.save())
      for (const each of [next, expected]) each?.dispose()
    })
  })

  describe('feeds', () => {
    check('that do not fit the network are refused, with what was found and what was expected', async () => {
      const executable = await searching(4)
      const feed = feedOf(0, 4)
      const run = (wrong: Feed) => executable.gradient(wrong, CROSS_ENTROPY, {}, 'probe')
      await expect(run(feedOf(0, 8))).rejects.toThrow(/8 .*4/)
      await expect(run({ ...feed, coefficients: new Float64Array(3) })).rejects.toThrow(/3 .*36/)
      await expect(run({ batch: feed.batch })).rejects.toThrow(/coefficients/)
      await expect(run({ ...feed, batch: { ...feed.batch, images: new Float32Array(5) } })).rejects.toThrow(/5 .*768/)
      await expect(run({ ...feed, batch: { ...feed.batch, labels: Int32Array.of(0, 1, 2, 10) } })).rejects.toThrow(/10/)
      const objective = { kind: 'logits', cotangent: new Float32Array(7) } as const
      await expect(executable.gradient(feed, objective, {}, 'probe')).rejects.toThrow(/cotangent has 7 .*40/)
      executable.dispose()
    })
  })
}
