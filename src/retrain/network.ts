/**
 * Builds the evaluation network of an architecture, and counts its parameters and multiply-accumulates as the papers
 * do.
 */
import type { ImageShape } from '../core/data.ts'
import { macCount, type Network, parameterCount } from '../core/network.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import type { EvaluationNetworkOptions } from '../core/space.ts'
import { type DartsGenotype, darts } from '../spaces/darts/index.ts'

type SizedSettings = Pick<RetrainingSettings, 'network' | 'dropPath'>

export function trainedNetwork(genotype: DartsGenotype, settings: SizedSettings, shape: ImageShape): Network {
  const { auxiliary } = settings.network
  return darts.network(genotype, { ...optionsOf(settings, shape), auxiliary, dropPath: settings.dropPath > 0 })
}

export interface NetworkSize {
  /** Trainable parameters without the auxiliary head, which is dropped after training. */
  readonly parameters: number
  /** Multiply-accumulates for one image, without the auxiliary head. */
  readonly macs: number
}

export function networkSize(genotype: DartsGenotype, settings: SizedSettings, shape: ImageShape): NetworkSize {
  const network = darts.network(genotype, optionsOf(settings, shape))
  return { parameters: parameterCount(network), macs: macCount(network) }
}

function optionsOf({ network }: SizedSettings, shape: ImageShape): EvaluationNetworkOptions {
  const { channels, layers, family, pooledBatchNorm } = network
  return { shape, channels, depth: layers, family, pooledBatchNorm }
}
