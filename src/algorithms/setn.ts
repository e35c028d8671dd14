/**
 * SETN (Dong and Yang: "One-Shot Neural Architecture Search via Self-Evaluated Template Network", ICCV 2019). The
 * shared weights are trained on uniformly sampled architectures, so that none is favoured. Meanwhile α is trained by
 * DARTS' first-order gradient on the architecture half, to learn which architectures are worth trying (the paper's
 * evaluator). At the end, candidates are sampled from softmax(α) and ranked by their accuracy with the shared weights.
 *
 * NAS-Bench-201's code ranks the most probable architectures instead of sampled ones, which requires a list of all
 * architectures. A candidate here takes, on each edge, the operation with the largest entry of a Gumbel-softmax sample,
 * which has the probabilities softmax(α); on the DARTS space the sample also decides, by the discretisation rule of
 * that space, which edges are kept.
 */
import { z } from 'zod'
import { defineAlgorithm, type Search } from '../core/algorithm.ts'
import { type Genotype, sample } from '../core/space.ts'
import { gumbelSoftmax, softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { onlyPath, rank, rankingOptions } from './shared/oneShot.ts'

/** The algorithm `setn`: trains shared weights on random architectures and ranks candidates sampled from softmax(α). */
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
      weightMixing: (stream) => onlyPath(space, sample(space, stream)),
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
