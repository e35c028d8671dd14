/**
 * Zen(F) = β₁·log(NTK) + β₂·BN of a search network (Zhang, eq. 10), with its gradient wrt mixing and weights. The paper
 * gives neither the number that stands for the kernel, nor what of the BN layer counts, nor how both are differentiated.
 * Decided here:
 *
 * - NTK is the trace of the kernel of the logit sums, Σ_i ‖∇_w f(x_i)‖² with f(x_i) = Σ_c z_c(x_i), estimated with one
 *   random sign a sample: E ‖g‖² = trace for g = ∇_w φ, φ = Σ_i s_i f(x_i).
 * - BN is the change of what leaves the last batch normalisation, as in Zen-NAS' first term, seen through the
 *   classifier's linear layer: log of the batch mean of Σ_c |z_c(x) − z_c(x + γ x′)|, γ = 0.01.
 * - ∇ log ‖g‖² = 2 ∇²φ·u / ‖g‖ with u = g / ‖g‖, where ∇²φ·u ≈ [∇φ(w + εu) − ∇φ(w − εu)] / (2ε), ε = 0.01 as in DARTS'
 *   second order. The same two passes give the gradient wrt the mixing.
 *
 * Inputs are standard normal, batch norms use the statistics of the batch and update nothing.
 */
import { perturb } from '../analysis/zenScore.ts'
import type { Batch } from '../core/data.ts'
import type { WeightVector } from '../core/executor.ts'
import { type Mixing, type MixingGradient, zip } from '../core/mixing.ts'
import type { Supernet } from '../core/supernet.ts'
import { feedOf, mixingGradient } from '../engine/mixingFeed.ts'

const GAMMA = 1e-2
const DISTANCE = 1e-2

export interface ZenWeights {
  readonly beta1: number
  readonly beta2: number
}

/** What one evaluation of Zen reads. */
export interface ZenInputs {
  readonly x: Batch
  /** x′. */
  readonly direction: Batch
  /** ±1 for each sample. */
  readonly signs: readonly number[]
}

export interface Zen {
  readonly logNtk: number
  readonly bn: number
  readonly value: number
  /** ∂Zen/∂mixing. */
  readonly mixing: MixingGradient
}

/** Zen and its gradients. @param gradient overwritten with ∂Zen/∂w */
export async function zen(
  supernet: Supernet,
  mixing: Mixing,
  inputs: ZenInputs,
  { beta1, beta2 }: ZenWeights,
  gradient: WeightVector,
): Promise<Zen> {
  const part = supernet.vector()
  try {
    const kernel = await logTrace(supernet, mixing, inputs, gradient)
    gradient.scale(beta1)
    const change = await logChange(supernet, mixing, inputs, part)
    gradient.axpy(beta2, part)
    return {
      logNtk: kernel.value,
      bn: change.value,
      value: beta1 * kernel.value + beta2 * change.value,
      mixing: combined(beta1, kernel.mixing, beta2, change.mixing),
    }
  } finally {
    part.dispose()
  }
}

interface Term {
  readonly value: number
  readonly mixing: MixingGradient
}

/** log ‖∇_w Σ_i s_i f(x_i)‖². @param gradient overwritten with its gradient wrt w; w moves and comes back */
async function logTrace(
  supernet: Supernet,
  mixing: Mixing,
  { x, signs }: ZenInputs,
  gradient: WeightVector,
): Promise<Term> {
  const { weights: w } = supernet
  const { classes } = supernet.executable.network
  const cotangent = Float32Array.from({ length: x.size * classes }, (_, i) => signs[Math.floor(i / classes)])
  const start = supernet.vector()
  const u = supernet.vector()
  const behind = supernet.vector()
  try {
    start.assign(w)
    await logitGradient(supernet, mixing, x, cotangent, u)
    const norm = await u.norm()
    u.scale(1 / norm)
    w.axpy(DISTANCE, u)
    const ahead = await logitGradient(supernet, mixing, x, cotangent, gradient)
    w.assign(start)
    w.axpy(-DISTANCE, u)
    const back = await logitGradient(supernet, mixing, x, cotangent, behind)
    gradient.axpy(-1, behind)
    const scale = 1 / (DISTANCE * norm)
    gradient.scale(scale)
    return { value: 2 * Math.log(norm), mixing: combined(scale, ahead, -scale, back) }
  } finally {
    w.assign(start)
    for (const vector of [start, u, behind]) vector.dispose()
  }
}

/** log of the batch mean of Σ_c |z_c(x) − z_c(x + γ x′)|. @param gradient overwritten with its gradient wrt w */
async function logChange(
  supernet: Supernet,
  mixing: Mixing,
  { x, direction }: ZenInputs,
  gradient: WeightVector,
): Promise<Term> {
  const moved = perturb(x, direction, GAMMA)
  const { logits: here } = await supernet.executable.forward(feedOf(x, mixing), 'probe')
  const { logits: there } = await supernet.executable.forward(feedOf(moved, mixing), 'probe')
  const change = here.reduce((sum, z, i) => sum + Math.abs(z - there[i]), 0)
  const cotangent = here.map((z, i) => Math.sign(z - there[i]) / change)
  const behind = supernet.vector()
  try {
    const atX = await logitGradient(supernet, mixing, x, cotangent, gradient)
    const atMoved = await logitGradient(supernet, mixing, moved, cotangent, behind)
    gradient.axpy(-1, behind)
    return { value: Math.log(change / x.size), mixing: combined(1, atX, -1, atMoved) }
  } finally {
    behind.dispose()
  }
}

/** ∇ of Σ cotangent·logits: wrt w into `weights`, wrt the mixing as the result. */
const logitGradient = (
  { executable }: Supernet,
  mixing: Mixing,
  batch: Batch,
  cotangent: Float32Array,
  weights: WeightVector,
) => mixingGradient(executable, feedOf(batch, mixing), mixing, { kind: 'logits', cotangent }, weights)

/** a·x + b·y */
const combined = (a: number, x: MixingGradient, b: number, y: MixingGradient): MixingGradient => ({
  theta: zip(x.theta, y.theta, (p, q) => a * p + b * q),
  edgeWeights: x.edgeWeights.map((p, edge) => a * p + b * y.edgeWeights[edge]),
})
