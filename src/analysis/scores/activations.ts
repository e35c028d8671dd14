/**
 * Scores computed from which ReLUs are active, and from the Jacobian of the logits with respect to the image.
 *
 * `naswot` (Mellor et al.: "Neural Architecture Search without Training", ICML 2021): log |K| of K = Σ over ReLUs of
 * c·cᵀ + (1 − c)·(1 − c)ᵀ, where c [image, unit] is 1 where the input of a ReLU is positive, else 0. In the published
 * code every convolution has its own ReLU, so a ReLU whose output k convolutions read counts k times here.
 */

import type { Network, ValueId } from '../../core/network.ts'
import { defineScore, type ScoreInput } from '../../core/score.ts'
import { initialWeights } from '../../training/initialise.ts'
import { symmetricEigenvalues } from '../hessian.ts'
import { gaussianBatch } from '../zenScore.ts'
import { readsOf } from './networks.ts'

/** Returns the ReLUs of a network: for each, the activation that it reads, and how many layers read its output. */
function relusOf(network: Network): { readonly input: ValueId; readonly readers: number }[] {
  const reads = readsOf(network)
  return network.layers.flatMap((layer) =>
    layer.kind === 'relu' ? [{ input: layer.input, readers: Math.max(1, reads[layer.output]) }] : [],
  )
}

/**
 * The score `naswot`: log |K|, where the entry of K for two images is the number of ReLU units that are active for both
 * or inactive for both.
 */
export const naswot = defineScore({
  name: 'naswot',
  version: 1,
  description: 'log-determinant of how alike the ReLUs decide for the images of a batch',
  source: 'Mellor et al., "Neural Architecture Search without Training", ICML 2021',
  better: 'higher',
  reads: 'images',
  layers: 'network',
  async compute(input) {
    const relus = relusOf(input.network)
    const executable = await input.open(relus.map((relu) => relu.input))
    const batch = input.batch()
    const { observed } = await executable.forward({ batch }, 'probe')
    const { size } = batch
    const kernel = Array.from({ length: size }, () => new Float64Array(size))
    observed.forEach((value, i) => {
      addAgreements(kernel, value, relus[i].readers)
    })
    return logDeterminant(kernel)
  },
})

/**
 * Adds to each entry of `kernel` (a pair of samples) `times` the number of elements whose signs agree in both samples.
 * @param value [sample][element]
 */
function addAgreements(kernel: readonly Float64Array[], value: Float32Array, times: number): void {
  const samples = kernel.length
  const entries = value.length / samples
  const codes = kernel.map((_, sample) => signCode(value.subarray(sample * entries, (sample + 1) * entries)))
  for (let a = 0; a < samples; a++) {
    kernel[a][a] += times * entries
    for (let b = 0; b < a; b++) {
      const agreements = times * (entries - differingBits(codes[a], codes[b]))
      kernel[a][b] += agreements
      kernel[b][a] += agreements
    }
  }
}

/** Returns one bit for each value, 1 if it is positive, packed into 32-bit words. */
function signCode(values: Float32Array): Int32Array {
  const code = new Int32Array(Math.ceil(values.length / 32))
  for (let word = 0, at = 0; word < code.length; word++) {
    let bits = 0
    const end = Math.min(values.length, at + 32)
    for (let bit = 0; at < end; at++, bit++) if (values[at] > 0) bits |= 1 << bit
    code[word] = bits
  }
  return code
}

function differingBits(a: Int32Array, b: Int32Array): number {
  let count = 0
  for (let word = 0; word < a.length; word++) {
    let bits = a[word] ^ b[word]
    bits -= (bits >>> 1) & 0x55555555
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
    count += (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
  }
  return count
}

/**
 * Returns log |K| of a positive semidefinite matrix K, by its Cholesky decomposition; −∞ if K is singular in double
 * precision.
 */
export function logDeterminant(matrix: readonly ArrayLike<number>[]): number {
  const factor: Float64Array[] = []
  let sum = 0
  for (let i = 0; i < matrix.length; i++) {
    const row = new Float64Array(i + 1)
    for (let j = 0; j <= i; j++) {
      const above = j < i ? factor[j] : row
      let left = matrix[i][j]
      for (let k = 0; k < j; k++) left -= row[k] * above[k]
      if (j < i) row[j] = left / factor[j][j]
      else if (left <= matrix[i][i] * 1e-14) return Number.NEGATIVE_INFINITY
      else {
        row[i] = Math.sqrt(left)
        sum += Math.log(left)
      }
    }
    factor.push(row)
  }
  return sum
}

/** Constant k of the score `jacov`, added to every eigenvalue so that none is 0; as in the published code. */
const OFFSET = 1e-5

/**
 * The score `jacov` (the first version of Mellor et al., 2020): −Σ_v [log(v + k) + 1/(v + k)] with k = 1e-5, over the
 * eigenvalues v of the matrix of correlations between the Jacobians of the batch's images. The Jacobian of an image is
 * the gradient of the sum of all logits with respect to the image.
 */
export const jacov = defineScore({
  name: 'jacov',
  version: 1,
  description: 'how little the Jacobians of the logits correlate between the images of a batch',
  source: 'Mellor et al., "Neural Architecture Search without Training", 2020 (version 1)',
  better: 'higher',
  reads: 'images',
  layers: 'output',
  async compute(input) {
    const executable = await input.open([0])
    const batch = input.batch()
    const cotangent = new Float32Array(batch.size * input.network.classes).fill(1)
    const { observed = [] } = await executable.gradient(
      { batch },
      { kind: 'logits', cotangent },
      { observed: true },
      'probe',
    )
    const correlations = correlationMatrix(observed[0].gradient, batch.size)
    if (correlations === undefined) return Number.NEGATIVE_INFINITY
    return symmetricEigenvalues(correlations).reduce(
      (sum, v) => sum - Math.log(Math.max(0, v) + OFFSET) - 1 / (Math.max(0, v) + OFFSET),
      0,
    )
  },
})

/** Returns Pearson's correlations of the rows; undefined if a row is constant. @param values [row][entry] */
function correlationMatrix(values: Float32Array, rows: number): number[][] | undefined {
  const entries = values.length / rows
  const centred = Array.from({ length: rows }, (_, row) => {
    const own = Float64Array.from(values.subarray(row * entries, (row + 1) * entries))
    const mean = own.reduce((sum, value) => sum + value, 0) / entries
    return own.map((value) => value - mean)
  })
  const dot = (a: Float64Array, b: Float64Array) => {
    let sum = 0
    for (let i = 0; i < entries; i++) sum += a[i] * b[i]
    return sum
  }
  const norms = centred.map((row) => Math.sqrt(dot(row, row)))
  if (norms.some((norm) => !(norm > 0))) return undefined
  return centred.map((a, i) => centred.map((b, j) => (i === j ? 1 : dot(a, b) / (norms[i] * norms[j]))))
}

/** The number of Gaussian images that `linear-regions` draws, as in TE-NAS. */
const REGION_SAMPLES = 1000
/** Side of these images in pixels. TE-NAS uses 3; our networks halve the images twice, for which 4 is the least. */
const REGION_SIDE = 4

/**
 * The score `linear-regions` (Chen et al.: "Neural Architecture Search on ImageNet in Four GPU Hours", ICLR 2021): the
 * number of different patterns of active ReLUs among 1,000 Gaussian images of 4×4 pixels and one channel, in the
 * network with one channel and one cell per stage (kaiming initialisation). Each pattern is one linear region of the
 * network.
 */
export const linearRegions = defineScore({
  name: 'linear-regions',
  version: 1,
  description: 'number of linear regions that 1,000 small Gaussian images fall into',
  source: 'Chen, Gong, Wang, "Neural Architecture Search on ImageNet in Four GPU Hours" (TE-NAS), ICLR 2021',
  better: 'higher',
  reads: 'noise',
  layers: 'output',
  initialisation: 'kaiming',
  async compute(input) {
    const shape = { ...input.shape, height: REGION_SIDE, width: REGION_SIDE, channels: 1 }
    return countRegions(input, input.resized({ shape, channels: 1, depth: 1 }))
  },
})

/** Returns the number of different patterns of active ReLUs among Gaussian images in the given network. */
async function countRegions({ executor, random }: ScoreInput, network: Network): Promise<number> {
  const observed = [...new Set(relusOf(network).map(({ input }) => input))]
  const executable = await executor.compile({ ...network, observed }, { batchSize: REGION_SAMPLES })
  try {
    executable.weights.write(initialWeights(network, random('regions', 'weights'), 'kaiming'))
    const { height, width, channels } = network.values[0]
    const shape = { height, width, channels, classes: network.classes }
    const batch = gaussianBatch(shape, REGION_SAMPLES, random('regions', 'images'))
    return distinctPatterns((await executable.forward({ batch }, 'probe')).observed, REGION_SAMPLES)
  } finally {
    executable.dispose()
  }
}

/**
 * Returns the number of different sign patterns among the samples. @param observed activations, each [sample][element]
 */
export function distinctPatterns(observed: readonly Float32Array[], samples: number): number {
  const codes = Array.from({ length: samples }, (_, sample) =>
    observed
      .map((value) => {
        const entries = value.length / samples
        return signCode(value.subarray(sample * entries, (sample + 1) * entries)).join()
      })
      .join(),
  )
  return new Set(codes).size
}
