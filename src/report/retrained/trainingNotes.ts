/** Full trainings in words. */
import type { RetrainingSettings } from '../../core/retraining.ts'

/** `preset trial, 10 epochs, 2000 training images at 16×16, batch 64, C=8, 5 cells` */
export function settingsText({ preset, epochs, batchSize, network, data }: RetrainingSettings): string {
  const { limit, imageSize } = data
  const images = `${limit ?? 'all'} training images${imageSize === null ? '' : ` at ${imageSize}×${imageSize}`}`
  return `preset ${preset}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}, ${images}, batch ${batchSize}, C=${network.channels}, ${network.layers} cells`
}
