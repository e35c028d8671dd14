/**
 * Scores that compare the gradients g_i of the loss on several batches i at the initial weights:
 *
 *     mgm   mean over pairs of batches i, j of ⟨g_i, g_j⟩                                         (KNAS, mean of the Gram matrix)
 *     zico  Σ_layers log Σ_w mean_i |g_i| / std_i(g_i)                                              (ZiCo, eq. 4)
 *
 * ZiCo's paper divides by the standard deviation of |g|, its code by that of g; we follow the code. Weights whose
 * deviation is 0 are left out, as in the code. Both scores cover filters and linear weights only.
 */
import { defineScore, type ScoreInput } from '../../core/score.ts'
import { normOf } from './baselines.ts'
import { lossGradient } from './gradients.ts'
import { weightRanges } from './networks.ts'

const common = { version: 1, better: 'higher', reads: 'labels', layers: 'output' } as const
const MGM_BATCHES = 4
const ZICO_BATCHES = 2

async function gradientsOf(input: ScoreInput, batches: number): Promise<Float32Array[]> {
  const gradients: Float32Array[] = []
  for (let batch = 0; batch < batches; batch++) gradients.push(await lossGradient(input, batch))
  return gradients
}

/** The score `mgm`: the mean, over all pairs of four batches, of the inner product of their gradients. */
export const mgm = defineScore({
  ...common,
  name: 'mgm',
  description: 'mean inner product of the gradients of four batches',
  source: 'Xu et al., "KNAS: Green Neural Architecture Search", ICML 2021',
  async compute(input) {
    const gradients = await gradientsOf(input, MGM_BATCHES)
    // The mean over all pairs is the squared norm of the mean gradient.
    let sum = 0
    for (const [from, to] of weightRanges(input.network)) {
      for (let i = from; i < to; i++) {
        const mean = gradients.reduce((total, gradient) => total + gradient[i], 0) / gradients.length
        sum += mean * mean
      }
    }
    return sum
  },
})

/**
 * The score `mgm-outputs`: the mean of the Gram matrix Θ whose rows and columns are samples, each represented by the
 * gradient of the sum of its logits; it needs no labels. The mean over all pairs is the squared norm of the mean
 * gradient, so a single backward pass suffices.
 */
export const mgmOutputs = defineScore({
  ...common,
  name: 'mgm-outputs',
  reads: 'images',
  description: 'mean of the Gram matrix of the gradients of the samples’ outputs',
  source: 'Xu et al., "KNAS: Green Neural Architecture Search", ICML 2021',
  async compute(input) {
    const executable = await input.open()
    const batch = input.batch()
    const cotangent = new Float32Array(batch.size * input.network.classes).fill(1 / batch.size)
    const gradient = executable.vector()
    try {
      await executable.gradient({ batch }, { kind: 'logits', cotangent }, { weights: gradient }, 'probe')
      const g = await gradient.read()
      return weightRanges(input.network).reduce((sum, [from, to]) => sum + squared(normOf(g, from, to)), 0)
    } finally {
      gradient.dispose()
    }
  },
})

/** The score `zico`: Σ over layers of the log of Σ mean|g| / std(g) over two batches. */
export const zico = defineScore({
  ...common,
  name: 'zico',
  description: 'mean over deviation of the gradients between two batches, log per layer',
  source: 'Li et al., "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients", ICLR 2023',
  async compute(input) {
    const gradients = await gradientsOf(input, ZICO_BATCHES)
    return weightRanges(input.network).reduce((score, [from, to]) => {
      let sum = 0
      for (let i = from; i < to; i++) sum += inverseVariation(gradients, i)
      // Layers without a gradient have no logarithm, and are left out, as in the code.
      return sum === 0 ? score : score + Math.log(sum)
    }, 0)
  },
})

/** Returns mean|g| / std(g) of one weight over the batches; 0 if the deviation is 0. */
function inverseVariation(gradients: readonly Float32Array[], at: number): number {
  const count = gradients.length
  let [sum, absolute] = [0, 0]
  for (const gradient of gradients) {
    sum += gradient[at]
    absolute += Math.abs(gradient[at])
  }
  const mean = sum / count
  let squares = 0
  for (const gradient of gradients) squares += squared(gradient[at] - mean)
  return squares === 0 ? 0 : absolute / count / Math.sqrt(squares / count)
}

const squared = (value: number): number => value * value
