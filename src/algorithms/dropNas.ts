/**
 * DropNAS (Hong, Li, Zhang, Tang, Wang, Li, Yu: "DropNAS: Grouped Operation Dropout for Differentiable Architecture
 * Search", IJCAI 2020). One-level DARTS: w and α descend the loss of the same batch, of all training images. Every
 * operation of an edge is dropped from a step with probability r^(1/4). Operations with weights and operations without
 * form two groups; if all operations of a group are dropped, the group is drawn again. The kept operations are mixed by
 * the softmax of their α (§3.2-3.3).
 *
 * - *α-adjust*: after a step the kept α are shifted so that their share of the softmax over all operations is what it
 *   was, because only they were trained (§3.4).
 * - *Partial decay*: only α and tensors of w with a gradient decay, by a second step of Adam and of SGD, clipped
 *   separately, along 2λα and 2λw (§3.5; `wiljohnhong/DropNAS`: search.py and search_cnn.py, whose λ‖w‖² has this
 *   gradient).
 *
 * Both gradients come from one pass. Weights and α of dropped operations still move by momentum, as in that code. The
 * exponent 1/4 is kept in groups of another size, so that the probability is that of the paper. Algorithm files have at
 * most 120 lines; this one is longer because of the draws, two updates and the adjustment.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { Tally, WeightVector } from '../core/executor.ts'
import { type Matrix, map, type Relaxation } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Edge } from '../core/space.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { type AdamState, adam, adamStart } from './shared/adam.ts'
import {
  bilevelSearch,
  idleHalves,
  initialParameters,
  type ParameterUpdate,
  type WeightStep,
} from './shared/bilevel.ts'
import { decay } from './shared/options.ts'
import { type Mask, maskedSoftmax } from './shared/pruning.ts'
import { clearGroups, descend, parameterTensors } from './shared/weightSteps.ts'

/** Draws which operations of each edge a step keeps: each with probability 1 − r^(1/4), at least one of each group. */
export function drawKept(edges: readonly Edge[], rate: number, stream: RandomStream): Mask {
  const dropped = Math.sqrt(Math.sqrt(rate))
  return edges.map(({ operations }) => {
    const kept = operations.map(() => false)
    for (const withWeights of [true, false]) {
      const group = [...operations.keys()].filter((op) => operations[op].includes('conv') === withWeights)
      while (group.length > 0 && group.every((op) => !kept[op])) {
        for (const op of group) kept[op] = stream.uniform() >= dropped
      }
    }
    return kept
  })
}

/**
 * DropNAS' relaxation: the softmax over the kept operations of each edge; dropped operations are not computed. Without
 * a random stream, all operations are kept.
 */
export const groupedDropout = (edges: readonly Edge[], rate: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    const relaxation = stream === undefined ? softmaxRelaxation : maskedSoftmax(drawKept(edges, rate, stream))
    return relaxation.relax(alpha)
  },
})

/** Shifts the kept α of each edge so that their share of the softmax over all operations is that of `before`. */
export function adjusted(alpha: Matrix, before: Matrix, kept: Mask): Matrix {
  return alpha.map((row, edge) => {
    if (kept[edge].every(Boolean)) return row
    const sum = (of: readonly number[], whether: boolean) =>
      of.reduce((total, a, op) => (kept[edge][op] === whether ? total + Math.exp(a) : total), 0)
    const odds = sum(before[edge], true) / sum(before[edge], false)
    const shift = Math.log((odds * sum(row, false)) / sum(row, true))
    return row.map((a, op) => (kept[edge][op] ? a + shift : a))
  })
}

/**
 * DropNAS' update of α: an Adam step along the gradient, an Adam step along the weight decay of those α that had a
 * gradient, then `adjusted`.
 */
export const updateKept = (edges: readonly Edge[], rate: number): ParameterUpdate<AdamState> => ({
  start: adamStart,
  step(alpha, gradient, state, { settings, stream }) {
    const plain = { ...settings, weightDecay: 0 }
    const first = adam(alpha, gradient, state, plain)
    const decay = map(first.parameters, (a, edge, op) =>
      Math.abs(gradient[edge][op]) > 1e-7 ? 2 * settings.weightDecay * a : 0,
    )
    const second = adam(first.parameters, decay, first.state, plain)
    return { parameters: adjusted(second.parameters, alpha, drawKept(edges, rate, stream())), state: second.state }
  },
})

/** Takes DropNAS' two steps on the network weights: along the loss' gradient, then along the partial decay. */
async function stepWithPartialDecay({ supernet, sgd }: WeightStep, gradient: WeightVector): Promise<void> {
  const values = await gradient.read()
  const unused = parameterTensors(supernet.executable.network).filter(({ from, size }) =>
    values.subarray(from, from + size).every((value) => value === 0),
  )
  const plain = { ...sgd, weightDecay: 0 }
  await descend(supernet, gradient, plain)
  gradient.assign(supernet.weights)
  gradient.scale(2 * sgd.weightDecay)
  await clearGroups(gradient, [{ name: 'without a gradient', tensors: unused }])
  await descend(supernet, gradient, plain)
}

/** The algorithm `dropnas`: one-level DARTS with grouped operation dropout. */
export const dropNas = defineAlgorithm({
  name: 'dropnas',
  version: 1,
  description: 'One-level DARTS on all images, with operations dropped at random in two groups',
  source: 'Hong et al., "DropNAS: Grouped Operation Dropout for Differentiable Architecture Search", IJCAI 2020',
  look: { colour: 'olive', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  options: z.strictObject({
    rate: decay(3e-5, 'r: an operation is dropped with probability r^(1/4), here 7 % (config.py, drop_rate)'),
  }),
  idle: { stepOrder: 'both gradients are taken at the same weights' },
  idleUnder: (_, protocol) => idleHalves(protocol),
  search(context, { rate }) {
    const { edges } = context.space
    let joint: { readonly weights: WeightVector; readonly tally: Tally } | undefined
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => groupedDropout(edges, rate),
      ...{ singleLevel: true, images: 'whole', stepOrder: 'architecture-first' },
      async gradient({ supernet, relaxation, parameters, validBatch, stream }) {
        const { mixing, pullback } = relaxation.relax(parameters, stream)
        const weights = supernet.vector()
        const { mixing: gradient, ...tally } = await supernet.gradient(validBatch, mixing, { weights })
        joint = { weights, tally }
        return { ...tally, parameters: pullback(gradient) }
      },
      update: updateKept(edges, rate),
      async weightStep(step) {
        if (joint === undefined) throw new TypeError('DropNAS steps on w after the gradient of the same batch')
        const { weights, tally } = joint
        await stepWithPartialDecay(step, weights)
        weights.dispose()
        return tally
      },
    })
  },
})
