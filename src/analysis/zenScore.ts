/**
 * The Zen-score of a network (Lin et al.: "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition", ICCV
 * 2021): how strongly its features respond to a small change of a Gaussian input. The second sum restores the scale
 * that batch norms remove, where σ² are the batch variances at a batch norm.
 *
 *     Zen = log E_x Σ_{c,h,w} |F(x) − F(x + γ x′)| + Σ_BN log √(mean over channels of σ²)
 *
 * F is the feature map before global pooling; the weights and the inputs x and x′ are standard normal; γ = 0.01.
 */
import type { Batch, ImageShape } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import type { Executable, Executor } from '../core/executor.ts'
import { type Network, sizeOf } from '../core/network.ts'
import type { RandomStream } from '../core/random.ts'

export interface ZenScore {
  /** Mean over the images x of the batch of Σ |F(x) − F(x + γ x′)|, before the logarithm. */
  readonly delta: number
  /**
   * Zen-score with the biased batch variances of the pass over x, that is, squared deviations divided by M =
   * batch·height·width; `unbiased`: divided by M − 1.
   */
  readonly biased: number
  readonly unbiased: number
  /**
   * Zen-score with variances as in Zen-NAS' code: running variances that start at 1, after passes over x and x + γ x′.
   */
  readonly running: number
}

/**
 * Computes the Zen-score of a network for the inputs x and `perturbed` = x + γ x′. It first resets the running
 * statistics of the batch norms, and leaves them as the two passes over the inputs set them.
 * @throws BenchError `unsupported` if a batch normalisation keeps no running statistics
 */
export async function zenScore(executable: Executable, x: Batch, perturbed: Batch): Promise<ZenScore> {
  const { network } = executable
  const cells = cellsOf(network)
  await startVariancesAt(executable, 0)
  const { features } = await executable.forward({ batch: x }, 'train')
  const first = await meanVariances(executable)
  const { features: moved } = await executable.forward({ batch: perturbed }, 'train')
  const second = await meanVariances(executable)
  const delta = features.reduce((sum, value, i) => sum + Math.abs(value - moved[i]), 0) / x.size
  const score = (variances: readonly number[]) =>
    Math.log(delta) + variances.reduce((sum, variance) => sum + 0.5 * Math.log(variance), 0)
  const unbiased = first.map((variance) => variance / NEWEST)
  return {
    delta,
    biased: score(unbiased.map((variance, i) => variance * (1 - 1 / (x.size * cells[i])))),
    unbiased: score(unbiased),
    // The second pass leaves 0.9·first + 0.1·σ²; a start at 1 in place of 0 adds 0.9².
    running: score(second.map((variance) => variance + (1 - NEWEST) * (1 - NEWEST))),
  }
}

/** Weight of the newest batch in a running statistic of batch normalisation. */
const NEWEST = 0.1

/**
 * Returns the number of pixels, height × width, at each batch normalisation, in the order of the network's statistics.
 */
function cellsOf({ name, layers, values, statistics }: Network): number[] {
  const cells = statistics.map(() => 0)
  for (const layer of layers) {
    if (layer.kind !== 'batchNorm') continue
    if (layer.statistics === null) {
      throw new BenchError('unsupported', `${name}: the Zen-score needs batch norms that keep running statistics`)
    }
    cells[layer.statistics] = values[layer.input].height * values[layer.input].width
  }
  return cells
}

async function startVariancesAt(executable: Executable, variance: number): Promise<void> {
  const state = await executable.save()
  executable.restore({ ...state, statistics: state.statistics.map(() => variance) })
}

/** Returns the running variance of each batch normalisation, as a mean over its channels. */
async function meanVariances(executable: Executable): Promise<number[]> {
  const { statistics } = await executable.save()
  let start = 0
  return executable.network.statistics.map((channels) => {
    const variances = statistics.subarray(start + channels, start + 2 * channels)
    start += 2 * channels
    return variances.reduce((sum, value) => sum + value, 0) / channels
  })
}

/**
 * Runs `pass` and returns its result, and for each batch normalisation with running statistics the unbiased batch
 * variance, averaged over channels; 0 for layers that were not computed. The running statistics are restored
 * afterwards.
 * @param pass computes one batch with mode `train`
 */
export async function withBatchVariances<T>(
  executable: Executable,
  pass: () => Promise<T>,
): Promise<{ readonly result: T; readonly variances: readonly number[] }> {
  const before = await executable.save()
  executable.restore({ ...before, statistics: new Float32Array(before.statistics.length) })
  const result = await pass()
  const variances = await meanVariances(executable)
  executable.restore(before)
  return { result, variances: variances.map((variance) => variance / NEWEST) }
}

/**
 * Draws the initial weights of a network as Zen-NAS does: filters and linear weights from N(0, 1), scales 1, shifts and
 * biases 0.
 */
function gaussianWeights(network: Network, stream: RandomStream): Float32Array {
  const values = network.parameters.flatMap(({ name, shape }) => {
    const start = name.endsWith('weight') ? 1 : 0
    return Array.from({ length: sizeOf(shape) }, () => (shape.length > 1 ? stream.normal() : start))
  })
  return Float32Array.from(values)
}

/** Draws a batch of standard normal images, with labels 0. */
export function gaussianBatch({ height, width, channels }: ImageShape, size: number, stream: RandomStream): Batch {
  const images = Float32Array.from({ length: size * height * width * channels }, () => stream.normal())
  return { images, labels: new Int32Array(size), size }
}

/** Returns the perturbed batch x + γ x′, with x′ = `direction` and γ = `gamma`. */
export function perturb(x: Batch, direction: Batch, gamma: number): Batch {
  return { ...x, images: x.images.map((value, i) => value + gamma * direction.images[i]) }
}

export interface ZenScoreOptions {
  /** Number of images in the batch of each draw of weights and inputs; 16 in the command line of Zen-NAS. */
  readonly batchSize?: number
  /** Number of draws of weights and inputs; 32 in the command line of Zen-NAS. */
  readonly repeats?: number
  readonly gamma?: number
}

/**
 * Returns the mean of the `running` Zen-score over draws of weights and inputs, and its standard deviation (ddof 1;
 * absent for one draw). Unlike in Zen-NAS' code, running variances start anew at each draw.
 */
export async function zenScoreOf(
  executor: Executor,
  network: Network,
  shape: ImageShape,
  stream: RandomStream,
  { batchSize = 16, repeats = 32, gamma = 1e-2 }: ZenScoreOptions = {},
): Promise<{ readonly mean: number; readonly std?: number; readonly scores: readonly number[] }> {
  const executable = await executor.compile(network, { batchSize })
  const scores: number[] = []
  try {
    for (let draw = 0; draw < repeats; draw++) {
      executable.weights.write(gaussianWeights(network, stream))
      const x = gaussianBatch(shape, batchSize, stream)
      const perturbed = perturb(x, gaussianBatch(shape, batchSize, stream), gamma)
      scores.push((await zenScore(executable, x, perturbed)).running)
    }
  } finally {
    executable.dispose()
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / repeats
  if (repeats < 2) return { mean, scores }
  const squares = scores.reduce((sum, score) => sum + (score - mean) * (score - mean), 0)
  return { mean, std: Math.sqrt(squares / (repeats - 1)), scores }
}
