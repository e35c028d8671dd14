/** Probe of the mixing weights and their entropy on each edge: how far the search has decided. */
import { z } from 'zod'
import type { Matrix } from '../../core/mixing.ts'
import { defineProbe, every } from './definition.ts'

export interface AlphaRecord {
  /** Deterministic mixing weights (softmax, Dirichlet mean), [edge][op]. */
  readonly theta: Matrix
  /** −Σ_o θ_o ln θ_o of each edge, in nats: ln(operations) when undecided, 0 when decided. */
  readonly entropy: readonly number[]
  /** Mean over the edges. */
  readonly meanEntropy: number
  /** Edge weights, if the method learns them. */
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
    const entropy = theta.map(rowEntropy)
    const meanEntropy = entropy.reduce((sum, value) => sum + value, 0) / entropy.length
    return { theta, entropy, meanEntropy, ...(edgeWeights && { edgeWeights }) }
  },
})

/** Computes the entropy of one row in nats, with 0·ln 0 = 0. */
function rowEntropy(row: readonly number[]): number {
  return row.reduce((sum, theta) => (theta > 0 ? sum - theta * Math.log(theta) : sum), 0)
}
