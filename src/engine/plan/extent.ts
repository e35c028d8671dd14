/** How the static plans store a value: [batch, height, width, channels], the channels padded to a multiple of 4. */
import type { Value } from '../../core/network.ts'

/** Rounds a number of channels up to the next multiple of 4. */
export const padTo4 = (channels: number): number => Math.ceil(channels / 4) * 4

/** The sizes of a stored value; `channels` includes the padding. */
export interface Extent extends Value {
  readonly pixelsPerSample: number
  /** Floats of one sample. */
  readonly perSample: number
}

/** Computes the stored sizes of a value. */
export function extentOf({ height, width, channels }: Value): Extent {
  const stored = padTo4(channels)
  const pixelsPerSample = height * width
  return { height, width, channels: stored, pixelsPerSample, perSample: pixelsPerSample * stored }
}
