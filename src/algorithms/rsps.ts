/**
 * RSPS, random search with parameter sharing (Li and Talwalkar: "Random Search and Reproducibility for Neural
 * Architecture Search", UAI 2019). Every weight step trains a uniformly sampled architecture of the supernet. Then
 * uniformly sampled candidates are ranked by their validation accuracy with the shared weights. There are no
 * architecture parameters.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { type Genotype, sample } from '../core/space.ts'
import { rank, rankingOptions, trainOnPaths } from './shared/oneShot.ts'

/** The algorithm `rsps`: trains shared weights on random architectures and ranks random candidates. */
export const rsps = defineAlgorithm({
  name: 'rsps',
  version: 1,
  description: 'Random sampling with shared weights; random candidates ranked on validation images',
  source: 'Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019',
  look: { colour: 'vermilion', dash: 'dashDotted', marker: 'circle' },
  kind: 'supernet',
  options: z.strictObject(rankingOptions),
  check(_, { candidates }) {
    if (candidates > 1) return
    const found = 'candidates=1 ranks nothing: the answer would be one random architecture'
    throw new BenchError('bad-input', `rsps: ${found}; give at least 2`)
  },
  idle: { architecture: 'there are no architecture parameters', stepOrder: 'there are weight steps alone' },
  async search(context, options) {
    const { space, protocol, random } = context
    const supernet = await context.supernet()
    const path = (step: number) => sample(space, random('path', step))
    const candidate = (epoch: number) => (n: number) => sample(space, random('candidate', epoch, n))
    let answer: Genotype = candidate(-1)(0)
    return {
      epochs: protocol.epochs,
      async epoch(index) {
        const trained = await trainOnPaths(context, supernet, index, path)
        const { genotype, ...valid } = await rank(context, supernet, index, options, candidate(index))
        answer = genotype
        return { ...trained, ...valid }
      },
      genotype: () => answer,
      save: async () => ({ network: await supernet.executable.save(), answer: space.format(answer) }),
      restore(state) {
        supernet.executable.restore(state.network as ExecutableState)
        answer = space.parse(state.answer as string)
      },
      dispose: () => supernet.dispose(),
    }
  },
})
