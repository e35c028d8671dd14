/**
 * Probe of zero-cost proxies: the Zen-score and the neural tangent kernel of the derived architecture's untrained
 * network.
 */
import { z } from 'zod'
import type { Batch, ImageShape } from '../../core/data.ts'
import type { Network } from '../../core/network.ts'
import type { ProbeContext } from '../../core/probe.ts'
import { initialWeights } from '../../training/initialise.ts'
import { neuralTangentKernel, ntkSpectrum } from '../ntk.ts'
import { zenScoreOf } from '../zenScore.ts'
import { defineProbe, every } from './definition.ts'

export interface ProxiesRecord {
  /**
   * Mean of the Zen-score over the draws of weights and inputs; `zenScoreStd` is its standard deviation (ddof 1; absent
   * for one draw). Both are absent if the features do not depend on the image (score log 0), as with `none` on all
   * edges.
   */
  readonly zenScore?: number
  readonly zenScoreStd?: number
  /** Condition number λ_max / λ_min of the neural tangent kernel; absent if the kernel is singular. */
  readonly ntkConditionNumber?: number
  /** Natural logarithm of the neural tangent kernel's trace; absent if the trace is 0. */
  readonly ntkLogTrace?: number
}

const options = z.object({
  every: every(1),
  /** Number of draws of weights and inputs over which the Zen-score is averaged. */
  repeats: z.coerce.number().int().min(1).default(4),
  /** Number of images in the batch for the Zen-score and the neural tangent kernel. */
  batch: z.coerce.number().int().min(2).default(16),
})

export const proxiesProbe = defineProbe({
  name: 'proxies',
  description: 'zen-score and neural tangent kernel of the derived architecture, untrained',
  options,
  async measure(search, context, { repeats, batch }): Promise<ProxiesRecord> {
    const { shape, validation } = await context.data()
    const { channels, depth, family } = context.protocol.network
    const network = context.space.network(search.genotype(), { shape, channels, depth, ...(family && { family }) })
    const zen = await zenScoreOf(context.executor, network, shape, context.random('zen'), { batchSize: batch, repeats })
    const kernel = await kernelOf(network, context, head(await validation.batch(0), batch, shape))
    return {
      ...(zen.mean !== Number.NEGATIVE_INFINITY && {
        zenScore: zen.mean,
        ...(zen.std !== undefined && { zenScoreStd: zen.std }),
      }),
      ...(kernel.conditionNumber !== Number.POSITIVE_INFINITY && { ntkConditionNumber: kernel.conditionNumber }),
      ...(kernel.trace !== 0 && { ntkLogTrace: Math.log(kernel.trace) }),
    }
  },
})

async function kernelOf(network: Network, { executor, random }: ProbeContext, batch: Batch) {
  const executable = await executor.compile(network, { batchSize: batch.size })
  try {
    executable.weights.write(initialWeights(network, random('ntk')))
    return ntkSpectrum(await neuralTangentKernel(executable, { batch }))
  } finally {
    executable.dispose()
  }
}

/** Returns a batch of the first `count` images of a batch. */
function head({ images, labels, size }: Batch, count: number, { height, width, channels }: ImageShape): Batch {
  const kept = Math.min(count, size)
  return { images: images.slice(0, kept * height * width * channels), labels: labels.slice(0, kept), size: kept }
}
