/**
 * The simplified spaces S1 to S4 of RobustDARTS (Zela et al., "Understanding and Robustifying Differentiable Architecture
 * Search", ICLR 2020, §3 and appendix), on which DARTS fails often. The noise of S4 is drawn anew for each batch, not for each
 * pass as in the authors' code: both sides of a difference (second order, Hessian) see the same function.
 */
import { type CellName, type DartsEdge, edgesWith, type Operation } from './topology.ts'

/** S1: the two operations of each edge that DARTS ranks highest, in the order 0→2, 1→2, 0→3, … 4→5. */
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

export const EDGES_S1: readonly DartsEdge[] = edgesWith((cell, edge) => S1[cell][edge])

export const EDGES_S2: readonly DartsEdge[] = edgesWith(() => ['skip_connect', 'sep_conv_3x3'])

export const EDGES_S3: readonly DartsEdge[] = edgesWith(() => ['none', 'skip_connect', 'sep_conv_3x3'])

/** The noise carries nothing: a search that keeps it has failed. It counts as an operation in the derivation. */
export const EDGES_S4: readonly DartsEdge[] = edgesWith(() => ['noise', 'sep_conv_3x3'])
