/**
 * The cell of NAS-Bench-201 (Dong and Yang, ICLR 2020): node 0 is the input, node 3 the output, and an edge with one of
 * five operations leads from every earlier node to every later node. A node is the sum of its incoming edges.
 */
import type { Edge } from '../../core/space.ts'

/** The five candidate operations of NAS-Bench-201, in the order of its code. */
export const OPERATIONS = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const

/** A candidate operation of NAS-Bench-201. */
export type Operation = (typeof OPERATIONS)[number]

/** The four nodes of NAS-Bench-201's cell: 0 is the input, 3 the output. */
export const NODES = [0, 1, 2, 3] as const

/** Returns the name of a node of NAS-Bench-201's cell in pictures and listings. */
export const nodeName = (node: number): string => ['in', '1', '2', 'out'][node]

/**
 * The six edges of NAS-Bench-201's cell: 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, in the order of the architecture string and of
 * the mixing weights.
 */
export const EDGES: readonly Edge[] = edgesWith(OPERATIONS)

/** Returns the six edges of NAS-Bench-201's cell with the given candidate operations on each. */
export function edgesWith(operations: readonly Operation[]): readonly Edge[] {
  return NODES.flatMap((to) =>
    NODES.filter((from) => from < to).map((from) => ({ cell: 'normal', from, to, operations })),
  )
}

/** Returns the edges that end in a node: their index in `EDGES`, and the node they start from. */
export function edgesInto(node: number): { readonly index: number; readonly from: number }[] {
  return EDGES.flatMap(({ from, to }, index) => (to === node ? [{ index, from }] : []))
}
