/** The protocol of runs that were imported from other programs. Their settings are unknown. */
import type { Headline, Protocol } from '../core/protocol.ts'

/** Name of the protocol of imported runs. No preset has it, so that no run of this program shares it. */
export const IMPORTED = 'imported'

/**
 * Returns the protocol of imported runs. Only its name and its reported columns mean something; the settings have the
 * smallest values that the form of a record allows, and nothing shows them.
 * @param headline table columns to report, by the dataset that was searched on
 */
export const importedProtocol = (headline: Readonly<Record<string, readonly Headline[]>>): Protocol => ({
  name: IMPORTED,
  epochs: 0,
  batchSize: 1,
  weights: {
    learningRate: 0,
    learningRateMin: 0,
    momentum: 0,
    nesterov: false,
    weightDecay: 0,
    clipNorm: null,
  },
  architecture: { learningRate: 0, adamBetas: [0, 0], epsilon: 0, weightDecay: 0 },
  network: { channels: 1, depth: 1, affine: false, track: false },
  stepOrder: 'architecture-first',
  data: { trainPortion: 0, cropPadding: 0, flip: false, cutout: 0, imageSize: null, limit: null },
  headline,
})
