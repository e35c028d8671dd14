/** How values lie in memory: [batch, height, width, channels as stored]. */
import type { Value } from '../../core/network.ts'

/** Channels as stored: the next multiple of 4. */
export const lanes = (channels: number): number => Math.ceil(channels / 4) * 4

export interface Extent extends Value {
  readonly pixelsPerSample: number
  /** Numbers a sample. */
  readonly perSample: number
}

/** Of a value with its channels as stored. */
export function extentOf({ height, width, channels }: Value): Extent {
  const stored = lanes(channels)
  const pixelsPerSample = height * width
  return { height, width, channels: stored, pixelsPerSample, perSample: pixelsPerSample * stored }
}
