/**
 * Tests against `darts_second_order.json`: the unrolled architecture gradient, computed with weight vectors step by
 * step.
 */
import { beforeAll, describe, expect } from 'vitest'
import type { Executable, Executor, Feed } from '../../../src/core/executor.ts'
import {
  flattenMixing,
  type Matrix,
  reshape,
  softmax,
  softmaxGradient,
  unflattenGradient,
  zip,
} from '../../../src/core/mixing.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { type GoldenTensor, goldenValues, goldenWeights, readGolden, toReferenceLayout } from '../../fixtures/golden.ts'
import { expectClose, norm, toleranceOf } from './closeness.ts'
import type { DeclareTest } from './declareTest.ts'
import { batchOf, shapeOf } from './networkCase.ts'

interface Parameter extends GoldenTensor {
  readonly buffer_seed: number
  readonly buffer_scale: number
  readonly w_unrolled_l2: number
  readonly w_unrolled_first3: readonly number[]
  readonly v_l2: number
}

interface SecondOrderCase {
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
  readonly loss_train: number
  readonly loss_val_unrolled: number
  readonly v_norm: number
  readonly R: number
  readonly grad_direct: Matrix
  readonly hessian_vector_fd: Matrix
  readonly grad_unrolled_fd: Matrix
  readonly float32_deviation: { readonly grad_unrolled_fd_rel_l2: number }
  readonly params: readonly Parameter[]
}

export function describeSecondOrder(open: () => Promise<Executor>, check: DeclareTest): void {
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })

  describe('the unrolled architecture gradient of DARTS', () => {
    for (const golden of readGolden<{ cases: readonly SecondOrderCase[] }>('darts_second_order').cases) {
      check(golden.id, async () => checkUnrolled(executor, golden))
    }
  })
}

async function checkUnrolled(executor: Executor, golden: SecondOrderCase): Promise<void> {
  const { C, N, k, xi, params, R, grad_direct, hessian_vector_fd, grad_unrolled_fd } = golden
  const tolerance = toleranceOf(golden.float32_deviation.grad_unrolled_fd_rel_l2)
  const shape = shapeOf({ input: golden.input_train, classes: golden.classes })
  const batchNorm = { affine: false, track: false }
  const network = nb201.supernet({ shape, channels: C, depth: N, partialChannels: k, batchNorm })
  const train = batchOf(golden.input_train, golden.labels_train)
  const valid = batchOf(golden.input_val, golden.labels_val)
  const theta = reshape(Array.from(goldenValues(golden.alpha)), grad_direct).map(softmax)
  const executable = await executor.compile(network, { batchSize: train.size })
  const gradients = (batch: Feed['batch']) => alphaGradient(executable, batch, theta)

  // w′ = w − ξ·(0.9·buffer + ∂L_train/∂w + 3e-4·w)
  const { weights } = executable
  weights.write(goldenWeights(params))
  executable.momentum.write(goldenWeights(params.map(bufferOf)))
  const first = await gradients(train)
  const direction = first.v
  direction.axpy(golden.weight_decay, weights)
  direction.axpy(golden.momentum, executable.momentum)
  const start = executable.vector()
  start.assign(weights)
  weights.axpy(-xi, direction)
  const unrolled = toReferenceLayout(network, await weights.read(), params)

  const direct = await gradients(valid)
  const vNorm = await direct.v.norm()
  const v = toReferenceLayout(network, await direct.v.read(), params)

  // [∂L_train/∂α(w + R·v) − ∂L_train/∂α(w − R·v)] / 2R
  const [plus, minus] = [await displaced(R), await displaced(-R)]
  const product = zip(plus.alpha, minus.alpha, (p, m) => (p - m) / (2 * R))
  executable.dispose()

  expect(Math.abs(first.loss - golden.loss_train)).toBeLessThan(tolerance)
  expect(Math.abs(direct.loss - golden.loss_val_unrolled)).toBeLessThan(tolerance)
  expect(Math.abs(vNorm / golden.v_norm - 1)).toBeLessThan(tolerance)
  params.forEach(({ w_unrolled_l2, w_unrolled_first3, v_l2 }, i) => {
    expect(Math.abs(norm(unrolled[i]) / w_unrolled_l2 - 1)).toBeLessThan(tolerance)
    expectClose(unrolled[i].slice(0, w_unrolled_first3.length), w_unrolled_first3, tolerance)
    expect(Math.abs(norm(v[i]) - v_l2)).toBeLessThan(tolerance * Math.max(v_l2, 1e-3 * golden.v_norm))
  })
  expectClose(direct.alpha.flat(), grad_direct.flat(), tolerance)
  // A difference of nearly equal gradients, divided by 2R: rounding counts for more than in the gradients themselves.
  expectClose(product.flat(), hessian_vector_fd.flat(), 10 * tolerance)
  const total = zip(direct.alpha, product, (d, h) => d - xi * h)
  expectClose(total.flat(), grad_unrolled_fd.flat(), 10 * tolerance)

  async function displaced(offset: number) {
    weights.assign(start)
    weights.axpy(offset, direct.v)
    return gradients(train)
  }
}

const bufferOf = (parameter: Parameter): GoldenTensor => ({
  ...parameter,
  seed: parameter.buffer_seed,
  offset: 0,
  scale: parameter.buffer_scale,
})

/** Returns loss, ∂L/∂α through the softmax, and ∂L/∂w in a new vector. */
async function alphaGradient(executable: Executable, batch: Feed['batch'], theta: Matrix) {
  const v = executable.vector()
  const feed = { batch, coefficients: flattenMixing({ theta }) }
  const wants = { coefficients: true, weights: v }
  const { loss, coefficients = [] } = await executable.gradient(feed, { kind: 'cross-entropy' }, wants, 'probe')
  const gradTheta = unflattenGradient(coefficients, { theta }).theta
  return { loss, v, alpha: theta.map((row, edge) => softmaxGradient(row, gradTheta[edge])) }
}
