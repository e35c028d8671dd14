/**
 * ProxylessNAS (Cai, Zhu, Han: "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR
 * 2019): its gradient-based search, on the spaces of this program. Every pass computes sampled paths only.
 *
 * - A weight step trains one operation on each edge, drawn from p = softmax(α).
 * - An architecture step draws two operations on each edge by p without replacement, and one of the two by their
 *   p renormalised, whose gate g is 1; the other is computed with the gate 0. Their α descend
 *   ∂L/∂α_i = Σ_j ∂L/∂g_j · p_j (δ_ij − p_i) over the two, p renormalised (eq. 4); then both are shifted alike, so that
 *   their probability mass is what it was. All other α of the edge stay (§3.2.1), under every setting of Adam; in the
 *   authors' code they stay because its Adam has β₁ = 0 and no decay. An edge whose gate is on `none` takes no step at
 *   all, so that its moments stay, too (`mit-han-lab/proxylessnas`: search/modules/mix_op.py, mode `two`).
 *
 * α is stepped after every fifth weight step, and not in the first quarter of the epochs (40 + 120 in that code). The
 * latency term and label smoothing are left out, and one cosine goes over all epochs, not one for the warm-up alone.
 * Algorithm files have at most 120 lines; this one is longer because of the two sampled paths and the shift of their α.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { type Matrix, onlyOnes, type Relaxation, softmax } from '../core/mixing.ts'
import { pluralize } from '../core/plainText.ts'
import type { RandomStream } from '../core/random.ts'
import type { Edge } from '../core/space.ts'
import { categorical, sampleOneHot, softmaxRelaxation } from './distributions/categorical.ts'
import { type AdamState, adam, adamStart, clipped } from './shared/adam.ts'
import { bilevelSearch, checkWarmup, initialParameters, type ParameterUpdate } from './shared/bilevel.ts'
import { count, optionalCount } from './shared/options.ts'

/** The two operations that an architecture step computes on an edge. */
export interface Pair {
  /** Index of the operation whose gate is 1: its output is that of the edge. */
  readonly on: number
  /** Index of the operation whose gate is 0: it is computed only for the gradient. */
  readonly off: number
  /** Probabilities of the two operations, that of `on` first; they sum to 1. */
  readonly p: readonly [number, number]
}

const isNone = ({ operations }: Edge, op: number) => operations[op] === 'none'

/** Draws two operations of each edge, and which of them is on. */
export const drawPairs = (alpha: Matrix, stream: RandomStream): Pair[] =>
  alpha.map((row) => {
    const p = softmax(row)
    const first = categorical(p, stream)
    const rest = p.map((value, op) => (op === first ? 0 : value))
    const left = rest.reduce((sum, value) => sum + value, 0)
    const others = rest.map((value) => value / left)
    const second = categorical(others, stream)
    const [a, b] = softmax([row[first], row[second]])
    return stream.uniform() < a ? { on: first, off: second, p: [a, b] } : { on: second, off: first, p: [b, a] }
  })

/**
 * The relaxation of ProxylessNAS' architecture steps: on each edge two operations are computed, one of them with gate
 * 1.
 */
export const pairedGates = (edges: readonly Edge[]): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const pairs = drawPairs(alpha, stream)
    const theta = alpha.map((row, edge) => row.map((_, op) => Number(op === pairs[edge].on)))
    const active = alpha.map((row, edge) => row.map((_, op) => op === pairs[edge].on || op === pairs[edge].off))
    return {
      mixing: { theta, active },
      pullback: ({ theta: slopes }) =>
        alpha.map((row, edge) => {
          const { on, off, p } = pairs[edge]
          const slope = isNone(edges[edge], on) ? 0 : p[0] * p[1] * (slopes[edge][on] - slopes[edge][off])
          return row.map((_, op) => (op === on ? slope : op === off ? -slope : 0))
        }),
    }
  },
})

/**
 * ProxylessNAS' update: a step of Adam on the two sampled α of each edge, which are then shifted to keep their mass
 * Σ exp(α); all other α stay. Its state has Adam's moments of each edge, which stay where the gate is on `none`.
 */
export const updatePairs = (edges: readonly Edge[]): ParameterUpdate<readonly AdamState[]> => ({
  start: (alpha) => alpha.map((row) => adamStart([row])),
  step(alpha, gradient, states, { settings: { clipNorm, ...settings }, stream }) {
    const pairs = drawPairs(alpha, stream())
    const slopes = clipped(gradient, clipNorm)
    const stepped = alpha.map((row, edge) => {
      const { on, off } = pairs[edge]
      if (isNone(edges[edge], on)) return { row, state: states[edge] }
      const moved = adam([row], [slopes[edge]], states[edge], settings)
      const [next] = moved.parameters
      const mass = (of: readonly number[]) => Math.exp(of[on]) + Math.exp(of[off])
      const offset = Math.log(mass(next) / mass(row))
      return { row: row.map((a, op) => (op === on || op === off ? next[op] - offset : a)), state: moved.state }
    })
    return { parameters: stepped.map(({ row }) => row), state: stepped.map(({ state }) => state) }
  },
})

/** Returns the number of epochs before the architecture moves, if the user gives none: a quarter of all. */
const usualWarmup = (epochs: number): number => Math.floor(epochs / 4)

/** The algorithm `proxylessnas`: one sampled path for the weights, two for the architecture. */
export const proxylessNas = defineAlgorithm({
  name: 'proxylessnas',
  version: 2,
  description: 'One sampled operation an edge for the weights; two compared with binary gates for the architecture',
  source: 'Cai et al., "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019',
  look: { colour: 'sky', dash: 'longDashed', marker: 'crossRot' },
  kind: 'supernet',
  options: z.strictObject({
    every: count(5, 'weight steps per architecture step (grad_update_arch_param_every)'),
    warmup: optionalCount('epochs before the architecture moves; default: a quarter of all (40 of 160)', 0),
  }),
  check({ protocol: { epochs }, mostSteps }, { every, warmup = usualWarmup(epochs) }) {
    checkWarmup('proxylessnas', warmup, epochs)
    if (mostSteps === undefined) return
    if (Math.floor((epochs * mostSteps) / every) > Math.floor((warmup * mostSteps) / every)) return
    const all = pluralize(epochs * mostSteps, 'weight step')
    const warm = warmup === 0 ? '' : `, of which the warm-up has ${warmup * mostSteps}`
    const found = `every=${every} leaves no architecture step among the ${all}${warm}`
    throw new BenchError('bad-input', `proxylessnas: ${found}; give a smaller every, or more epochs or images`)
  },
  search(context, { every, warmup = usualWarmup(context.protocol.epochs) }) {
    const { space } = context
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => pairedGates(space.edges),
      update: updatePairs(space.edges),
      architectureFrom: warmup,
      architectureEvery: every,
      weightMixing: (stream, alpha) => onlyOnes(sampleOneHot(alpha, stream)),
    })
  },
})
