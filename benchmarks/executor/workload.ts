/** What the benchmarks of the executors have in common: a network, what it is fed, a step on its weights, medians. */
import type { Batch, ImageShape } from '../../src/core/data.ts'
import type { Feed, SgdStep } from '../../src/core/executor.ts'
import type { Network } from '../../src/core/network.ts'
import { random } from '../../src/core/random.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'

export const SGD: SgdStep = { learningRate: 0.025, momentum: 0.9, nesterov: true, weightDecay: 5e-4, clipNorm: 5 }

/** Of ten classes, in colour. */
export const imagesOf = (size: number): ImageShape => ({ height: size, width: size, channels: 3, classes: 10 })

/** The NAS-Bench-201 search network of the papers: normalisations without γ and β. @param size of its images */
export const searchNetwork = (channels: number, depth: number, size: number): Network =>
  nb201.supernet({ shape: imagesOf(size), channels, depth, batchNorm: { affine: false, track: true } })

/** Normal images and uniform labels. */
export function randomBatch({ height, width, channels, classes }: ImageShape, size: number, name = 'feed'): Batch {
  const stream = random(0, name)
  const images = Float32Array.from({ length: size * height * width * channels }, () => stream.normal())
  return { images, labels: Int32Array.from({ length: size }, () => stream.integer(classes)), size }
}

/** Such a batch, all paths at the same weight. */
export const randomFeed = (network: Network, size: number): Feed => ({
  batch: randomBatch({ ...network.values[0], classes: network.classes }, size),
  coefficients: new Float64Array(network.coefficientCount).fill(0.2),
})

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
