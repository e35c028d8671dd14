/**
 * The cells of the DARTS space (Liu, Simonyan and Yang, ICLR 2019) and of its simplified spaces S1 to S4: nodes, edges
 * and the candidate operations of each edge. Nodes 0 and 1 are the outputs of the two previous cells, nodes 2 to 5 are
 * computed, and the output of the cell is the concatenation of nodes 2 to 5. The supernet has an edge from every
 * earlier node to every computed node; an architecture keeps two input edges per computed node. Normal and reduction
 * cells have separate edges; in a reduction cell the edges that leave nodes 0 and 1 have stride 2.
 */
import type { Edge } from '../../core/space.ts'

/** The eight candidate operations of the DARTS space, in the order of the DARTS paper's code. */
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

/** A candidate operation: one of DARTS' eight, or the noise of RobustDARTS' space S4. */
export type Operation = (typeof OPERATIONS)[number] | 'noise'

/** An operation that an architecture can contain: `none` is a candidate in the supernet only. */
export type ChosenOperation = Exclude<Operation, 'none'>

/** The two cell types: normal cells keep the image size, reduction cells halve it. */
export const CELLS = ['normal', 'reduce'] as const

/** A cell type: `normal` or `reduce`. */
export type CellName = (typeof CELLS)[number]

/** Returns the positions, from 0, of the two reduction cells of a network of this depth: ⌊L/3⌋ and ⌊2L/3⌋. */
export const reductionCells = (depth: number): readonly number[] => [Math.floor(depth / 3), Math.floor((2 * depth) / 3)]

/** Returns the type of a cell of a network, by its number from 0. */
export const cellType = (cell: number, depth: number): CellName =>
  reductionCells(depth).includes(cell) ? 'reduce' : 'normal'

/** The computed nodes of a cell of the DARTS space; nodes 0 and 1 are its inputs. */
export const NODES = [2, 3, 4, 5] as const

/**
 * Returns the name that papers and pictures give a node of a DARTS cell: `c(k−2)` and `c(k−1)` for the two previous
 * cells, then 0 to 3 for nodes 2 to 5.
 */
export const nodeName = (node: number): string => ['c(k−2)', 'c(k−1)'][node] ?? String(node - 2)

/** An edge of a cell of the DARTS space, with its candidate operations; it has one row of the mixing weights. */
export interface DartsEdge extends Edge {
  readonly cell: CellName
  readonly operations: readonly Operation[]
}

/** The 14 edges of a DARTS cell as pairs of nodes: 0→2, 1→2, 0→3, 1→3, 2→3, … 4→5. */
const PAIRS = NODES.flatMap((to) => Array.from({ length: to }, (_, from) => ({ from, to })))

/**
 * Builds the 28 edges of a space of the DARTS family: the 14 of the normal cell, then the 14 of the reduction cell.
 * @param candidates returns the candidate operations of edge 0 … 13 of a cell
 */
export function edgesWith(candidates: (cell: CellName, edge: number) => readonly Operation[]): DartsEdge[] {
  return CELLS.flatMap((cell) => PAIRS.map((pair, edge) => ({ cell, ...pair, operations: candidates(cell, edge) })))
}

/** Returns the row (0 … 27) of the mixing weights that belongs to an edge of a DARTS cell. */
export function rowOf(cell: CellName, from: number, to: number): number {
  return CELLS.indexOf(cell) * PAIRS.length + PAIRS.findIndex((pair) => pair.from === from && pair.to === to)
}

/** Returns an edge's candidate operations other than `none`, that is, those that an architecture can contain. */
export function choices(edge: DartsEdge): ChosenOperation[] {
  return edge.operations.filter((operation) => operation !== 'none')
}

/**
 * The candidate operations of RobustDARTS' space S1: the two operations that DARTS ranks highest on each edge, in the
 * order 0→2, 1→2, 0→3, … 4→5 (RobustDARTS: Zela et al., "Understanding and Robustifying Differentiable Architecture
 * Search", ICLR 2020, appendix).
 */
const S1: Readonly<Record<CellName, readonly (readonly Operation[])[]>> = {
  normal: [
    ['skip_connect', 'dil_conv_3x3'],
    ['skip_connect', 'dil_conv_5x5'],
    ['skip_connect', 'dil_conv_5x5'],
    ['skip_connect', 'sep_conv_3x3'],
    ['skip_connect', 'dil_conv_3x3'],
    ['max_pool_3x3', 'skip_connect'],
    ['skip_connect', 'sep_conv_3x3'],
    ['skip_connect', 'sep_conv_3x3'],
    ['skip_connect', 'dil_conv_3x3'],
    ['skip_connect', 'sep_conv_3x3'],
    ['max_pool_3x3', 'skip_connect'],
    ['skip_connect', 'dil_conv_3x3'],
    ['dil_conv_3x3', 'dil_conv_5x5'],
    ['dil_conv_3x3', 'dil_conv_5x5'],
  ],
  reduce: [
    ['max_pool_3x3', 'avg_pool_3x3'],
    ['max_pool_3x3', 'dil_conv_3x3'],
    ['max_pool_3x3', 'avg_pool_3x3'],
    ['max_pool_3x3', 'avg_pool_3x3'],
    ['skip_connect', 'dil_conv_5x5'],
    ['max_pool_3x3', 'avg_pool_3x3'],
    ['max_pool_3x3', 'sep_conv_3x3'],
    ['skip_connect', 'dil_conv_3x3'],
    ['skip_connect', 'dil_conv_5x5'],
    ['max_pool_3x3', 'avg_pool_3x3'],
    ['max_pool_3x3', 'avg_pool_3x3'],
    ['skip_connect', 'dil_conv_5x5'],
    ['skip_connect', 'dil_conv_5x5'],
    ['skip_connect', 'dil_conv_5x5'],
  ],
}

/**
 * Edges of RobustDARTS' space S1, with two preselected operations each. DARTS often fails on S1 to S4 (RobustDARTS,
 * §3).
 */
export const EDGES_S1: readonly DartsEdge[] = edgesWith((cell, edge) => S1[cell][edge])

/** Edges of RobustDARTS' space S2: every edge has the candidates skip connection and 3×3 separable convolution. */
export const EDGES_S2: readonly DartsEdge[] = edgesWith(() => ['skip_connect', 'sep_conv_3x3'])

/** Edges of RobustDARTS' space S3: every edge has the candidates of S2 and `none`. */
export const EDGES_S3: readonly DartsEdge[] = edgesWith(() => ['none', 'skip_connect', 'sep_conv_3x3'])

/**
 * Edges of RobustDARTS' space S4: every edge has the candidates noise and 3×3 separable convolution. The noise carries
 * no information, so a search that keeps it has failed; discretisation treats it as an operation like any other. The
 * noise is drawn once per batch, not at every forward pass as in RobustDARTS' code, so that both sides of a finite
 * difference (second order, Hessian) see the same function.
 */
export const EDGES_S4: readonly DartsEdge[] = edgesWith(() => ['noise', 'sep_conv_3x3'])
