/**
 * Computes the empirical neural tangent kernel of a network on one batch (Jacot, Gabriel, Hongler 2018), as TE-NAS does
 * (Chen, Gong, Wang 2021): Θ = G·Gᵀ, where row i of G is the gradient of the sum of sample i's logits with respect to
 * the network weights. All samples are in one forward pass with batch statistics.
 */
import { BenchError } from '../core/errors.ts'
import type { Executable, Feed } from '../core/executor.ts'
import { sizeOf } from '../core/network.ts'
import { symmetricEigenvalues } from './hessian.ts'

export interface NtkSpectrum {
  /** Condition number λ_max / λ_min of the kernel; Infinity if the kernel is singular. */
  readonly conditionNumber: number
  /** All eigenvalues of the kernel in ascending order. */
  readonly eigenvalues: readonly number[]
  /** Trace of the kernel: Σ_i ‖∇_w f(x_i)‖², with f(x_i) the sum of sample i's logits. */
  readonly trace: number
  readonly frobeniusNorm: number
}

/**
 * Which network parameters the kernel's gradients cover. `weights`: filters, linear weights and batch-norm scales
 * (TE-NAS); `all`: shifts and biases too.
 */
export type NtkParameters = 'weights' | 'all'

/** Computes the kernel Θ, [sample][sample], with one backward pass per sample. */
export async function neuralTangentKernel(
  executable: Executable,
  feed: Feed,
  parameters: NtkParameters = 'weights',
): Promise<number[][]> {
  const { size } = feed.batch
  const { classes } = executable.network
  const kept = keptRanges(executable, parameters)
  const gradient = executable.vector()
  const rows: Float32Array[] = []
  try {
    for (let sample = 0; sample < size; sample++) {
      const cotangent = new Float32Array(size * classes).fill(1, sample * classes, (sample + 1) * classes)
      await executable.gradient(feed, { kind: 'logits', cotangent }, { weights: gradient }, 'probe')
      rows.push(await gradient.read())
    }
  } finally {
    gradient.dispose()
  }
  return rows.map((a) => rows.map((b) => product(a, b, kept)))
}

/**
 * Computes condition number, eigenvalues and trace of a kernel. @throws BenchError `bad-input` if the kernel is empty
 */
export function ntkSpectrum(kernel: readonly (readonly number[])[]): NtkSpectrum {
  if (kernel.length === 0)
    throw new BenchError('bad-input', 'the neural tangent kernel of an empty batch has no spectrum')
  const eigenvalues = symmetricEigenvalues(kernel)
  const smallest = eigenvalues[0]
  return {
    eigenvalues,
    conditionNumber: smallest <= 0 ? Number.POSITIVE_INFINITY : eigenvalues[eigenvalues.length - 1] / smallest,
    trace: eigenvalues.reduce((sum, value) => sum + value, 0),
    frobeniusNorm: Math.sqrt(eigenvalues.reduce((sum, value) => sum + value * value, 0)),
  }
}

/** Returns the intervals [from, to) of the flat weight vector whose parameters the kernel's gradients cover. */
function keptRanges({ network }: Executable, parameters: NtkParameters): [number, number][] {
  let start = 0
  return network.parameters.flatMap(({ name, shape }): [number, number][] => {
    const from = start
    start += sizeOf(shape)
    return parameters === 'all' || name.endsWith('weight') ? [[from, start]] : []
  })
}

function product(a: Float32Array, b: Float32Array, ranges: readonly [number, number][]): number {
  let sum = 0
  for (const [from, to] of ranges) {
    for (let i = from; i < to; i++) sum += a[i] * b[i]
  }
  return sum
}
