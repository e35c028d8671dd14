/**
 * The two terms of Zen(F) = β₁·log(NTK) + β₂·BN (Zhang, eq. 10) on a search network, with their gradients. The paper
 * gives neither the number that stands for the kernel, nor what of the BN layers counts, nor how both are differentiated.
 * Decided here:
 *
 * - NTK is the trace of the kernel of the logit sums, Σ_i ‖∇_w f(x_i)‖² with f(x_i) = Σ_c z_c(x_i), estimated with one
 *   random sign a sample: E ‖g‖² = trace for g = ∇_w φ, φ = Σ_i s_i f(x_i).
 * - ∇ log ‖g‖² = 2 ∇²φ·u / ‖g‖ with u = g / ‖g‖, where ∇²φ·u ≈ [∇φ(w + εu) − ∇φ(w − εu)] / (2ε), ε = 0.01 as in DARTS'
 *   second order. The same two passes give the gradient wrt the mixing.
 * - BN is Zen-NAS' second term, log √(mean over channels of σ²), as a mean over the batch norms, where Zen-NAS sums: so
 *   the balance of the two terms does not change with the depth. It pays for what the first term gains by small
 *   activations. Its gradient wrt α is estimated from values at α ± cΔ for random signs Δ (SPSA, Spall 1992). It has none
 *   wrt w: a convolution can raise the next σ by its scale alone, which changes nothing that the network computes.
 *
 * Inputs are standard normal, batch norms use the statistics of the batch, and nothing is left changed.
 */
import { batchVariances } from '../../analysis/zenScore.ts'
import type { Batch } from '../../core/data.ts'
import type { Executable, WeightVector } from '../../core/executor.ts'
import { type Matrix, type Mixing, type MixingGradient, map, type Relaxation, zip } from '../../core/mixing.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Supernet } from '../../core/supernet.ts'
import { feedOf, mixingGradient } from '../../training/supernet.ts'

const DISTANCE = 1e-2

export interface LogNtk {
  readonly value: number
  /** ∂/∂mixing. */
  readonly mixing: MixingGradient
}

/**
 * log ‖∇_w Σ_i s_i f(x_i)‖² and its gradients. w moves and comes back.
 * @param signs ±1 for each sample; @param gradient overwritten with the gradient wrt w
 */
export async function logNtk(
  supernet: Supernet,
  mixing: Mixing,
  x: Batch,
  signs: readonly number[],
  gradient: WeightVector,
): Promise<LogNtk> {
  const { weights: w, executable } = supernet
  const { classes } = executable.network
  const cotangent = Float32Array.from({ length: x.size * classes }, (_, i) => signs[Math.floor(i / classes)])
  const objective = { kind: 'logits', cotangent } as const
  const feed = feedOf(x, mixing)
  const gradientAt = (into: WeightVector) => mixingGradient(executable, feed, mixing, objective, into)
  const start = supernet.vector()
  const u = supernet.vector()
  const behind = supernet.vector()
  try {
    start.assign(w)
    await gradientAt(u)
    const norm = await u.norm()
    u.scale(1 / norm)
    w.axpy(DISTANCE, u)
    const ahead = await gradientAt(gradient)
    w.assign(start)
    w.axpy(-DISTANCE, u)
    const back = await gradientAt(behind)
    gradient.axpy(-1, behind)
    const scale = 1 / (DISTANCE * norm)
    gradient.scale(scale)
    return { value: 2 * Math.log(norm), mixing: scaledDifference(scale, ahead, back) }
  } finally {
    w.assign(start)
    for (const vector of [start, u, behind]) vector.dispose()
  }
}

const scaledDifference = (scale: number, a: MixingGradient, b: MixingGradient): MixingGradient => ({
  theta: zip(a.theta, b.theta, (p, q) => scale * (p - q)),
  edgeWeights: a.edgeWeights.map((p, edge) => scale * (p - b.edgeWeights[edge])),
})

/** c: how far the parameters are moved, against a softmax's natural scale of 1. */
const DISPLACEMENT = 0.1

export interface BnTerm {
  /** At the parameters, to second order: the mean of the values on both sides. */
  readonly value: number
  readonly gradient: Matrix
}

/** Mean of log √(mean σ²) over the batch norms that keep statistics, and its gradient wrt the parameters. */
export async function bnTerm(
  executable: Executable,
  relaxation: Relaxation,
  parameters: Matrix,
  x: Batch,
  stream: RandomStream,
  directions: number,
): Promise<BnTerm> {
  const valueAt = async (at: Matrix) => meanLogScale(executable, relaxation.relax(at).mixing, x)
  let value = 0
  let gradient = map(parameters, () => 0)
  for (let n = 0; n < directions; n++) {
    const delta = map(parameters, () => stream.sign())
    const ahead = await valueAt(zip(parameters, delta, (a, d) => a + DISPLACEMENT * d))
    const behind = await valueAt(zip(parameters, delta, (a, d) => a - DISPLACEMENT * d))
    const slope = (ahead - behind) / (2 * DISPLACEMENT * directions)
    gradient = zip(gradient, delta, (sum, d) => sum + slope * d)
    value += (ahead + behind) / (2 * directions)
  }
  return { value, gradient }
}

/** What batch norms add to a variance. */
const EPSILON = 1e-5

async function meanLogScale(executable: Executable, mixing: Mixing, x: Batch): Promise<number> {
  const variances = await batchVariances(executable, feedOf(x, mixing))
  return variances.reduce((sum, variance) => sum + 0.5 * Math.log(variance + EPSILON), 0) / variances.length
}
