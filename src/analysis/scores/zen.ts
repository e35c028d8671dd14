/**
 * The Zen-score (Lin et al., ICCV 2021) of one draw of weights and inputs, as a training-free score;
 * `analysis/zenScore.ts` has the equation.
 */
import { BenchError } from '../../core/errors.ts'
import { defineScore } from '../../core/score.ts'
import { gaussianBatch, perturb, zenScore } from '../zenScore.ts'
import { liveLayers } from './networks.ts'

/** γ: the size of the perturbation of the input. */
const GAMMA = 1e-2

/**
 * The score `zen`: log of how strongly the features respond to a small change of Gaussian images, plus the logs of the
 * standard deviations by which batch norms divide. Batch norms of operations that do not reach the output count, too,
 * as in the published code.
 */
export const zen = defineScore({
  name: 'zen',
  version: 1,
  description: 'Zen-score: expressivity of the features for Gaussian weights and images',
  source: 'Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition", ICCV 2021',
  better: 'higher',
  reads: 'noise',
  layers: 'network',
  initialisation: 'gaussian',
  async compute({ network, shape, batchSize, open, random }) {
    const norms = network.layers.filter(({ kind }) => kind === 'batchNorm')
    if (norms.length === 0) {
      throw new BenchError('unsupported', `${network.name}: the score zen needs batch norms, and there are none`)
    }
    const live = new Set(liveLayers(network))
    // An observed activation is computed even if it does not reach the output.
    const executable = await open(norms.filter((layer) => !live.has(layer)).map(({ output }) => output))
    const before = await executable.save()
    try {
      const x = gaussianBatch(shape, batchSize, random('zen', 'x'))
      return (await zenScore(executable, x, perturb(x, gaussianBatch(shape, batchSize, random('zen', 'y')), GAMMA)))
        .running
    } finally {
      executable.restore(before)
    }
  },
})
