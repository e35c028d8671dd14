/** Tests against `nb201_supernet.json` and `darts_supernet.json`: loss, logits and all gradients of search networks. */
import { beforeAll, describe, expect } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import {
  flattenMixing,
  type Matrix,
  type Mixing,
  reshape,
  softmax,
  softmaxGradient,
  unflattenGradient,
} from '../../../src/core/mixing.ts'
import type { Network } from '../../../src/core/network.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import {
  fromColumns,
  type GoldenParameter,
  type GoldenTensor,
  goldenValues,
  goldenWeights,
  readGolden,
} from '../../fixtures/golden.ts'
import { expectClose, toleranceOf } from './closeness.ts'
import type { DeclareTest } from './declareTest.ts'
import { batchOf, expectLogits, expectParameterGradients, type NetworkCase, shapeOf } from './networkCase.ts'

interface Nb201Case extends NetworkCase {
  readonly id: string
  readonly C: number
  readonly N: number
  readonly k: number
  readonly alpha: GoldenTensor
  readonly loss: number
  readonly grad_mixing_weights: Matrix
  readonly grad_alpha: Matrix
  readonly float32_deviation: { readonly worst_param_grad_rel_l2: number }
  readonly params: readonly GoldenParameter[]
}

interface DartsCase extends NetworkCase {
  readonly id: string
  readonly C: number
  readonly layers: number
  readonly K: number
  readonly edge_normalisation: boolean
  readonly alpha_normal: GoldenTensor
  readonly alpha_reduce: GoldenTensor
  readonly loss: number
  readonly grad_weights_normal: Matrix
  readonly grad_weights_reduce: Matrix
  readonly grad_alpha_normal: Matrix
  readonly grad_alpha_reduce: Matrix
  readonly edge_weights_normal?: readonly number[]
  readonly edge_weights_reduce?: readonly number[]
  readonly grad_edge_weights_normal?: readonly number[]
  readonly grad_edge_weights_reduce?: readonly number[]
  readonly params_columns: readonly string[]
  readonly params: readonly (readonly unknown[])[]
}

/** A search network with its reference numbers. */
interface SearchCase extends NetworkCase {
  readonly network: Network
  readonly mixing: Mixing
  readonly parameters: readonly GoldenParameter[]
  readonly loss: number
  readonly gradTheta: Matrix
  readonly gradAlpha: Matrix
  readonly gradEdgeWeights?: readonly number[]
  readonly tolerance: number
}

const frozen = { affine: false, track: false }

export function describeSearchNetworks(open: () => Promise<Executor>, check: DeclareTest): void {
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })

  describe('search networks: loss, logits, gradients wrt the mixing, alpha and every parameter', () => {
    for (const golden of readGolden<{ cases: readonly Nb201Case[] }>('nb201_supernet').cases) {
      check(`nb201 ${golden.id}`, async () => checkSearchNetwork(executor, nb201Case(golden)))
    }
    for (const golden of readGolden<{ cases: readonly DartsCase[] }>('darts_supernet').cases) {
      check(golden.id, async () => checkSearchNetwork(executor, dartsCase(golden)))
    }
  })
}

function nb201Case(golden: Nb201Case): SearchCase {
  const { C, N, k, alpha, params, grad_mixing_weights, grad_alpha, float32_deviation } = golden
  const options = { shape: shapeOf(golden), channels: C, depth: N, partialChannels: k, batchNorm: frozen }
  return {
    ...golden,
    network: nb201.supernet(options),
    mixing: { theta: thetaOf(alpha, grad_alpha) },
    parameters: params,
    gradTheta: grad_mixing_weights,
    gradAlpha: grad_alpha,
    tolerance: toleranceOf(float32_deviation.worst_param_grad_rel_l2),
  }
}

function dartsCase(golden: DartsCase): SearchCase {
  const { C, layers, K, edge_normalisation, alpha_normal, alpha_reduce } = golden
  const options = {
    shape: shapeOf(golden),
    channels: C,
    depth: layers,
    partialChannels: K,
    edgeNormalisation: edge_normalisation,
    batchNorm: frozen,
  }
  const both = <T>(normal: readonly T[] = [], reduce: readonly T[] = []) => [...normal, ...reduce]
  const edgeWeights = both(golden.edge_weights_normal, golden.edge_weights_reduce)
  return {
    ...golden,
    network: darts.supernet(options),
    mixing: {
      theta: both(thetaOf(alpha_normal, golden.grad_alpha_normal), thetaOf(alpha_reduce, golden.grad_alpha_reduce)),
      ...(edge_normalisation && { edgeWeights }),
    },
    parameters: fromColumns<GoldenParameter>(golden.params_columns, golden.params),
    gradTheta: both(golden.grad_weights_normal, golden.grad_weights_reduce),
    gradAlpha: both(golden.grad_alpha_normal, golden.grad_alpha_reduce),
    ...(edge_normalisation && {
      gradEdgeWeights: both(golden.grad_edge_weights_normal, golden.grad_edge_weights_reduce),
    }),
    tolerance: toleranceOf(0),
  }
}

const thetaOf = (alpha: GoldenTensor, shape: Matrix): Matrix =>
  reshape(Array.from(goldenValues(alpha)), shape).map(softmax)

async function checkSearchNetwork(executor: Executor, golden: SearchCase): Promise<void> {
  const { network, mixing, parameters, tolerance } = golden
  expect(network.parameters.map(({ name }) => name)).toEqual(parameters.map(({ name }) => name))
  const batch = batchOf(golden.input, golden.labels)
  const executable = await executor.compile(network, { batchSize: batch.size })
  executable.weights.write(goldenWeights(parameters))
  const feed = { batch, coefficients: flattenMixing(mixing) }
  await expectLogits(executable, feed, golden, tolerance)

  const weights = executable.vector()
  const wants = { coefficients: true, weights }
  const { loss, coefficients = [] } = await executable.gradient(feed, { kind: 'cross-entropy' }, wants, 'train')
  const gradient = unflattenGradient(coefficients, mixing)
  const values = await weights.read()
  executable.dispose()

  expect(Math.abs(loss - golden.loss)).toBeLessThan(tolerance)
  expectClose(gradient.theta.flat(), golden.gradTheta.flat(), tolerance)
  const gradAlpha = mixing.theta.map((row, edge) => softmaxGradient(row, gradient.theta[edge]))
  expectClose(gradAlpha.flat(), golden.gradAlpha.flat(), tolerance)
  if (golden.gradEdgeWeights) expectClose(gradient.edgeWeights, golden.gradEdgeWeights, tolerance)
  expectParameterGradients(network, values, parameters, tolerance)
}
