/**
 * PC-DARTS (Xu, Xie, Zhang, Chen, Qi, Tian, Xiong: "PC-DARTS: Partial Channel Connections for Memory-Efficient
 * Architecture Search", ICLR 2020). DARTS with two changes:
 *
 * - partial channels: the operations of an edge see the first 1/K of the channels, the rest passes by, then the channels
 *   are shuffled so that all get their turn (eq. 2; the paper's S is this fixed slice in the authors' code);
 * - edge normalisation: the edges into a node are weighed by the softmax of a second set of parameters, which steadies
 *   what the fluctuating channel sample unsettles (eq. 3).
 *
 * Paper's letters: α as here; β are our edge parameters, one row a node, below α's rows. An edge's operation counts by
 * θ·(edge weight) in the derivation. α and β stay still for the first 15 of the paper's 50 epochs. There is no version
 * of the authors' for NAS-Bench-201: there K, shuffle, edge normalisation and warm-up are the same, each node's edges
 * being those of the cell.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { type Matrix, normalMatrix, type Relaxation, softmax, softmaxGradient } from '../core/mixing.ts'
import type { Edge } from '../core/space.ts'
import { softmaxRelaxation } from './distributions/softmax.ts'
import { count, optionalCount } from './options.ts'
import { bilevelSearch, initialParameters } from './supernet/bilevel.ts'

/** The edges into each computed node, in the order of the mixing matrix. */
export function incomingEdges(edges: readonly Edge[]): number[][] {
  const nodes = new Map<string, number[]>()
  for (const [index, { cell, to }] of edges.entries()) {
    const key = `${cell} ${to}`
    nodes.set(key, [...(nodes.get(key) ?? []), index])
  }
  return [...nodes.values()]
}

/** Eq. 3 over the rows of α, then the rows of β. */
export function edgeNormalised(edges: readonly Edge[]): Relaxation {
  const incoming = incomingEdges(edges)
  return {
    stochastic: false,
    relax(parameters) {
      const alpha = softmaxRelaxation.relax(parameters.slice(0, edges.length))
      const weights = parameters.slice(edges.length).map(softmax) // [node][incoming edge]
      const edgeWeights = edges.map(() => 1)
      for (const [node, list] of incoming.entries()) {
        for (const [at, edge] of list.entries()) edgeWeights[edge] = weights[node][at]
      }
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

/** α as in DARTS, then β from 10⁻³·N(0, 1). */
function startOf(alpha: Matrix, edges: readonly Edge[], stream: Parameters<typeof normalMatrix>[2]): Matrix {
  const widths = incomingEdges(edges).map((list) => list.length)
  return [...alpha, ...normalMatrix(widths, 1e-3, stream)]
}

const networkOf = (k: number) => ({ partialChannels: k, edgeNormalisation: true })

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
    network(networkOf(k))
    if (warmup < epochs) return
    const found = `warmup=${warmup} leaves none of the ${epochs} epochs for the architecture`
    throw new BenchError('bad-input', `pc-darts: ${found}; give a warm-up below that, or more epochs`)
  },
  search(context, { k, warmup }) {
    const { space, protocol } = context
    return bilevelSearch(context, {
      start: startOf(initialParameters(context), space.edges, context.random('architecture', 'start', 'edges')),
      relaxation: () => edgeNormalised(space.edges),
      architectureFrom: warmup ?? Math.min(15, Math.floor(0.3 * protocol.epochs)),
      supernet: networkOf(k),
    })
  },
})
