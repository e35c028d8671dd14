/**
 * PC-DARTS (Xu, Xie, Zhang, Chen, Qi, Tian, Xiong: "PC-DARTS: Partial Channel Connections for Memory-Efficient
 * Architecture Search", ICLR 2020). DARTS with two changes:
 *
 * - partial channels: the operations of an edge see the first 1/K of the channels, the other channels bypass them, and
 *   then the channels are shuffled so that all are operated on in turn (eq. 2; the paper's random mask S is this fixed
 *   slice in the authors' code);
 * - edge normalisation: the edges into a node are weighted by the softmax of a second set of parameters, which
 *   stabilises the search against the fluctuation of the sampled channels (eq. 3).
 *
 * The paper's β are the edge parameters of this file: one row per node, below the rows of α. Discretisation compares
 * the products of mixing weight θ and edge weight. α and β are frozen for the first 15 of the paper's 50 epochs. The
 * authors published no version for NAS-Bench-201; K, shuffle, edge normalisation and warm-up are the same there, with
 * the edges of its cell.
 */

import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { type Matrix, normalMatrix, type Relaxation, softmax, softmaxGradient } from '../core/mixing.ts'
import type { Edge } from '../core/space.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, checkWarmup, initialParameters } from './shared/bilevel.ts'
import { count, optionalCount } from './shared/options.ts'

/** Groups the edges by the node they end in: for each computed node, the indices of its incoming edges. */
export function incomingEdges(edges: readonly Edge[]): number[][] {
  const nodes = new Map<string, number[]>()
  for (const [index, { cell, to }] of edges.entries()) {
    const key = `${cell} ${to}`
    nodes.set(key, [...(nodes.get(key) ?? []), index])
  }
  return [...nodes.values()]
}

/** Returns the edge weights in the order of the edges. @param weights edge weights by node, [node][incoming edge] */
export function weightOfEach(edges: readonly Edge[], weights: Matrix): number[] {
  const ofEach = edges.map(() => 1)
  for (const [node, list] of incomingEdges(edges).entries()) {
    for (const [at, edge] of list.entries()) ofEach[edge] = weights[node][at]
  }
  return ofEach
}

/**
 * PC-DARTS' relaxation: θ = softmax(α) on each edge, and edge weights = softmax of β over the edges into a node
 * (PC-DARTS, eq. 3). The architecture parameters are the rows of α, then the rows of β.
 */
export function edgeNormalised(edges: readonly Edge[]): Relaxation {
  const incoming = incomingEdges(edges)
  return {
    stochastic: false,
    relax(parameters) {
      const alpha = softmaxRelaxation.relax(parameters.slice(0, edges.length))
      const weights = parameters.slice(edges.length).map(softmax) // [node][incoming edge]
      const edgeWeights = weightOfEach(edges, weights)
      return {
        mixing: { theta: alpha.mixing.theta, edgeWeights },
        pullback: (gradient) => [
          ...alpha.pullback(gradient),
          ...incoming.map((list, node) =>
            softmaxGradient(
              weights[node],
              list.map((edge) => gradient.edgeWeights[edge]),
            ),
          ),
        ],
      }
    },
  }
}

/** PC-DARTS' initial architecture parameters: α as in DARTS, then the edge parameters β from 10⁻³·N(0, 1). */
function startOf(alpha: Matrix, edges: readonly Edge[], stream: Parameters<typeof normalMatrix>[2]): Matrix {
  const widths = incomingEdges(edges).map((list) => list.length)
  return [...alpha, ...normalMatrix(widths, 1e-3, stream)]
}

const supernetOptions = (k: number) => ({ partialChannels: k, edgeNormalisation: true })

/** The algorithm `pc-darts`: DARTS with partial channels and edge normalisation. */
export const pcDarts = defineAlgorithm({
  name: 'pc-darts',
  version: 1,
  description: 'DARTS on a part of the channels, with normalised edges and a warm-up',
  source: 'Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search", ICLR 2020',
  look: { colour: 'green', dash: 'solid', marker: 'rect' },
  kind: 'supernet',
  options: z.strictObject({
    k: count(4, 'K: operations see 1/K of the channels (§4.2)'),
    warmup: optionalCount('epochs before the architecture moves; default: 15 (§4.2), at most 30 % of all as there', 0),
  }),
  check({ protocol: { epochs }, network }, { k, warmup = 0 }) {
    network(supernetOptions(k))
    checkWarmup('pc-darts', warmup, epochs)
  },
  search(context, { k, warmup }) {
    const { space, protocol } = context
    return bilevelSearch(context, {
      start: startOf(initialParameters(context), space.edges, context.random('architecture', 'start', 'edges')),
      relaxation: () => edgeNormalised(space.edges),
      architectureFrom: warmup ?? Math.min(15, Math.floor(0.3 * protocol.epochs)),
      supernet: supernetOptions(k),
    })
  },
})
