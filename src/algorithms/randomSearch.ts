/**
 * Random search: architectures drawn uniformly and independently, the best by validation accuracy is the answer. The
 * baseline that every search has to beat (Li and Talwalkar 2019; Yang, Esperança, Carlucci 2020).
 *
 * Under a budget it samples until the clock is up: the "Random (baseline)" row of NAS-Bench-201's tables is a budget of
 * 12,000 s. Without one it samples 100 architectures, about what that budget pays for on CIFAR-10. `evaluations=1` is the
 * first sample alone: no number is asked for, and the row says what the space gives to chance.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { sample } from '../core/space.ts'
import { blackBoxSearch, evaluations, oneByOne } from './blackBox/blackBox.ts'
import { fixed } from './fixed.ts'

export const randomSearch = defineAlgorithm({
  name: 'random',
  version: 1,
  description: 'Uniform random sampling, without training; answers the best by validation accuracy',
  source: 'Li and Talwalkar, "Random Search and Reproducibility for NAS", UAI 2019',
  look: { colour: 'grey', dash: 'dashed', marker: 'crossRot' },
  kind: 'black-box',
  options: z.strictObject({ evaluations }),
  check({ fidelities }, options) {
    if (options.evaluations !== 1) fidelities()
  },
  async search(context, options) {
    const { space } = context
    const stream = context.random('sample')
    if (options.evaluations === 1) return fixed(sample(space, stream))
    return blackBoxSearch(context, options.evaluations, (ask) => oneByOne(() => sample(space, stream), ask))
  },
})
