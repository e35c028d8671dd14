/**
 * SETN (Dong and Yang: "One-Shot Neural Architecture Search via Self-Evaluated Template Network", ICCV 2019). The shared
 * weights are trained on uniformly drawn architectures, so that none is favoured; meanwhile α learns, by DARTS' first-order
 * gradient of the mixture on the validation half, which architectures deserve to be tried (the paper's evaluator). At
 * the end candidates are drawn from softmax(α) and ranked by the shared weights.
 *
 * The benchmark's code ranks the most probable architectures in place of drawn ones, which needs all of them to be listed.
 * A candidate takes each edge's operation with its probability: the largest entry of a Gumbel draw, which on the DARTS
 * space also decides which edges are kept, by the space's own rule.
 */
import { z } from 'zod'
import { defineAlgorithm, type Search } from '../core/algorithm.ts'
import { type Genotype, sample } from '../core/space.ts'
import { gumbelSoftmax } from './distributions/gumbel.ts'
import { softmaxRelaxation } from './distributions/softmax.ts'
import { bilevelSearch, initialParameters } from './supernet/bilevel.ts'
import { alone, rank, rankingOptions } from './supernet/sharedWeights.ts'

export const setn = defineAlgorithm({
  name: 'setn',
  version: 1,
  description: 'Uniformly sampled weight training; candidates drawn from learnt probabilities are ranked',
  source: 'Dong and Yang, "One-Shot Neural Architecture Search via Self-Evaluated Template Network", ICCV 2019',
  look: { colour: 'olive', dash: 'dashDotted', marker: 'circle' },
  kind: 'supernet',
  options: z.strictObject(rankingOptions),
  async search(context, options): Promise<Search> {
    const { space, random } = context
    const training = await bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      weightMixing: (stream) => alone(space, sample(space, stream)),
    })
    const { supernet, parameters } = training.relaxed
    const candidate = (epoch: number) => (n: number) =>
      space.derive(gumbelSoftmax(parameters(), 1, random('candidate', epoch, n)))
    let answer: Genotype = training.genotype()
    return {
      ...training,
      async epoch(index) {
        const trained = await training.epoch(index)
        const { genotype, validAccuracyPct } = await rank(context, supernet, index, options, candidate(index))
        answer = genotype
        return { ...trained, extra: { rankedAccuracyPct: validAccuracyPct } }
      },
      genotype: () => answer,
      save: async () => ({ training: await training.save(), answer: space.format(answer) }),
      async restore(state) {
        await training.restore(state.training as Awaited<ReturnType<Search['save']>>)
        answer = space.parse(state.answer as string)
      },
    }
  },
})
