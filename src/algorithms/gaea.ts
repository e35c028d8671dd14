/**
 * GAEA (Li, Khodak, Balcan, Talwalkar: "Geometry-Aware Gradient Algorithms for Neural Architecture Search", ICLR 2021).
 * The mixing weights θ themselves are learnt, on the simplex of each edge, by exponentiated gradient steps:
 *
 *     θ ← θ ⊙ exp(−η ∇_θ L),   θ ← max(θ, 1e-5),   θ ← θ / Σ θ                                    (algorithm 1, §4)
 *
 * θ starts uniform. `level=bilevel` takes the gradient on the architecture half; `level=single` (ERM in the paper)
 * takes both steps on all training images, each on a batch of its own. With `k=4` and `edgeWeights=true` this is GAEA
 * PC-DARTS: partial channels, and the weights of the edges into a node are learnt in the same way, from 1/inputs and
 * without the lower bound (`liamcli/gaea_release`: architect_edarts.py). The option `rate` is the paper's η; Adam's
 * settings are not used. GAEA GDAS is left out.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { Matrix, Relaxation } from '../core/mixing.ts'
import type { Edge } from '../core/space.ts'
import { incomingEdges, weightOfEach } from './pcDarts.ts'
import { bilevelSearch, idleHalves, type ParameterUpdate } from './shared/bilevel.ts'
import { choice, count, dependentOptions, flag, number } from './shared/options.ts'

/** Lower bound of a mixing weight before normalisation (architect_edarts.py, `normalize`). */
const SMALLEST = 1e-5

/** Divides a row of weights by its sum. */
const normalised = (row: readonly number[]): number[] => {
  const sum = row.reduce((total, value) => total + value, 0)
  return row.map((value) => value / sum)
}

const uniform = (count: number): number[] => Array.from({ length: count }, () => 1 / count)

/**
 * GAEA's update: an exponentiated gradient step on every row.
 * @param edges number of rows of operations; the rows below them are edge weights, which have no lower bound
 * @param rate η of the rows of operations
 * @param edgeRate η of the rows of edge weights
 */
export const exponentiatedGradient = (edges: number, rate: number, edgeRate: number): ParameterUpdate => ({
  start: () => undefined,
  step(theta, gradient, state) {
    const parameters = theta.map((row, at) => {
      const isEdge = at < edges
      const moved = row.map((value, i) => value * Math.exp(-(isEdge ? rate : edgeRate) * gradient[at][i]))
      return normalised(isEdge ? moved.map((value) => Math.max(value, SMALLEST)) : moved)
    })
    return { parameters, state }
  },
})

/**
 * GAEA's relaxation: the parameters are the mixing weights, one row for each edge, and below them the weights of the
 * edges into each node, if these are learnt.
 */
export function onSimplex(edges: readonly Edge[]): Relaxation {
  const incoming = incomingEdges(edges)
  return {
    stochastic: false,
    relax(parameters) {
      const theta = parameters.slice(0, edges.length)
      const weights = parameters.slice(edges.length)
      if (weights.length === 0) return { mixing: { theta }, pullback: (gradient) => gradient.theta }
      const edgeWeights = weightOfEach(edges, weights)
      const nodes = (gradient: readonly number[]): Matrix => incoming.map((list) => list.map((edge) => gradient[edge]))
      return { mixing: { theta, edgeWeights }, pullback: (g) => [...g.theta, ...nodes(g.edgeWeights)] }
    },
  }
}

const options = z.strictObject({
  rate: number(0.1, 'η of the mixing weights (method_edarts_space_nasbench201.yaml)', Number.MIN_VALUE),
  level: choice(['bilevel', 'single'], 'bilevel', 'single: both steps on all training images (ERM in the paper)'),
  k: count(1, 'K: operations see 1/K of the channels; 4 for GAEA PC-DARTS'),
  edgeWeights: flag(false, 'learn the weights of the edges into a node, too, as GAEA PC-DARTS does'),
  edgeRate: number(0.1, 'η of the edge weights (method_edarts_space_pcdarts.yaml)', Number.MIN_VALUE),
})

/** The algorithm `gaea`: mixing weights on the simplex, moved by exponentiated gradient steps. */
export const gaea = defineAlgorithm({
  name: 'gaea',
  version: 1,
  description: 'Mixing weights learnt on the simplex by exponentiated gradient steps, bilevel or on all images',
  source: 'Li et al., "Geometry-Aware Gradient Algorithms for Neural Architecture Search", ICLR 2021',
  look: { colour: 'blue', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  options: dependentOptions(options, ['edgeRate'], ({ edgeWeights }) => edgeWeights === true, 'edgeWeights=true'),
  idle: { architecture: 'the mixing weights follow exponentiated gradient steps with the option rate' },
  idleUnder: ({ level }, protocol) => (level === 'single' ? idleHalves(protocol) : {}),
  check: ({ network }, { k, edgeWeights }) => void network({ partialChannels: k, edgeNormalisation: edgeWeights }),
  search(context, { rate, level, k, edgeWeights, edgeRate }) {
    const { edges } = context.space
    const rows = edges.map((edge) => uniform(edge.operations.length))
    const nodes = edgeWeights ? incomingEdges(edges).map((list) => uniform(list.length)) : []
    return bilevelSearch(context, {
      start: [...rows, ...nodes],
      relaxation: () => onSimplex(edges),
      update: exponentiatedGradient(edges.length, rate, edgeRate),
      images: level === 'single' ? 'whole' : 'halves',
      supernet: { partialChannels: k, edgeNormalisation: edgeWeights },
    })
  },
})
