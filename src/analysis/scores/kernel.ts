/**
 * Scores from the empirical neural tangent kernel Θ = G·Gᵀ of a batch (`analysis/ntk.ts`), where row i of G is the
 * gradient of the sum of sample i's logits: the condition number of Θ (TE-NAS; "NCN" in Zhang's paper on Zen-DARTS),
 * its trace, and its Frobenius norm ("F norm"). One backward pass per image makes them the most expensive scores.
 */
import { defineScore, type ScoreInput } from '../../core/score.ts'
import { type NtkSpectrum, neuralTangentKernel, ntkSpectrum } from '../ntk.ts'

const common = { version: 1, reads: 'images', layers: 'output' } as const

const spectrumOf = (input: ScoreInput): Promise<NtkSpectrum> =>
  input.shared('ntk', async () => ntkSpectrum(await neuralTangentKernel(await input.open(), { batch: input.batch() })))

/** The score `ntk-condition`: λ_max / λ_min of the kernel. */
export const ntkCondition = defineScore({
  ...common,
  name: 'ntk-condition',
  smallestBatch: 2,
  description: 'condition number of the neural tangent kernel (NCN)',
  source: 'Chen, Gong, Wang, "Neural Architecture Search on ImageNet in Four GPU Hours" (TE-NAS), ICLR 2021',
  better: 'lower',
  compute: async (input) => (await spectrumOf(input)).conditionNumber,
})

/** The score `ntk-trace`: log of the trace of the kernel. */
export const ntkTrace = defineScore({
  ...common,
  name: 'ntk-trace',
  description: 'log of the trace of the neural tangent kernel',
  source: 'Shu et al., "NASI: Label- and Data-agnostic NAS at Initialization", ICLR 2022',
  better: 'higher',
  compute: async (input) => Math.log((await spectrumOf(input)).trace),
})

/** The score `ntk-fnorm`: log of the Frobenius norm of the kernel. */
export const ntkFrobenius = defineScore({
  ...common,
  name: 'ntk-fnorm',
  description: 'log of the Frobenius norm of the neural tangent kernel (F norm)',
  source: 'Xu et al., "KNAS: Green Neural Architecture Search", ICML 2021',
  better: 'higher',
  compute: async (input) => Math.log((await spectrumOf(input)).frobeniusNorm),
})
