/** Mean and deviation of each channel, for normalising images. */
import type { ImageSet } from '../dataset.ts'

export interface ChannelStatistics {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** CIFAR-10 training set; the figures of DARTS' code and its descendants (`quark0/darts: cnn/utils.py`). */
export const CIFAR10: ChannelStatistics = {
  mean: [0.49139968, 0.48215827, 0.44653124],
  std: [0.24703233, 0.24348505, 0.26158768],
}

/** CIFAR-100 training set; the figures of NAS-Bench-201's code (`D-X-Y/AutoDL-Projects: lib/datasets`). */
export const CIFAR100: ChannelStatistics = {
  mean: [129.3 / 255, 124.1 / 255, 112.4 / 255],
  std: [68.2 / 255, 65.4 / 255, 70.4 / 255],
}

/** ImageNet16-120; the figures of NAS-Bench-201's code (`D-X-Y/AutoDL-Projects: lib/datasets`). */
export const IMAGENET16: ChannelStatistics = {
  mean: [122.68 / 255, 116.66 / 255, 104.01 / 255],
  std: [63.22 / 255, 61.26 / 255, 65.09 / 255],
}

/** ImageNet; the figures that the whole field uses (`pytorch/vision: references/classification`). */
export const IMAGENET: ChannelStatistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/**
 * Mean and (population) deviation of each channel over all pixels, in units of 0 … 1. Exact: from a histogram. A
 * channel that never varies gets deviation 1, so that it normalises to zeros.
 */
export function channelStatistics({ pixels }: ImageSet, channels: number): ChannelStatistics {
  const histograms = Array.from({ length: channels }, () => new Float64Array(256))
  for (let at = 0; at < pixels.length; at += channels) {
    for (let channel = 0; channel < channels; channel++) histograms[channel][pixels[at + channel]]++
  }
  const count = pixels.length / channels
  const mean = histograms.map((histogram) => moment(histogram, (value) => value) / count)
  const variance = histograms.map(
    (histogram, i) => moment(histogram, (value) => (value - mean[i]) * (value - mean[i])) / count,
  )
  return { mean, std: variance.map((v) => (v > 0 ? Math.sqrt(v) : 1)) }
}

/** Σ f(value) over the histogram, values in 0 … 1. */
function moment(histogram: Float64Array, f: (value: number) => number): number {
  return histogram.reduce((sum, n, value) => sum + n * f(value / 255), 0)
}

/** For each channel, the 256 normalised values of its 256 intensities, one channel after the other. */
export function normalisationTable({ mean, std }: ChannelStatistics): Float32Array {
  return Float32Array.from({ length: 256 * mean.length }, (_, i) => {
    const channel = i >>> 8
    return ((i & 255) / 255 - mean[channel]) / std[channel]
  })
}
