/**
 * Adds a node to a supernet. A node is the weighted sum of the operations of all edges that end in the node. Both
 * built-in spaces use it.
 *
 * Without partial channels a node is one `mix` layer over all (edge, operation) pairs, Σ_e Σ_o θ[e][o]·o(x_e). With
 * partial channels the operations see the first 1/k of the channels, the other channels bypass them and are
 * concatenated behind, and all channels are shuffled in k groups (PC-DARTS, Xu et al. 2020, eq. 1). Concatenation and
 * shuffle are linear, so they are done once per node, not per edge.
 */
import { BenchError } from '../core/errors.ts'
import type { CoefficientLayout } from '../core/mixing.ts'
import type { Value, ValueId } from '../core/network.ts'
import type { NetworkBuilder } from '../core/networkBuilder.ts'

/** One edge into a node of a supernet, with the outputs of its operations. */
export interface MixedEdge {
  /** Index of the edge in the space: its row of the mixing weights. */
  readonly index: number
  /** Output tensor of each candidate operation of the edge; null for `none`. */
  readonly operations: readonly (ValueId | null)[]
  /** Tensor of the channels that bypass the edge's operations (PC-DARTS); absent without partial channels. */
  readonly bypass?: ValueId
  /** Output of the edge's auxiliary skip connection (DARTS-); absent: the edge has none. */
  readonly auxiliary?: ValueId
}

/** Options of a supernet that tell how the outputs of its operations are mixed. */
export interface MixOptions {
  readonly layout: CoefficientLayout
  /** The k of partial channels (PC-DARTS): operations see 1/k of the channels; 1: all channels. */
  readonly partialChannels: number
  /** Whether the output of each edge is multiplied by an edge weight (PC-DARTS' edge normalisation). */
  readonly edgeNormalisation: boolean
  /**
   * Whether the sum of each edge's operations goes through a drop-path layer, which drops the edge for random samples
   * of a batch.
   */
  readonly dropPath?: boolean
}

/** Adds a node to a supernet and returns its output. @param shape shape of the output, with all channels */
export function mixedNode(
  builder: NetworkBuilder,
  edges: readonly MixedEdge[],
  shape: Value,
  { layout, partialChannels: k, edgeNormalisation, dropPath = false }: MixOptions,
): ValueId {
  if (dropPath) {
    return builder.sum(edges.map((edge) => builder.dropPath(edgesSum(builder, [edge], shape, layout))))
  }
  const operated = { ...shape, channels: shape.channels / k }
  const passing = { ...shape, channels: shape.channels - operated.channels }
  const edgeCoefficients = edges.map(({ index }) => layout.edge(index))
  const bypasses = edges.flatMap(({ bypass }) => bypass ?? [])

  const mixture = edgeNormalisation
    ? builder.mix(
        edges.map((edge) => edgesSum(builder, [edge], operated, layout)),
        edgeCoefficients,
        operated,
      )
    : edgesSum(builder, edges, operated, layout)
  if (bypasses.length === 0) return mixture
  const rest = edgeNormalisation ? builder.mix(bypasses, edgeCoefficients, passing) : builder.sum(bypasses)
  return builder.shuffle(builder.concat([mixture, rest]), k)
}

/**
 * Adds Σ_e (Σ_o θ[e][o]·o(x_e) + β·x_e) to a supernet: the weighted sum over the operations o of some edges e, and
 * their auxiliary skip connections.
 */
function edgesSum(
  builder: NetworkBuilder,
  edges: readonly MixedEdge[],
  shape: Value,
  layout: CoefficientLayout,
): ValueId {
  const mixed = mixedOperations(builder, edges, shape, layout)
  const skips = edges.flatMap(({ index, auxiliary }) => (auxiliary === undefined ? [] : [{ index, auxiliary }]))
  if (skips.length === 0) return mixed
  const inputs = skips.map(({ auxiliary }) => auxiliary)
  const coefficients = skips.map(({ index }) => layout.auxiliary(index))
  return builder.sum([mixed, builder.mix(inputs, coefficients, shape)])
}

/** Adds the layer Σ_e Σ_o θ[e][o]·o(x_e), the weighted sum over the operations o of some edges e, to a supernet. */
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

/** Error message for a supernet with both auxiliary skip connections and partial channels. */
export const NO_PARTIAL_SKIP =
  'an auxiliary skip connection is known without partial channels only (DARTS-); leave one of the two out'

/** Number of mixing coefficients of a supernet, with or without those of auxiliary skip connections. */
export const coefficientCount = (layout: CoefficientLayout, edges: number, auxiliarySkip: boolean): number =>
  layout.count + (auxiliarySkip ? edges : 0)

/**
 * Checks that a number of channels can be divided into k equal parts, as partial channels need.
 * @throws BenchError `bad-input` if not
 */
export function checkPartialChannels(channels: number, k: number): void {
  if (Number.isInteger(k) && k >= 1 && channels % k === 0) return
  throw new BenchError(
    'bad-input',
    `partial channels k = ${k}: ${channels} channels cannot be cut into ${k} equal parts; choose a divisor of ${channels}`,
  )
}
