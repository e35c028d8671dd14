/**
 * OLES, operation-level early stopping (Jiang, Ji, Zhu, Yuan, Huang: "Operation-Level Early Stopping for Robustifying
 * Differentiable NAS", NeurIPS 2023). DARTS in which an operation stops to learn when it begins to overfit: when the
 * gradient of its weights on the training batch no longer points where the gradient on the validation batch does.
 *
 *     GM_o = mean over tensors and filter positions of cos(g_o, ∂L_train/∂w_o), averaged over 20 steps
 *
 * Where GM_o is below 0.4 the weights of the operation, in its edge and cell, are frozen for good; α goes on. ∂L_train is
 * the clipped gradient of the last weight step. In the paper g_o is ∂L_val/∂w_o, that of the architecture step after it.
 * In the authors' code (`PasaLab/oles`) it is ∂L_val/∂w_o + ∂L_train/∂w_o, since the buffers still hold the training
 * gradient. The threshold of 0.4 belongs to this sum: two gradients of equal length that have nothing in common give
 * 0.71, and a validation gradient 2.3 times as long gives 0.4. On small networks the paper's cosine is below 0.4 at once.
 * (Their windows sum 21 steps and divide by 20; frozen weights keep momentum and decay in older PyTorch.)
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { WeightVector } from '../core/executor.ts'
import { onceEach } from '../core/onceEach.ts'
import { pluralize } from '../core/plainText.ts'
import type { Supernet } from '../core/supernet.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { choice, count, number } from './shared/options.ts'
import { clearGroups, clippingFactor, descend, gradientMatching, parameterGroups } from './shared/weightSteps.ts'

/**
 * What OLES remembers from step to step: the network weights' clipped gradient in the last weight step; each group's sum of
 * gradient matching scores over the steps of the current window, and the number of these steps; and which groups are
 * frozen.
 */
interface OlesMemory {
  readonly training?: Float32Array
  readonly sums: readonly number[]
  readonly steps: number
  readonly frozen: readonly boolean[]
}

/** The algorithm `oles`: DARTS that freezes the weights of operations whose gradients stop matching. */
export const oles = defineAlgorithm({
  name: 'oles',
  version: 2,
  description: 'DARTS that freezes the weights of an operation when its training and validation gradients diverge',
  source: 'Jiang et al., "Operation-Level Early Stopping for Robustifying Differentiable NAS", NeurIPS 2023',
  look: { colour: 'orange', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  options: z.strictObject({
    threshold: number(0.4, 'mean score below which an operation is frozen (train_search.py, patience)', -1),
    compared: choice(['sum', 'validation'], 'sum', 'g: the sum (the authors’ code) or validation alone (the paper)'),
    window: count(20, 'steps over which the score is averaged (train_search.py, count)'),
  }),
  check({ protocol: { epochs }, mostSteps = Number.POSITIVE_INFINITY }, { window }) {
    // One step has no score or comes after the last weight step, by the order of the two steps.
    const scores = epochs * mostSteps - 1
    if (window <= scores) return
    const found = `window=${window} freezes nothing in a search of ${pluralize(scores + 1, 'weight step')}`
    throw new BenchError('bad-input', `oles: ${found}; give at most ${scores}, or more epochs or images`)
  },
  search(context, { threshold, compared, window }) {
    let memory: OlesMemory = { sums: [], steps: 0, frozen: [] }
    const groupsOf = onceEach(parameterGroups)
    const frozenIn = ({ executable }: Supernet) => groupsOf(executable.network).filter((_, at) => memory.frozen[at])

    /**
     * Adds a step's gradient matching scores to the current window of steps. At the end of the window, freezes
     * operations and stops their momentum.
     */
    async function score(supernet: Supernet, validation: Float32Array): Promise<void> {
      const { training } = memory
      if (training === undefined) return
      const groups = groupsOf(supernet.executable.network)
      if (compared === 'sum') for (let i = 0; i < validation.length; i++) validation[i] += training[i]
      const sums = groups.map((group, at) => (memory.sums[at] ?? 0) + gradientMatching(group, validation, training))
      const steps = memory.steps + 1
      memory = { ...memory, sums, steps }
      if (steps < window) return
      const frozen = sums.map((sum, at) => memory.frozen[at] || sum / steps < threshold)
      memory = { training, sums: [], steps: 0, frozen }
      await clearGroups(supernet.momentum, frozenIn(supernet))
    }

    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      async gradient({ supernet, relaxation, parameters, validBatch }) {
        const { mixing, pullback } = relaxation.relax(parameters)
        const weights = supernet.vector()
        try {
          const result = await supernet.gradient(validBatch, mixing, { weights })
          await score(supernet, await weights.read())
          return { ...result, parameters: pullback(result.mixing) }
        } finally {
          weights.dispose()
        }
      },
      async weightStep({ supernet, batch, mixing, sgd }) {
        const gradient = supernet.vector()
        try {
          const result = await supernet.gradient(batch, mixing, { weights: gradient })
          const freeze = (vector: WeightVector) => clearGroups(vector, frozenIn(supernet))
          await freeze(gradient)
          gradient.scale(await clippingFactor(gradient, sgd))
          memory = { ...memory, training: await gradient.read() }
          await descend(supernet, gradient, sgd, freeze)
          return result
        } finally {
          gradient.dispose()
        }
      },
      memory: {
        save: () => memory,
        restore(saved) {
          memory = saved as OlesMemory
        },
      },
      extra: () => ({ frozenOperations: memory.frozen.filter(Boolean).length }),
    })
  },
})
