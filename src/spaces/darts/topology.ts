/**
 * The cells of the DARTS space (Liu, Simonyan and Yang, ICLR 2019): nodes 0 and 1 are the outputs of the two cells
 * before, nodes 2 to 5 are computed, the cell's output is their concatenation. In search every earlier node is joined to
 * every later computed one; a found architecture keeps two inputs a node. Normal and reduction cells differ; the edges
 * of a reduction cell that leave nodes 0 and 1 have stride 2.
 */
import type { Edge } from '../../core/space.ts'

/** Candidate operations, in the order of the literature. */
export const OPERATIONS = [
  'none',
  'max_pool_3x3',
  'avg_pool_3x3',
  'skip_connect',
  'sep_conv_3x3',
  'sep_conv_5x5',
  'dil_conv_3x3',
  'dil_conv_5x5',
] as const

/** Those of the literature, and the noise of RobustDARTS' S4. */
export type Operation = (typeof OPERATIONS)[number] | 'noise'

/** What an architecture can hold: `none` takes part in the search only. */
export type ChosenOperation = Exclude<Operation, 'none'>

export const CELLS = ['normal', 'reduce'] as const

export type CellName = (typeof CELLS)[number]

/** The computed nodes. */
export const NODES = [2, 3, 4, 5] as const

/** As papers and pictures name the nodes: the outputs of the two cells before, then the computed ones from 0. */
export const nodeName = (node: number): string => ['c(k−2)', 'c(k−1)'][node] ?? String(node - 2)

/** A row of the mixing matrix, with the names of this space. */
export interface DartsEdge extends Edge {
  readonly cell: CellName
  readonly operations: readonly Operation[]
}

/** The 14 pairs 0→2, 1→2, 0→3, 1→3, 2→3, … 4→5 of a cell. */
const PAIRS = NODES.flatMap((to) => Array.from({ length: to }, (_, from) => ({ from, to })))

/**
 * The 28 rows of the mixing matrix: the normal cell's edges, then the reduction cell's.
 * @param candidates operations of a cell's edge, 0 … 13
 */
export function edgesWith(candidates: (cell: CellName, edge: number) => readonly Operation[]): DartsEdge[] {
  return CELLS.flatMap((cell) => PAIRS.map((pair, edge) => ({ cell, ...pair, operations: candidates(cell, edge) })))
}

/** The row of an edge in the mixing matrix. */
export function rowOf(cell: CellName, from: number, to: number): number {
  return CELLS.indexOf(cell) * PAIRS.length + PAIRS.findIndex((pair) => pair.from === from && pair.to === to)
}

/** The candidates of an edge that an architecture can hold. */
export function choices(edge: DartsEdge): ChosenOperation[] {
  return edge.operations.filter((operation) => operation !== 'none')
}
