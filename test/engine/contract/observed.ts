/** The part of the executors' contract that is about observed activations: their values and their gradients. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Executable, Executor } from '../../../src/core/executor.ts'
import type { Network, ValueId } from '../../../src/core/network.ts'
import { random } from '../../../src/core/random.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'
import { relativeError } from '../../fixtures/golden.ts'
import { randomBatch, shape, smoothNetwork } from './smallNetworks.ts'

const CROSS_ENTROPY = { kind: 'cross-entropy' } as const

/** Returns the ids of the outputs of all convolutions of a network, dense and depthwise, with their filters. */
function convolutionsOf({ layers }: Network): { output: ValueId; input: ValueId; filter: number }[] {
  return layers.flatMap((layer) => (layer.kind === 'conv' || layer.kind === 'depthwiseConv' ? [layer] : []))
}

/** Returns the part of a flat weight vector that belongs to a parameter. */
function partOf({ parameters }: Network, flat: Float32Array, id: number): Float32Array {
  const size = (at: number) => parameters[at].shape.reduce((product, extent) => product * extent, 1)
  let start = 0
  for (let at = 0; at < id; at++) start += size(at)
  return flat.subarray(start, start + size(id))
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0)

const cell = nb201.parse(
  '|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|',
)
const small: Readonly<Record<string, Network>> = {
  'of NAS-Bench-201': nb201.network(cell, { shape, channels: 6, depth: 1 }),
  'of DARTS': darts.network(darts.parse('DARTS_V2'), { shape, channels: 4, depth: 3 }),
}

export function describeObservedActivations(open: () => Promise<Executor>): void {
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })
  async function compile(network: Network): Promise<Executable> {
    const executable = await executor.compile(network, { batchSize: 4 })
    executable.weights.write(initialWeights(network, random(5, 'weights')))
    return executable
  }

  describe('observed activations', () => {
    it.each(Object.entries(small))('have ⟨y, ∂L/∂y⟩ = ⟨w, ∂L/∂w⟩ behind every convolution %s', async (_, network) => {
      const convolutions = convolutionsOf(network)
      const observed = [0, ...convolutions.map(({ output }) => output)]
      const executable = await compile({ ...network, observed })
      const weights = executable.vector()
      const feed = { batch: randomBatch(3, 'observed') }
      // With batch statistics both sides would be 0, because the loss does not depend on the scale of the filter.
      const result = await executable.gradient(feed, CROSS_ENTROPY, { weights, observed: true }, 'eval')
      const [w, g] = [await executable.weights.read(), await weights.read()]
      const ofFilter = (id: number) => dot(partOf(network, w, id), partOf(network, g, id))
      const expected = convolutions.map(({ filter }) => ofFilter(filter))
      const [input, ...outputs] = (result.observed ?? []).map(({ value, gradient }) => dot(value, gradient))
      expect(relativeError(outputs, expected)).toBeLessThan(1e-4)
      // The image is the input of the first convolution alone, which is linear in it, too.
      expect(input).toBeCloseTo(ofFilter(convolutions[0].filter), 4)
      expect(Array.from(result.observed?.[0].value ?? [])).toEqual(Array.from(feed.batch.images))
      executable.dispose()
    })

    it('have the same values in a forward pass, and leave loss and weight gradient as they are', async () => {
      const network = small['of NAS-Bench-201']
      const [plain, observing] = [
        await compile(network),
        await compile({ ...network, observed: convolutionsOf(network).map(({ output }) => output) }),
      ]
      const feed = { batch: randomBatch(4, 'same') }
      const [a, b] = [plain.vector(), observing.vector()]
      const without = await plain.gradient(feed, CROSS_ENTROPY, { weights: a }, 'probe')
      const result = await observing.gradient(feed, CROSS_ENTROPY, { weights: b, observed: true }, 'probe')
      expect(result.loss).toBeCloseTo(without.loss, 5)
      expect(relativeError(await b.read(), await a.read())).toBeLessThan(1e-4)
      const { observed } = await observing.forward(feed, 'probe')
      observed.forEach((value, i) => {
        expect(relativeError(value, result.observed?.[i].value ?? [])).toBeLessThan(1e-6)
      })
      plain.dispose()
      observing.dispose()
    })

    it('have gradients equal to central differences of Σ cotangent·value', async () => {
      const plain = smoothNetwork()
      const [, pooled, features] = [0, convolutionsOf(plain)[1].output, plain.features]
      const network = { ...plain, observed: [0, pooled, features] }
      const executable = await compile(network)
      const coefficients = Float64Array.of(0.3, 0.5, 0.7, 0.2, 0.6, 1.1, 0.9, 0.4)
      const batch = randomBatch(2, 'smooth')
      const stream = random(1, 'cotangents')
      const normals = (id: ValueId) => {
        const { height, width, channels } = network.values[id]
        return Float32Array.from({ length: 2 * height * width * channels }, () => stream.normal())
      }
      const cotangents = [new Float32Array(batch.images.length), normals(pooled), normals(features)]
      const objective = { kind: 'observed', cotangents } as const
      const at = (images: Float32Array) =>
        executable.gradient({ batch: { ...batch, images }, coefficients }, objective, { observed: true }, 'probe')
      const { observed = [], loss } = await at(batch.images)
      expect(loss).toBeCloseTo(dot(cotangents[1], observed[1].value) + dot(cotangents[2], observed[2].value), 2)
      const direction = normals(0)
      const moved = (step: number) => batch.images.map((value, i) => value + step * direction[i])
      const difference = ((await at(moved(0.01))).loss - (await at(moved(-0.01))).loss) / 0.02
      expect(dot(observed[0].gradient, direction)).toBeCloseTo(difference, 1)
      // Nothing reads the features but the classifier, which the objective leaves out.
      expect(relativeError(observed[2].gradient, cotangents[2])).toBeLessThan(1e-6)
      executable.dispose()
    })

    it('cannot be outputs of ReLUs, logits, or values that do not exist or are listed twice', async () => {
      const network = small['of NAS-Bench-201']
      const relu = network.layers.find(({ kind }) => kind === 'relu')?.output ?? 0
      for (const observed of [[relu], [network.heads[0].logits], [network.values.length], [0, 0]]) {
        await expect(executor.compile({ ...network, observed }, { batchSize: 2 })).rejects.toThrow('cannot be observed')
      }
    })
  })
}
