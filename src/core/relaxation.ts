/**
 * What tells one differentiable search from another: how architecture parameters become mixing weights, and how a
 * gradient wrt the mixing weights goes back through that.
 */
import type { Matrix, Mixing, MixingGradient } from './mixing.ts'
import type { RandomStream } from './random.ts'

export interface Relaxed {
  readonly mixing: Mixing
  /** ∂L/∂mixing → ∂L/∂parameters, through this very draw. */
  pullback(gradient: MixingGradient): Matrix
}

/**
 * Architecture parameters are a matrix of free numbers: the operation parameters alpha, one row an edge; methods with
 * more (PC-DARTS' edge parameters, one row a node) append rows.
 */
export interface Relaxation {
  /** True where `relax` draws random numbers (Dirichlet, Gumbel). */
  readonly stochastic: boolean
  /** @param stream absent: the deterministic form (softmax, Dirichlet mean) that derivation and probes use */
  relax(parameters: Matrix, stream?: RandomStream): Relaxed
}
