/**
 * Tests the static executor on WebGPU: the contract of all executors, the golden figures, agreement with the reference,
 * and what only WebGPU has. They are in one file because every test process compiles the kernels anew.
 *
 * On a GPU all cases run. On an emulated GPU a few fast cases of each kind run, or nearly all in `npm run test:full`.
 */
import { afterAll, describe, expect, it } from 'vitest'
import type { Executable, Executor, Feed, Mode, SgdStep } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { random } from '../../../src/core/random.ts'
import { openTfjsExecutor } from '../../../src/engine/tfjs/index.ts'
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { Device } from '../../../src/engine/webgpu/device/device.ts'
import { describeGpu } from '../../../src/engine/webgpu/device/gpu.ts'
import { openWebgpuExecutor } from '../../../src/engine/webgpu/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'
import { relativeError } from '../../fixtures/golden.ts'
import { full, someOf } from '../../support/full.ts'
import { describeAgreement } from '../agreement/index.ts'
import { feedFor, run } from '../agreement/run.ts'
import { describeExecutorContract } from '../contract/index.ts'
import { describeObservedActivations } from '../contract/observed.ts'
import { randomBatch, readout, shape } from '../contract/smallNetworks.ts'
import { underMasksOfPaths } from '../frozenPaths.ts'
import type { DeclareTest } from '../golden/declareTest.ts'
import { describeGoldenCases } from '../golden/index.ts'
import { branching, branchingFeed, differentiateOn } from './branches.ts'

const gpu = await describeGpu()
if (gpu === undefined) console.warn('skipped: WebGPU finds no adapter; docs/backends.md says how to emulate one')

/** Names of the cases of the shared suites that run on an emulated GPU: at least one of each kind. */
const QUICK = [
  /^(counts labels|weights batches|moves running|multiplies each sample|are a vector)/,
  /^(makes every later call|that do not fit the network)/,
  /^(conv3x3|dil-depthwise5-s1|avg_pool_3x3-s2|max_pool_3x3-s1|bn-affine|factorized|sep_conv|channel|global|ce)/,
  /^nb201 (c4-k1-8x8|\|nor_conv_3x3~0\|\+\|none)/,
  /^(c4-no-buffers|sgd-nesterov|sgd-clipped)/,
  /^network of noise/,
  /^random network [01]:/,
  /^network of large windows, dilated and strided unevenly: (loss|with running|the gradient)/,
  /^nb201 search network with tracked, affine normalisation on narrow images: (at a batch|where)/,
]

/**
 * Names of cases that an emulated GPU leaves out even in full: they run the kernels of another case on other cells, at
 * another size or with other numbers, and take 10 to 20 seconds each there.
 */
const ON_REAL_GPUS = [
  /^DARTS cifar (DARTS_V1|DARTS_V2|PC_DARTS_cifar|DrNAS_cifar10) of 4 cells$/,
  /^DARTS cifar MIX_A/,
  /^darts-c4-l(5|3-small-alpha)$/,
  /^DARTS search network: loss/,
  /^c4-16x16-large-xi$/,
  /^random network [2-5]\d:/,
]

const LOSS = { kind: 'cross-entropy' } as const
const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 3e-4, clipNorm: 5 }

describe.runIf(gpu !== undefined)('the static executor on WebGPU', { timeout: 120_000 }, () => {
  let shared: Promise<Device> | undefined
  const device = () => {
    shared ??= Device.open()
    return shared
  }
  const open = async (): Promise<Executor> => openWebgpuExecutor({ device: await device() })
  afterAll(async () => (await shared)?.gpu.destroy())

  const names: string[] = []
  const check: DeclareTest = (name, body) => {
    names.push(name)
    const isOneOf = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(name))
    it.runIf(gpu?.isSoftware === false || (full ? !isOneOf(ON_REAL_GPUS) : isOneOf(QUICK)))(name, body)
  }
  describeExecutorContract(open, check)
  if (gpu?.isSoftware === false || full) describeObservedActivations(open)
  describeGoldenCases(open, check)
  describeAgreement(open, check)

  it('finds a case for each pattern that chooses those of an emulated GPU', () => {
    for (const pattern of [...QUICK, ...ON_REAL_GPUS])
      expect(
        names.some((name) => pattern.test(name)),
        String(pattern),
      ).toBe(true)
  })

  const small = async (executor: Executor, seed = 1): Promise<Executable> => {
    const executable = await executor.compile(maskedNetwork(), { batchSize: 4 })
    executable.weights.write(initialWeights(executable.network, random(seed, 'weights')))
    return executable
  }
  const feedOf = (index: number, size = 4): Feed => ({ batch: randomBatch(size, 'batch', index) })

  it('gives networks that train in turn the same bits as a network that trains alone', async () => {
    const executor = await open()
    const alone = await small(executor, 1)
    for (const index of [0, 1]) await alone.step(feedOf(index), LOSS, SGD)
    const expected = await alone.save()
    alone.dispose()
    const [first, second] = [await small(executor, 1), await small(executor, 2)]
    for (const index of [0, 1]) {
      await Promise.all([first.step(feedOf(index), LOSS, SGD), second.step(feedOf(index + 2), LOSS, SGD)])
    }
    expect(await first.save()).toEqual(expected)
    first.dispose()
    second.dispose()
  })

  describe('runs branches side by side with the results of the static executor on WebAssembly', () => {
    const network = branching()
    const agree = async (executor: Executor, feed: Feed, mode: Mode) => {
      const found = await differentiateOn(executor, network, feed, mode)
      const expected = await differentiateOn(await openStaticExecutor(), network, feed, mode)
      expect(found.loss).toBeCloseTo(expected.loss, 4)
      for (const part of ['coefficients', 'gradient', 'statistics'] as const) {
        expect(relativeError(found[part] ?? [], expected[part] ?? []), part).toBeLessThan(1e-4)
      }
    }
    const paths: readonly (readonly [string, (coefficient: number) => boolean])[] = [
      ['with all paths on', () => true],
      ['with every other path off', (coefficient) => coefficient % 2 === 1],
      ['with every third path off', (coefficient) => coefficient % 3 > 0],
      ['with one of the paths that run side by side on', (coefficient) => coefficient === 1 || coefficient > 12],
      ['with none of the paths that run side by side on', (coefficient) => coefficient === 5 || coefficient > 12],
    ]
    for (const [name, isActive] of gpu?.isSoftware === false ? paths : someOf(paths, 3)) {
      it(name, async () => agree(await open(), branchingFeed(network, 5, isActive), 'train'))
    }
    it('with a smaller batch and running statistics', async () => {
      await agree(
        await open(),
        branchingFeed(network, 3, () => true),
        'eval',
      )
    })
    it.runIf(gpu?.isSoftware === false || full)('on a device with the limits that every device promises', async () => {
      const least = await Device.open('promised')
      expect(least.bindings).toBe(8)
      await agree(
        await openWebgpuExecutor({ device: least }),
        branchingFeed(network, 5, () => true),
        'train',
      )
      least.gpu.destroy()
    })
  })

  it('adds up partial sums of many workgroups over many pixels', async () => {
    const builder = new NetworkBuilder({ height: 32, width: 32, channels: 3 })
    const dense = builder.conv(builder.input, 5, { kernel: 3, padding: 1 }, 'dense')
    const depthwise = builder.depthwiseConv(builder.relu(dense), { kernel: 3, padding: 1 }, 'depthwise')
    const features = builder.batchNorm(depthwise, { affine: true, track: false }, 'norm')
    const logits = builder.linear(builder.globalMean(builder.relu(features)), shape.classes, 'classifier')
    const network = builder.build({ name: 'wide', heads: [{ logits, lossWeight: 1 }], features })
    const { labels } = randomBatch(8, 'wide')
    const images = Float32Array.from({ length: 8 * 32 * 32 * 3 }, (_, i) => 3 + Math.sin(i * i))
    const gradientOn = async (executor: Executor) => {
      const executable = await executor.compile(network, { batchSize: 8 })
      executable.weights.write(initialWeights(network, random(5, 'weights')))
      const weights = executable.vector()
      await executable.gradient({ batch: { images, labels, size: 8 } }, LOSS, { weights }, 'train')
      const gradient = await weights.read()
      executable.dispose()
      return gradient
    }
    const [found, expected] = [await gradientOn(await open()), await gradientOn(await openStaticExecutor())]
    expect(relativeError(found, expected)).toBeLessThan(1e-4)
  })

  it.runIf(gpu?.isSoftware === false || full)(
    'computes convolutions whose numbers of channels are no powers of two',
    async () => {
      const builder = new NetworkBuilder({ height: 9, width: 9, channels: 3 })
      const norm = { affine: true, track: false }
      const normalised = [36, 48, 72, 20, 40].reduce((x, channels, i) => {
        const kernel = i === 1 ? 3 : 1
        const wide = builder.conv(builder.relu(x), channels, { kernel, padding: (kernel - 1) / 2 }, `conv${i}`)
        return builder.batchNorm(wide, norm, `norm${i}`)
      }, builder.input)
      const logits = builder.linear(builder.globalMean(normalised), shape.classes, 'classifier')
      const network = builder.build({ name: 'widths', heads: [{ logits, lossWeight: 1 }], features: normalised })
      const request = { feed: feedFor(network, 5), batchSize: 6 }
      const [found, expected] = [
        await run(await open(), network, request),
        await run(await openStaticExecutor(), network, request),
      ]
      for (const part of ['logits', 'features', 'gradient', 'weights'] as const) {
        expect(relativeError(found[part], expected[part]), part).toBeLessThan(1e-4)
      }
    },
  )

  it('sums tallies of more batches than the ring on the device can hold', async () => {
    const { network, weights } = readout(7)
    const executable = await (await open()).compile(network, { batchSize: 1 })
    executable.weights.write(weights)
    const feeds = Array.from({ length: 300 }, (_, i) => ({
      batch: {
        images: Float32Array.from({ length: 7 }, (_, at) => (at === i % 7 ? 1 : 0)),
        labels: Int32Array.of(0),
        size: 1,
      },
    }))
    expect(await executable.evaluate(feeds, 'eval')).toMatchObject({ correct: 43, samples: 300 })
    executable.dispose()
  })

  it('freezes activations like the reference, after the weights changed and other masks were recorded', async () => {
    const frozenGradient = async (executor: Executor) => {
      const executable = await executor.compile(maskedNetwork(), { batchSize: 4 })
      executable.weights.write(initialWeights(executable.network, random(3, 'weights')))
      const [activationMasks, others] = [0, 1].map((index) =>
        executable.activationMasks?.({ batch: randomBatch(4, 'gates', index) }),
      )
      executable.weights.scale(-1.3)
      const weights = executable.vector()
      const feed = { batch: randomBatch(4, 'gates', 0), activationMasks }
      const { loss } = await executable.gradient(feed, LOSS, { weights }, 'probe')
      const live = await executable.gradient({ batch: feed.batch }, LOSS, {}, 'probe')
      const gradient = await weights.read()
      for (const each of [activationMasks, others]) each?.dispose()
      executable.dispose()
      return { loss, live: live.loss, gradient }
    }
    const [found, expected] = [await frozenGradient(await open()), await frozenGradient(await openTfjsExecutor('wasm'))]
    expect(found.loss).toBeCloseTo(expected.loss, 5)
    expect(found.live).toBeCloseTo(expected.live, 5)
    expect(Math.abs(found.live - found.loss)).toBeGreaterThan(0.01)
    expect(relativeError(found.gradient, expected.gradient)).toBeLessThan(1e-4)
  })

  it.runIf(gpu?.isSoftware === false || full)(
    'records the masks of switched-off paths as if their weights were 0',
    async () => {
      const { whereOff, whereZero } = await underMasksOfPaths(await open())
      expect(whereOff).toEqual(whereZero)
    },
  )

  it('refuses activation masks of another executable or batch size, and disposed ones', async () => {
    const executor = await open()
    const [one, other] = [await small(executor), await small(executor)]
    const activationMasks = one.activationMasks?.(feedOf(0))
    const use = (executable: Executable, size = 4) =>
      executable.gradient({ ...feedOf(0, size), activationMasks }, LOSS, {}, 'probe')
    await expect(use(other)).rejects.toThrow('activation masks of another executable, or disposed of')
    await expect(use(one, 2)).rejects.toThrow('activation masks of 4 samples do not fit a batch of 2')
    activationMasks?.dispose()
    await expect(use(one)).rejects.toThrow('activation masks of another executable, or disposed of')
    one.dispose()
    other.dispose()
  })

  it('refuses to compile a network with a buffer larger than the device allows, and names the buffer', async () => {
    const builder = new NetworkBuilder({ height: 4096, width: 4096, channels: 64 })
    const features = builder.relu(builder.input)
    const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
    const huge = builder.build({ name: 'huge', heads: [{ logits, lossWeight: 1 }], features })
    await expect((await open()).compile(huge, { batchSize: 64 })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /^huge: .* needs a buffer of 262144 MB, but .* allows \d+ MB; use a smaller batch$/,
      ),
    })
  })

  it('fails with one clear error after the GPU is lost, and restores the saved state on another device', async () => {
    const lost = await Device.open()
    const executable = await small(await openWebgpuExecutor({ device: lost }))
    await executable.step(feedOf(0), LOSS, SGD)
    const saved = await executable.save()
    const running = executable.gradient(feedOf(1), LOSS, {}, 'train')
    lost.gpu.destroy()
    const failure = { code: 'failed', message: expect.stringMatching(/^the GPU was lost \(.*last checkpoint$/) }
    await expect(running).rejects.toMatchObject(failure)
    await expect(executable.step(feedOf(1), LOSS, SGD)).rejects.toMatchObject(failure)
    await expect(executable.save()).rejects.toMatchObject(failure)
    const elsewhere = await small(await open())
    elsewhere.restore(saved)
    expect(await elsewhere.save()).toEqual(saved)
    elsewhere.dispose()
  })
})

/** A network with a ReLU and a max pooling, whose activation masks can be frozen. */
function maskedNetwork(): Network {
  const builder = new NetworkBuilder(shape)
  const convolved = builder.relu(builder.conv(builder.input, 4, { kernel: 3, padding: 1 }, 'first'))
  const features = builder.pool('maxPool', builder.conv(convolved, 6, { kernel: 1 }, 'second'), {
    kernel: 3,
    stride: 2,
  })
  const logits = builder.linear(builder.globalMean(features), shape.classes, 'classifier')
  return builder.build({ name: 'masked', heads: [{ logits, lossWeight: 1 }], features })
}
