/** Full trainings in words. */
import { pluralize } from '../../core/plainText.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'

/** `preset trial, 10 epochs, 2000 training images at 16×16, batch 64, C=8, 5 cells` */
export function settingsText({ preset, epochs, batchSize, network, data }: RetrainingSettings): string {
  const { limit, imageSize } = data
  const images = `${limit === null ? 'all training images' : pluralize(limit, 'training image')}${imageSize === null ? '' : ` at ${imageSize}×${imageSize}`}`
  return `preset ${preset}, ${pluralize(epochs, 'epoch')}, ${images}, batch ${batchSize}, C=${network.channels}, ${pluralize(network.layers, 'cell')}`
}
