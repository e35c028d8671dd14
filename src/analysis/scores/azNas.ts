/**
 * AZ-NAS (Lee and Ham: "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search", CVPR 2024): four scores
 * of the outputs f_0, f_1, … of stem and cells for Gaussian images, and the sum of the logarithms of an architecture's
 * ranks in them.
 *
 *     expressivity   Σ_i H_i,  H_i the entropy of the normalised eigenvalues of the covariance of f_i over its channels
 *     progressivity  min_i H_i − H_{i−1}
 *     trainability   mean_i 2 − σ_i − 1/σ_i,  σ_i the spectral norm of the mean Jacobian of f_i at f_{i−1} for the same
 *                    pixel, estimated with random signs
 *     complexity     the multiply-accumulates (`flops`)
 *
 * Where a cell halves the image, the 2×2 input pixels of an output pixel count as channels. A network with a cell that
 * returns its input unchanged, or passes no signal at all, is degenerate and ranked last.
 */
import { BenchError } from '../../core/errors.ts'
import type { Executable } from '../../core/executor.ts'
import { loadMatrices } from '../../core/lazyPackages.ts'
import type { Network, Value, ValueId } from '../../core/network.ts'
import { defineScore, type ScoreInput } from '../../core/score.ts'
import { symmetricEigenvalues } from '../hessian.ts'
import { gaussianBatch } from '../zenScore.ts'
import { layersBefore, parameterRanges, type Section, sectionBetween } from './networks.ts'

const source = 'Lee and Ham, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search", CVPR 2024'
const common = {
  version: 1,
  source,
  better: 'higher',
  reads: 'noise',
  layers: 'output',
  initialisation: 'kaiming',
} as const

/** Outputs of stem and cells: the ids of the activations, and their values [batch, height, width, channels]. */
interface CellOutputs {
  readonly ids: readonly ValueId[]
  readonly features: readonly Float32Array[]
}

function cellsOf({ name, cells = [] }: Network): readonly ValueId[] {
  if (cells.length > 1) return cells
  throw new BenchError(
    'unsupported',
    `${name}: the scores of AZ-NAS need a network that names the outputs of its cells`,
  )
}

const imagesOf = ({ shape, batchSize, random }: ScoreInput) => gaussianBatch(shape, batchSize, random('az', 'images'))

/** Returns the outputs of stem and cells for Gaussian images. */
function cellOutputs(input: ScoreInput): Promise<CellOutputs> {
  return input.shared('cell outputs', async () => {
    const ids = cellsOf(input.network)
    const distinct = [...new Set(ids)]
    const executable = await input.open(distinct)
    const { observed } = await executable.forward({ batch: imagesOf(input) }, 'probe')
    return { ids, features: ids.map((id) => observed[distinct.indexOf(id)]) }
  })
}

/** Returns the entropies H_i of the outputs of stem and cells (see the head of this file). */
const entropies = (input: ScoreInput): Promise<number[]> =>
  input.shared('cell entropies', async () => {
    const { ids, features } = await cellOutputs(input)
    return ids.map((id, i) => covarianceEntropy(features[i], input.network.values[id].channels))
  })

/** The score `az-expressivity`: Σ over the cells of the entropy of their outputs' principal components. */
export const azExpressivity = defineScore({
  ...common,
  name: 'az-expressivity',
  description: 'AZ-NAS: entropy of the principal components of all cells’ outputs',
  compute: async (input) => (await entropies(input)).reduce((sum, entropy) => sum + entropy, 0),
})

/**
 * The score `az-progressivity`: the smallest growth of the output entropy from one cell to the next, min_i H_i −
 * H_{i−1}.
 */
export const azProgressivity = defineScore({
  ...common,
  name: 'az-progressivity',
  description: 'AZ-NAS: smallest growth of that entropy from a cell to the next',
  async compute(input) {
    const all = await entropies(input)
    return Math.min(...all.slice(1).map((entropy, i) => entropy - all[i]))
  },
})

/** The score `az-trainability`: how close the Jacobians of the cells are to a spectral norm of 1. */
export const azTrainability = defineScore({
  ...common,
  name: 'az-trainability',
  description: 'AZ-NAS: how close the spectral norms of the cells’ Jacobians are to 1',
  async compute(input) {
    const { ids, features } = await cellOutputs(input)
    const opener = new SectionOpener(input)
    try {
      let sum = 0
      for (let i = ids.length - 1; i > 0; i--) {
        if (ids[i] === ids[i - 1]) return Number.NEGATIVE_INFINITY
        const { output, gradient } = await opener.pullBack(ids[i - 1], ids[i], features[i - 1], i)
        const norm = spectralNorm(meanProduct(gradient, output))
        if (norm === 0) return Number.NEGATIVE_INFINITY
        sum += 2 - norm - 1 / (norm + 1e-6)
      }
      return sum / (ids.length - 1)
    } finally {
      opener.dispose()
    }
  },
})

/** The elements [row][channel] of an activation, where each pixel of each sample is a row. */
interface Rows {
  readonly entries: Float32Array
  readonly channels: number
}

/**
 * Computes Jᵀs for the Jacobian J of one cell and a vector s of random signs. A cell that reads only the output of the
 * cell before it is compiled as a separate network; cells of the same structure share a compiled network.
 */
class SectionOpener {
  readonly #input: ScoreInput
  readonly #opened = new Map<string, Promise<Executable>>()

  constructor(input: ScoreInput) {
    this.#input = input
  }

  async pullBack(
    from: ValueId,
    to: ValueId,
    features: Float32Array,
    cell: number,
  ): Promise<{ output: Rows; gradient: Rows }> {
    const { network, batchSize, random } = this.#input
    const stream = random('az', 'signs', cell)
    const signs = Float32Array.from({ length: batchSize * entriesOf(network.values[to]) }, () => stream.sign())
    const section = sectionBetween(network, from, to)
    const gradient = section
      ? await this.#throughSection(section, features, signs)
      : await this.#throughNetwork(from, to, signs)
    const { channels } = network.values[to]
    return {
      output: { entries: signs, channels },
      gradient: alignPixels(gradient, network.values[from], network.values[to]),
    }
  }

  dispose(): void {
    for (const executable of this.#opened.values()) executable.then((opened) => opened.dispose()).catch(() => {})
  }

  async #throughSection({ network, parameters }: Section, images: Float32Array, signs: Float32Array) {
    const { batchSize, executor, weights, network: whole } = this.#input
    const key = JSON.stringify([network.values, network.layers])
    const opened = this.#opened.get(key) ?? executor.compile(network, { batchSize })
    this.#opened.set(key, opened)
    const executable = await opened
    const ranges = parameterRanges(whole)
    const own = new Float32Array(executable.weights.length)
    let at = 0
    for (const id of parameters) {
      const [from, to] = ranges[id]
      own.set(weights.subarray(from, to), at)
      at += to - from
    }
    executable.weights.write(own)
    return this.#gradientOfFirst(executable, images, signs)
  }

  async #throughNetwork(from: ValueId, to: ValueId, signs: Float32Array) {
    const { network } = this.#input
    const reachable = layersBefore(network, [to]).some(({ output }) => output === from)
    if (!reachable) return new Float32Array(this.#input.batchSize * entriesOf(network.values[from]))
    const executable = await this.#input.open([from, to])
    return this.#gradientOfFirst(executable, imagesOf(this.#input).images, signs)
  }

  async #gradientOfFirst(executable: Executable, images: Float32Array, signs: Float32Array): Promise<Float32Array> {
    const { batchSize } = this.#input
    const { observed = [], values } = executable.network
    const batch = { images, labels: new Int32Array(batchSize), size: batchSize }
    const cotangents = [new Float32Array(batchSize * entriesOf(values[observed[0]])), signs]
    const objective = { kind: 'observed', cotangents } as const
    const result = await executable.gradient({ batch }, objective, { observed: true }, 'probe')
    return result.observed?.[0].gradient ?? cotangents[0]
  }
}

const entriesOf = ({ height, width, channels }: Value): number => height * width * channels

/**
 * Folds pixels of an activation of size `from` into channels, so that it has as many pixels as one of size `to`: each
 * block of stride × stride pixels becomes one pixel with all their channels.
 */
function alignPixels(entries: Float32Array, from: Value, to: Value): Rows {
  const stride = Math.floor(from.height / to.height)
  const { channels } = from
  if (stride === 1) return { entries, channels }
  const samples = entries.length / entriesOf(from)
  const wide = channels * stride * stride
  const result = new Float32Array(samples * to.height * to.width * wide)
  let at = 0
  for (let n = 0; n < samples; n++) {
    for (let y = 0; y < to.height; y++) {
      for (let x = 0; x < to.width; x++) {
        for (let dy = 0; dy < stride; dy++) {
          for (let dx = 0; dx < stride; dx++) {
            const start = ((n * from.height + y * stride + dy) * from.width + x * stride + dx) * channels
            result.set(entries.subarray(start, start + channels), at)
            at += channels
          }
        }
      }
    }
  }
  return { entries: result, channels: wide }
}

/** Returns the mean over the rows of a_row·b_rowᵀ, [a's channels][b's channels]. */
function meanProduct(a: Rows, b: Rows): number[][] {
  const rows = a.entries.length / a.channels
  const product = Array.from({ length: a.channels }, () => new Float64Array(b.channels))
  for (let row = 0; row < rows; row++) {
    const [atA, atB] = [row * a.channels, row * b.channels]
    for (let i = 0; i < a.channels; i++) {
      const value = a.entries[atA + i]
      if (value === 0) continue
      const target = product[i]
      for (let j = 0; j < b.channels; j++) target[j] += value * b.entries[atB + j]
    }
  }
  return product.map((line) => Array.from(line, (value) => value / rows))
}

/** Returns the largest singular value of a matrix: the root of the largest eigenvalue of the smaller Gram matrix. */
function spectralNorm(matrix: readonly (readonly number[])[]): number {
  const { Matrix } = loadMatrices()
  const m = new Matrix(matrix.map((row) => [...row]))
  const gram = m.rows <= m.columns ? m.mmul(m.transpose()) : m.transpose().mmul(m)
  return Math.sqrt(Math.max(0, ...symmetricEigenvalues(gram.to2DArray())))
}

/** Returns the entropy of the eigenvalues of the covariance of an activation's channels, normalised to sum 1. */
function covarianceEntropy(entries: Float32Array, channels: number): number {
  const rows = entries.length / channels
  const means = new Float64Array(channels)
  for (let i = 0; i < entries.length; i++) means[i % channels] += entries[i] / rows
  const covariance = Array.from({ length: channels }, () => new Float64Array(channels))
  const centred = new Float64Array(channels)
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) centred[c] = entries[row * channels + c] - means[c]
    for (let i = 0; i < channels; i++) {
      const line = covariance[i]
      for (let j = 0; j <= i; j++) line[j] += centred[i] * centred[j]
    }
  }
  const full = covariance.map((line, i) =>
    Array.from({ length: channels }, (_, j) => (j <= i ? line[j] : covariance[j][i]) / rows),
  )
  const eigenvalues = symmetricEigenvalues(full)
  const total = eigenvalues.reduce((sum, value) => sum + value, 0)
  if (!(total > 0)) return Number.NEGATIVE_INFINITY
  return eigenvalues.reduce((sum, value) => {
    const probability = Math.max(0, value) / total
    return sum - probability * Math.log(probability + 1e-8)
  }, 0)
}
