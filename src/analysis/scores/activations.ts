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
  smallestBatch: 2,
  layers: 'network',
  async compute(input) {
    const relus = relusOf(input.network)
    const executable = await input.open(relus.map((relu) => relu.input))
    const batch = input.batch()
    const { observed } = await executable.forward({ batch }, 'probe')
    const kernel = agreements(
      observed.map((value, i) => ({ value, times: relus[i].readers })),
      batch.size,
    )
    return logDeterminant(kernel)
  },
})

/** The values of a ReLU's input, [sample][unit], and how many times the ReLU counts. */
interface CountedInput {
  readonly value: Float32Array
  readonly times: number
}

/**
 * Returns the kernel of `naswot`: for each pair of samples the number of ReLU units that are active for both or
 * inactive for both. Each unit gives one byte for every eight samples, with a bit for each sample. For each pair of
 * these groups of eight, the units are counted by their two bytes; the counts of all 64 pairs of samples follow from
 * that table. This reads the units eight times less often than comparing each pair of samples.
 */
export function agreements(inputs: readonly CountedInput[], samples: number): Float64Array[] {
  const groups = Math.ceil(samples / 8)
  const codes = inputs.map(({ value }) => activityBytes(value, samples))
  const bothActive = Array.from({ length: samples }, () => new Float64Array(samples))
  const counts = new Int32Array(1 << 16)
  for (let first = 0; first < groups; first++) {
    for (let second = 0; second <= first; second++) {
      counts.fill(0)
      inputs.forEach(({ times }, i) => {
        countPairs(counts, codes[i][first], codes[i][second], times)
      })
      addBothActive(bothActive, counts, 8 * first, 8 * second)
    }
  }
  const units = inputs.reduce((sum, { value, times }) => sum + (times * value.length) / samples, 0)
  return bothActive.map((row, a) =>
    row.map((_, b) => {
      const both = a > b ? row[b] : bothActive[b][a]
      return units - row[a] - bothActive[b][b] + 2 * both
    }),
  )
}

/**
 * Returns for each group of eight samples a byte per unit: bit s is set if the unit is active for sample s of the
 * group.
 */
function activityBytes(value: Float32Array, samples: number): Uint8Array[] {
  const bits = new Int32Array(value.buffer, value.byteOffset, value.length)
  const units = value.length / samples
  const groups: Uint8Array[] = []
  for (let first = 0; first < samples; first += 8) {
    const bytes = new Uint8Array(units)
    writeActivity(bytes, bits, first * units, Math.min(8, samples - first))
    groups.push(bytes)
  }
  return groups
}

/** Writes the byte of each unit, for `samples` samples whose values follow each other from index `start`. */
function writeActivity(bytes: Uint8Array, bits: Int32Array, start: number, samples: number): void {
  const units = bytes.length
  for (let unit = 0; unit < units; unit++) {
    let byte = 0
    for (let sample = 0, at = start + unit; sample < samples; sample++, at += units) {
      byte |= isPositive(bits[at]) << sample
    }
    bytes[unit] = byte
  }
}

/**
 * Returns 1 if a float is positive, else 0, also for NaN. @param bits the float's 32 bits. Half of all units are
 * active, in no order that a processor could predict, so a comparison with a branch takes several times as long.
 */
const isPositive = (bits: number): number => (~bits & (0 - bits) & (bits - 0x7f80_0001)) >>> 31

/** Adds `times` to the count of each unit's pair of bytes; the first byte is the upper half of the index. */
function countPairs(counts: Int32Array, first: Uint8Array, second: Uint8Array, times: number): void {
  for (let unit = 0; unit < first.length; unit++) counts[(first[unit] << 8) | second[unit]] += times
}

/**
 * Adds the number of units that are active for both samples to the entry of each pair of samples, one of each group.
 * @param counts how often each pair of bytes occurs; overwritten @param first index of the first sample of the group
 * that the first byte belongs to; `second` likewise
 */
function addBothActive(bothActive: readonly Float64Array[], counts: Int32Array, first: number, second: number): void {
  const samples = bothActive.length
  // active[256·b + byte]: number of units with this first byte that are active for sample second + b.
  const active = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    for (let b = 7; b >= 0; b--) {
      // Moving the counts of bytes with bit b to those without it leaves a table of the lower bits.
      const half = 1 << b
      const row = byte << 8
      for (let at = row; at < row + half; at++) {
        active[(b << 8) | byte] += counts[at + half]
        counts[at] += counts[at + half]
      }
    }
  }
  for (let a = 0; a < Math.min(8, samples - first); a++) {
    for (let b = 0; b < Math.min(8, samples - second); b++) {
      let both = 0
      for (let byte = 0; byte < 256; byte++) both += active[(b << 8) | byte] * ((byte >> a) & 1)
      bothActive[first + a][second + b] += both
    }
  }
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
  smallestBatch: 2,
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
