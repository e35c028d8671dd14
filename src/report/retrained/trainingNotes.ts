/** Full trainings in words. */
import { counted } from '../../core/plainText.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'

/** `preset trial, 10 epochs, 2000 training images at 16×16, batch 64, C=8, 5 cells` */
export function settingsText({ preset, epochs, batchSize, network, data }: RetrainingSettings): string {
  const { limit, imageSize } = data
  const images = `${limit === null ? 'all training images' : counted(limit, 'training image')}${imageSize === null ? '' : ` at ${imageSize}×${imageSize}`}`
  return `preset ${preset}, ${counted(epochs, 'epoch')}, ${images}, batch ${batchSize}, C=${network.channels}, ${counted(network.layers, 'cell')}`
}
