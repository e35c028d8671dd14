/**
 * Probe of the mixing weights and of their entropy on each edge. The entropy shows how clearly the search prefers one
 * operation.
 */
import { z } from 'zod'
import type { Matrix } from '../../core/mixing.ts'
import { defineProbe, every } from './definition.ts'

export interface AlphaRecord {
  /** Mixing weights that the deterministic relaxation of α gives (softmax, Dirichlet mean), [edge][op]. */
  readonly theta: Matrix
  /**
   * Entropy of each edge's mixing weights, −Σ_o θ_o ln θ_o in nats: ln(number of operations) when all weights are
   * equal, 0 when one operation has all the weight.
   */
  readonly entropy: readonly number[]
  /** Mean of the entropy over the edges. */
  readonly meanEntropy: number
  /**
   * Learned weight of each edge in the sum at its target node; absent if the search method does not learn such weights.
   */
  readonly edgeWeights?: readonly number[]
}

const options = z.object({ every: every(1) })

export const alphaProbe = defineProbe({
  name: 'alpha',
  description: 'mixing weights of every edge and their entropy',
  options,
  async measure({ relaxed }): Promise<AlphaRecord | undefined> {
    if (relaxed === undefined) return undefined
    const { theta, edgeWeights } = relaxed.relaxation.relax(relaxed.parameters()).mixing
    return { ...alphaRecord(theta), ...(edgeWeights && { edgeWeights }) }
  },
})

/** Returns the record of mixing weights without edge weights: the weights and their entropies. */
export function alphaRecord(theta: Matrix): AlphaRecord {
  const entropy = theta.map(rowEntropy)
  const meanEntropy = entropy.reduce((sum, value) => sum + value, 0) / entropy.length
  return { theta, entropy, meanEntropy }
}

/** Computes the entropy of one edge's mixing weights in nats, with 0·ln 0 = 0. */
function rowEntropy(row: readonly number[]): number {
  return row.reduce((sum, theta) => (theta > 0 ? sum - theta * Math.log(theta) : sum), 0)
}
