/**
 * The cell of NAS-Bench-201 (Dong and Yang, ICLR 2020): node 0 is the input, node 3 the output, and every earlier node
 * is joined to every later one by an edge with one of five operations. A node is the sum of its edges.
 */
import type { Edge } from '../../core/space.ts'

/** Candidate operations, in the benchmark's order. */
export const OPERATIONS = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const

export type Operation = (typeof OPERATIONS)[number]

export const NODES = [0, 1, 2, 3] as const

export const nodeName = (node: number): string => ['in', '1', '2', 'out'][node]

/** 0→1, 0→2, 1→2, 0→3, 1→3, 2→3: the order of the architecture string and of the mixing matrix's rows. */
export const EDGES: readonly Edge[] = NODES.flatMap((to) =>
  NODES.filter((from) => from < to).map((from) => ({ cell: 'normal', from, to, operations: OPERATIONS })),
)

/** The edges that end in a node, each with its row. */
export function edgesInto(node: number): { readonly index: number; readonly from: number }[] {
  return EDGES.flatMap(({ from, to }, index) => (to === node ? [{ index, from }] : []))
}
