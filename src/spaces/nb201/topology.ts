/**
 * The cell of NAS-Bench-201 (Dong and Yang, ICLR 2020): node 0 is the input, node 3 the output, and an edge with one of
 * five operations leads from every earlier node to every later node. A node is the sum of its incoming edges.
 */
import type { Edge } from '../../core/space.ts'

/** The five candidate operations, in the benchmark's order. */
export const OPERATIONS = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const

/** A candidate operation of NAS-Bench-201. */
export type Operation = (typeof OPERATIONS)[number]

/** The four nodes of the cell. */
export const NODES = [0, 1, 2, 3] as const

/** The name of a node in pictures and listings. */
export const nodeName = (node: number): string => ['in', '1', '2', 'out'][node]

/** The six edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, in the order of the architecture string and of the mixing weights. */
export const EDGES: readonly Edge[] = NODES.flatMap((to) =>
  NODES.filter((from) => from < to).map((from) => ({ cell: 'normal', from, to, operations: OPERATIONS })),
)

/** The edges that end in a node, each with its index in `EDGES` and the node it starts from. */
export function edgesInto(node: number): { readonly index: number; readonly from: number }[] {
  return EDGES.flatMap(({ from, to }, index) => (to === node ? [{ index, from }] : []))
}
