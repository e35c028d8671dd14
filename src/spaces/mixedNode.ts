/**
 * The value of a node in a search network: the weighted operations of all edges that end in it. Both spaces use it.
 *
 * Plain, it is one `mix` over every (edge, operation) pair, Σ_e Σ_o θ[e][o]·o(x_e). With partial channels the operations
 * see the first 1/k of the channels, the others pass by, are concatenated behind, and all are shuffled in k groups
 * (PC-DARTS, Xu et al. 2020, Eq. 1). Concatenation and shuffle are linear, so they are done once a node, not an edge.
 */
import { BenchError } from '../core/errors.ts'
import type { CoefficientLayout } from '../core/mixing.ts'
import type { Value, ValueId } from '../core/network.ts'
import type { NetworkBuilder } from '../core/networkBuilder.ts'

/** What one edge brings to its node. */
export interface MixedEdge {
  /** Row of the mixing matrix. */
  readonly index: number
  /** Output of each candidate operation; null for `none`. */
  readonly operations: readonly (ValueId | null)[]
  /** Channels that pass by the operations; absent where all are operated on. */
  readonly bypass?: ValueId
}

export interface MixOptions {
  readonly layout: CoefficientLayout
  /** k; 1 is off. */
  readonly partialChannels: number
  /** Weigh each edge by its own coefficient. */
  readonly edgeNormalisation: boolean
  /** Each edge's mixture passes a site where samples can drop it. */
  readonly dropPath?: boolean
}

/** @param shape of the node, all channels */
export function mixedNode(
  builder: NetworkBuilder,
  edges: readonly MixedEdge[],
  shape: Value,
  { layout, partialChannels: k, edgeNormalisation, dropPath = false }: MixOptions,
): ValueId {
  if (dropPath) {
    return builder.sum(edges.map((edge) => builder.dropPath(mixedOperations(builder, [edge], shape, layout))))
  }
  const operated = { ...shape, channels: shape.channels / k }
  const passing = { ...shape, channels: shape.channels - operated.channels }
  const edgeCoefficients = edges.map(({ index }) => layout.edge(index))
  const bypasses = edges.flatMap(({ bypass }) => bypass ?? [])

  const mixture = edgeNormalisation
    ? builder.mix(
        edges.map((edge) => mixedOperations(builder, [edge], operated, layout)),
        edgeCoefficients,
        operated,
      )
    : mixedOperations(builder, edges, operated, layout)
  if (bypasses.length === 0) return mixture
  const rest = edgeNormalisation ? builder.mix(bypasses, edgeCoefficients, passing) : builder.sum(bypasses)
  return builder.shuffle(builder.concat([mixture, rest]), k)
}

/** Σ_e Σ_o θ[e][o]·o(x_e) */
function mixedOperations(
  builder: NetworkBuilder,
  edges: readonly MixedEdge[],
  shape: Value,
  layout: CoefficientLayout,
): ValueId {
  const inputs = edges.flatMap(({ operations }) => operations)
  const coefficients = edges.flatMap(({ index, operations }) => operations.map((_, op) => layout.op(index, op)))
  return builder.mix(inputs, coefficients, shape)
}

/** @throws BenchError `bad-input` where C channels cannot be cut into k equal parts */
export function checkPartialChannels(channels: number, k: number): void {
  if (Number.isInteger(k) && k >= 1 && channels % k === 0) return
  throw new BenchError(
    'bad-input',
    `partial channels k = ${k}: ${channels} channels cannot be cut into ${k} equal parts; choose a divisor of ${channels}`,
  )
}
