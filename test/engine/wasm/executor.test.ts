import { beforeAll, describe, expect, test } from 'vitest'
import type { Executor, Feed, Objective, SgdStep } from '../../../src/core/executor.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { random } from '../../../src/core/random.ts'
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'

const LOSS: Objective = { kind: 'cross-entropy' }
const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 3e-4, clipNorm: 5 }
const network = nb201.supernet({
  shape: { height: 4, width: 4, channels: 3, classes: 10 },
  channels: 4,
  depth: 1,
  batchNorm: { affine: false, track: true },
})

function feedOf(size: number, seed: number): Feed {
  const stream = random(seed, 'feed')
  return {
    batch: {
      images: Float32Array.from({ length: size * 48 }, () => stream.normal()),
      labels: Int32Array.from({ length: size }, () => stream.integer(10)),
      size,
    },
    coefficients: Float64Array.from({ length: network.coefficientCount }, () => stream.uniform()),
  }
}

let executor: Executor

beforeAll(async () => {
  executor = await openStaticExecutor()
})

async function compiled(batchSize = 4) {
  const executable = await executor.compile(network, { batchSize })
  executable.weights.write(initialWeights(network, random(0, 'weights')))
  return executable
}

test('its arithmetic is deterministic', () => {
  expect(executor).toMatchObject({ name: 'static/wasm', arithmetic: 'deterministic' })
})

test('a restored state gives the same bits, even in memory that another network has used', async () => {
  const first = await compiled()
  for (let step = 0; step < 3; step++) await first.step(feedOf(4, step), LOSS, SGD)
  const state = await first.save()
  await first.step(feedOf(4, 9), LOSS, SGD)
  const expected = await first.save()
  first.dispose()
  const second = await compiled()
  second.restore(state)
  await second.step(feedOf(4, 9), LOSS, SGD)
  expect(await second.save()).toEqual(expected)
})

test('a batch smaller than compiled for gives the same bits as compiled for its size', async () => {
  const [large, exact] = [await compiled(7), await compiled(3)]
  const want = { coefficients: true }
  await large.gradient(feedOf(7, 1), LOSS, want, 'probe')
  const found = await large.gradient(feedOf(3, 2), LOSS, want, 'probe')
  expect(found).toEqual(await exact.gradient(feedOf(3, 2), LOSS, want, 'probe'))
})

test('a gradient in mode train changes running statistics only; in mode probe it changes nothing', async () => {
  const executable = await compiled()
  const before = await executable.save()
  await executable.gradient(feedOf(4, 1), LOSS, { coefficients: true, weights: executable.vector() }, 'probe')
  expect(await executable.save()).toEqual(before)
  await executable.gradient(feedOf(4, 1), LOSS, { coefficients: true }, 'train')
  const after = await executable.save()
  expect({ ...after, statistics: before.statistics }).toEqual(before)
  expect(after.statistics).not.toEqual(before.statistics)
})

test('the tally covers the steps since it was last taken', async () => {
  const executable = await compiled()
  const { loss } = await executable.gradient(feedOf(4, 1), LOSS, {}, 'probe')
  await executable.step(feedOf(4, 1), LOSS, { ...SGD, learningRate: 0 })
  await executable.step(feedOf(2, 1), LOSS, { ...SGD, learningRate: 0 })
  const small = await executable.gradient(feedOf(2, 1), LOSS, {}, 'probe')
  const tally = await executable.takeTally()
  expect(tally.loss).toBeCloseTo((4 * loss + 2 * small.loss) / 6, 12)
  expect(tally.samples).toBe(6)
  expect((await executable.takeTally()).samples).toBe(0)
})

test('memory does not grow over steps with changing batches and paths', async () => {
  const executable = await compiled()
  const stream = random(5, 'paths')
  const feeds = Array.from({ length: 8 }, (_, i) => feedOf(1 + (i % 4), i))
  const run = async (steps: number) => {
    for (let step = 0; step < steps; step++) {
      const active = Uint8Array.from({ length: network.coefficientCount }, () => stream.integer(2))
      await executable.step({ ...feeds[step % 8], active }, LOSS, SGD)
    }
    return process.memoryUsage().arrayBuffers
  }
  const warm = await run(50)
  expect(await run(200)).toBeLessThanOrEqual(warm + 2 ** 20)
})

describe('weight vectors', () => {
  test('add, scale and multiply as vectors do', async () => {
    const executable = await compiled()
    const [x, y] = [executable.vector(), executable.vector()]
    const values = Float32Array.from({ length: x.length }, (_, i) => Math.fround(Math.sin(i)))
    x.write(values)
    y.assign(x)
    y.axpy(-3, x)
    y.scale(0.5)
    const square = values.reduce((sum, value) => sum + value * value, 0)
    expect((await y.read()).every((value, i) => Math.abs(value + values[i]) < 1e-6)).toBe(true)
    expect(await x.dot(y)).toBeCloseTo(-square, 3)
    expect(await x.norm()).toBeCloseTo(Math.sqrt(square), 4)
  })

  test('start as zeros, even in the slot of a disposed vector', async () => {
    const executable = await compiled()
    const old = executable.vector()
    old.write(new Float32Array(old.length).fill(1))
    old.dispose()
    old.dispose()
    const [a, b] = [executable.vector(), executable.vector()]
    a.write(new Float32Array(a.length).fill(2))
    expect(await b.norm()).toBe(0)
  })

  test('of different networks cannot be combined', async () => {
    const [one, other] = [await compiled(), await compiled()]
    expect(() => one.vector().axpy(1, other.vector())).toThrow(/different networks/)
  })
})

describe('it refuses', () => {
  const bad: readonly (readonly [string, Feed, RegExp])[] = [
    ['a batch larger than compiled for', feedOf(5, 1), /batch of 5 samples; .*compiled for 1 to 4/],
    ['a feed without coefficients', { batch: feedOf(2, 1).batch }, /coefficients has 0 entries/],
    ['active flags of another length', { ...feedOf(2, 1), active: new Uint8Array(3) }, /active has 3 entries/],
    [
      'a label outside the classes',
      { ...feedOf(1, 1), batch: { ...feedOf(1, 1).batch, labels: Int32Array.of(10) } },
      /label 10/,
    ],
  ]
  test.each(bad)('%s', async (_, feed, message) => {
    const executable = await compiled()
    await expect(executable.step(feed, LOSS, SGD)).rejects.toThrow(message)
  })

  test('a network larger than its memory, naming the largest buffer', async () => {
    const builder = new NetworkBuilder({ height: 1024, width: 1024, channels: 64 })
    const features = builder.relu(builder.input)
    const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
    const huge = builder.build({ name: 'huge', heads: [{ logits, lossWeight: 1 }], features })
    await expect(executor.compile(huge, { batchSize: 64 })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/huge: needs .* GB, WebAssembly has 4.00 GB; the largest buffer is .* GB/),
    })
  })
})
