/**
 * Random search: samples architectures uniformly and independently and answers with the one of best validation
 * accuracy. Every other search has to beat this baseline (Li and Talwalkar 2019; Yang, Esperança, Carlucci 2020).
 *
 * Under a time budget it samples until the budget is spent; the row "Random (baseline)" of NAS-Bench-201's tables has a
 * budget of 12,000 s. Without a budget it samples 100 architectures, about as many as that budget allows on CIFAR-10.
 * With `evaluations=1` it answers with the first sampled architecture and queries no accuracy; its table row is then
 * the mean accuracy of random architectures.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { sample } from '../core/space.ts'
import { blackBoxSearch, evaluations, fixed, oneByOne } from './shared/blackBox.ts'

/** The algorithm `random`: evaluates random architectures and answers with the best. */
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
