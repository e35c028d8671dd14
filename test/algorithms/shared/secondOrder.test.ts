/** The unrolled gradient on the real search network, in single precision, against PyTorch in double. */
import { afterAll, describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { type ArchitectureStep, firstOrder } from '../../../src/algorithms/shared/bilevel.ts'
import { unrolled } from '../../../src/algorithms/shared/unrolled.ts'
import type { Batch } from '../../../src/core/data.ts'
import type { Matrix } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { searchData } from '../../../src/data/imagesInMemory.ts'
import { openDataset } from '../../../src/data/openDataset.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../../src/training/supernet.ts'
import {
  type GoldenTensor,
  goldenActivation,
  goldenParameter,
  goldenValues,
  readGolden,
  relativeError,
} from '../../fixtures/golden.ts'

interface Case {
  readonly id: string
  readonly C: number
  readonly N: number
  readonly k: number
  readonly classes: number
  readonly input_train: GoldenTensor
  readonly input_val: GoldenTensor
  readonly labels_train: readonly number[]
  readonly labels_val: readonly number[]
  readonly alpha: GoldenTensor
  readonly xi: number
  readonly momentum: number
  readonly weight_decay: number
  readonly loss_val_unrolled: number
  readonly grad_first_order: Matrix
  readonly grad_unrolled_fd: Matrix
  readonly grad_unrolled_exact: Matrix
  readonly params: readonly (GoldenTensor & { readonly buffer_seed: number; readonly buffer_scale: number })[]
}

const { cases } = readGolden<{ cases: readonly Case[] }>('darts_second_order')
const finiteDifference = unrolled({ secondOrder: 'finite-difference' })
const exact = unrolled({ secondOrder: 'exact' })
const executor = await openExecutor({ backend: 'wasm' })
const opened: { dispose(): void }[] = []
afterAll(() => {
  for (const supernet of opened) supernet.dispose()
})

const batchOf = (input: GoldenTensor, labels: readonly number[]): Batch => ({
  images: goldenActivation(input),
  labels: Int32Array.from(labels),
  size: labels.length,
})

async function stepOf(golden: Case, on = executor): Promise<ArchitectureStep> {
  const [, channels, height, width] = golden.input_train.shape
  const network = nb201.supernet({
    shape: { height, width, channels, classes: golden.classes },
    channels: golden.C,
    depth: golden.N,
    partialChannels: golden.k,
    batchNorm: { affine: false, track: false },
  })
  const batchSize = golden.labels_train.length
  const supernet = await createSupernet({ executor: on, network, edges: nb201.edges, batchSize, stream: random(0) })
  opened.push(supernet)
  const byName = new Map(golden.params.map((tensor) => [tensor.name, tensor]))
  const ordered = network.parameters.map(({ name }) => {
    const tensor = byName.get(name)
    if (tensor === undefined) throw new Error(`the golden case has no parameter ${name}`)
    return tensor
  })
  const write = (tensors: readonly GoldenTensor[]) => Float32Array.from(tensors.flatMap((t) => [...goldenParameter(t)]))
  supernet.weights.write(write(ordered))
  supernet.momentum.write(
    write(ordered.map((tensor) => ({ ...tensor, seed: tensor.buffer_seed, offset: 0, scale: tensor.buffer_scale }))),
  )
  const alpha = goldenValues(golden.alpha)
  return {
    supernet,
    relaxation: softmaxRelaxation,
    parameters: nb201.edges.map((_, edge) => Array.from(alpha.slice(5 * edge, 5 * edge + 5))),
    validBatch: batchOf(golden.input_val, golden.labels_val),
    trainBatch: async () => batchOf(golden.input_train, golden.labels_train),
    sgd: {
      learningRate: golden.xi,
      momentum: golden.momentum,
      nesterov: false,
      weightDecay: golden.weight_decay,
      clipNorm: null,
    },
    stream: random(0),
  }
}

describe.each(cases)('the architecture gradient, golden case $id', (golden) => {
  it('agrees in first order', async () => {
    const { parameters } = await firstOrder(await stepOf(golden))
    expect(relativeError(parameters.flat(), golden.grad_first_order.flat())).toBeLessThan(1e-4)
  })

  it('agrees in second order, in its customary finite-difference form, and leaves the weights alone', async () => {
    const step = await stepOf(golden)
    const before = await step.supernet.weights.read()
    const { loss, parameters } = await finiteDifference(step)
    expect(loss).toBeCloseTo(golden.loss_val_unrolled, 4)
    expect(relativeError(parameters.flat(), golden.grad_unrolled_fd.flat())).toBeLessThan(1e-4)
    expect(await step.supernet.weights.read()).toEqual(before)
  })

  it('agrees with double back-propagation in its exact form', async () => {
    const { parameters } = await exact(await stepOf(golden))
    expect(relativeError(parameters.flat(), golden.grad_unrolled_exact.flat())).toBeLessThan(3e-4)
  })

  it('agrees more closely at ten times the default distance, where rounding matters less on these small networks', async () => {
    const { parameters } = await unrolled({ secondOrder: 'exact', distance: 0.01 })(await stepOf(golden))
    expect(relativeError(parameters.flat(), golden.grad_unrolled_exact.flat())).toBeLessThan(1e-4)
  })

  it('takes the paper’s distance for differences across kinks, and a tenth of it in its exact form', async () => {
    const at = async (secondOrder: 'finite-difference' | 'exact', distance: number) =>
      (await unrolled({ secondOrder, distance })(await stepOf(golden))).parameters
    expect((await finiteDifference(await stepOf(golden))).parameters).toEqual(await at('finite-difference', 0.01))
    expect((await exact(await stepOf(golden))).parameters).toEqual(await at('exact', 0.001))
  })
})

/** A search network on images: its curvature along v is another than that of the golden networks' formulas. */
it('in its exact form, errs by rounding alone at its own distance', async () => {
  const shapes = await openDataset('shapes')
  const data = { trainPortion: 0.5, cropPadding: 0, flip: false, cutout: 0, imageSize: 8, limit: 512 }
  const { shape, weights, architecture } = searchData(shapes, { data, batchSize: 64, seed: 0 })
  const network = nb201.supernet({ shape, channels: 4, depth: 1, batchNorm: { affine: false, track: true } })
  const stream = random(0, 'w')
  const supernet = await createSupernet({ executor, network, edges: nb201.edges, batchSize: 64, stream })
  opened.push(supernet)
  const sgd = { learningRate: 0.025, momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: null }
  const step: ArchitectureStep = {
    supernet,
    relaxation: softmaxRelaxation,
    parameters: nb201.edges.map(() => [0, 0.001, 0.002, 0.003, 0.004]),
    validBatch: await architecture.batch(0),
    trainBatch: () => weights.batch(0),
    sgd,
    stream: random(0),
  }
  const at = async (distance?: number) =>
    (await unrolled({ secondOrder: 'exact', ...(distance && { distance }) })(step)).parameters.flat()
  // Without its quadratic error, by Richardson's extrapolation.
  const [near, far] = [await at(0.005), await at(0.01)]
  const limit = near.map((value, i) => (4 * value - far[i]) / 3)
  expect(relativeError(await at(), limit)).toBeLessThan(5e-5)
  expect(relativeError(far, limit)).toBeGreaterThan(1e-4)
})
