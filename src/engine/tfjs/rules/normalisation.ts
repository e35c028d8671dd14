/** Rule of batch normalisation: x̂ = (x − μ)·(σ² + ε)^−½, y = γ·x̂ + β (Ioffe and Szegedy 2015). */
import * as tf from '@tensorflow/tfjs-core'
import { BATCH_NORM, BATCH_NORM_GRADIENT, fusedKernel } from '../kernels/tensorflow.ts'
import type { BatchMoments, Context, LayerOf, Moments, Rule } from './rule.ts'

const EPSILON = 1e-5

/**
 * Rule of batch normalisation: y = γ·x̂ + β, or x̂ for a layer without γ and β. In mode `eval` it uses the running mean
 * and variance if the layer keeps them, else those of the batch.
 */
export const batchNorm: Rule<LayerOf<'batchNorm'>> = {
  // Without γ and β the output is x̂ itself.
  keeps: ({ affine }) => (affine === null ? { output: true } : { inputs: true }),

  forward(layer, [x], context) {
    const { affine, statistics } = layer
    const learned = affine && { scale: context.parameter(affine.scale), shift: context.parameter(affine.shift) }
    if (usesRunning(layer, context)) {
      const { mean, variance } = context.statistics(statistics as number)
      return { output: normalise(x, { mean, variance }, learned), saved: [mean, variance] }
    }
    const { output, moments } = normaliseBatch(x, learned)
    return {
      output,
      saved: [moments.mean, moments.variance],
      moments: context.mode === 'train' && statistics !== null ? cloned(moments) : undefined,
    }
  },

  backward(layer, { cotangent: dy, inputs: [x], output, saved: [mean, variance], wants }, context) {
    const scale = layer.affine && context.parameter(layer.affine.scale)
    const tape = { dy, x, normalised: output, mean, variance, scale }
    const areConstant = usesRunning(layer, context)
    const gradients = (areConstant ? undefined : fusedGradients(tape)) ?? composedGradients(tape, areConstant)
    return {
      inputs: [wants.inputs[0] ? gradients.input() : undefined],
      parameters: wants.parameters && scale !== null ? [gradients.scale, gradients.shift] : undefined,
    }
  },
}

/** The parameters γ (scale) and β (shift) of a batch normalisation, [channels] each, or their gradients. */
interface Affine {
  readonly scale: tf.Tensor
  readonly shift: tf.Tensor
}

/** The tensors from which the gradients of a batch normalisation are computed. */
interface NormalisationTape extends Moments {
  readonly dy: tf.Tensor
  /** The input x of the normalisation; undefined if `normalised` is kept instead. */
  readonly x: tf.Tensor | undefined
  /** The normalised input x̂, which a normalisation without γ and β keeps; else undefined. */
  readonly normalised: tf.Tensor | undefined
  readonly scale: tf.Tensor | null
}

/** The gradients of a batch normalisation. The gradient of its input is computed only when `input` is called. */
interface NormalisationGradients extends Affine {
  readonly input: () => tf.Tensor
}

/**
 * Computes, by several kernels, the gradients of a batch normalisation: ∂L/∂x = γ/σ·(dy − mean(dy) − x̂·mean(dy·x̂)),
 * ∂L/∂γ = Σ dy·x̂ and ∂L/∂β = Σ dy. With running statistics (`areConstant`), ∂L/∂x = γ/σ·dy.
 */
function composedGradients(tape: NormalisationTape, areConstant: boolean): NormalisationGradients {
  const { dy, x, normalised = normalise(x as tf.Tensor, tape, null), variance } = tape
  const shift = sumOverCells(dy)
  const scale = sumOverCells(tf.mul(dy, normalised))
  const input = () => {
    const inverseDeviation = tf.rsqrt(tf.add(variance, EPSILON))
    const slope = tape.scale === null ? inverseDeviation : tf.mul(inverseDeviation, tape.scale)
    if (areConstant) return tf.mul(dy, slope)
    const cells = dy.size / shift.size
    const projected = tf.mul(normalised, tf.div(scale, cells))
    return tf.mul(tf.sub(tf.sub(dy, tf.div(shift, cells)), projected), slope)
  }
  return { input, scale, shift }
}

/**
 * Computes the gradients of a batch normalisation in one kernel; undefined if the backend has no such kernel. Where the
 * normalised input x̂ was kept instead of x, the kernel gets x̂ as an input of mean 0 and variance 1 − ε, and 1/σ as
 * its γ.
 */
function fusedGradients({ dy, x, normalised, mean, variance, scale }: NormalisationTape) {
  const kernel = fusedKernel(BATCH_NORM_GRADIENT)
  const inputs =
    normalised === undefined
      ? { dy, x: x as tf.Tensor, scale: scale as tf.Tensor, mean, variance }
      : {
          ...{ dy, x: normalised, scale: tf.rsqrt(tf.add(variance, EPSILON)) },
          ...{ mean: tf.zerosLike(mean), variance: tf.fill(variance.shape, 1 - EPSILON) },
        }
  const gradients = kernel?.(inputs, { epsilon: EPSILON })
  return gradients && { input: () => gradients[0], scale: gradients[1], shift: gradients[2] }
}

/** Tells whether a batch normalisation uses its running statistics in this pass, instead of those of the batch. */
const usesRunning = ({ statistics }: LayerOf<'batchNorm'>, { mode }: Context) => mode === 'eval' && statistics !== null

/**
 * Returns a normalised tensor, γ·(x − μ)/√(σ² + ε) + β, computed in one kernel; without γ and β if `affine` is null.
 */
function normalise(x: tf.Tensor, { mean, variance }: Moments, affine: Affine | null): tf.Tensor {
  const inputs: tf.NamedTensorMap = { x, mean, variance, ...(affine && { offset: affine.shift, scale: affine.scale }) }
  return tf.engine().runKernel(tf.FusedBatchNorm, inputs, { varianceEpsilon: EPSILON })
}

/** Normalises a batch by its own mean and variance, and returns these moments as well. */
function normaliseBatch(x: tf.Tensor, affine: Affine | null): { output: tf.Tensor; moments: BatchMoments } {
  const kernel = fusedKernel(BATCH_NORM)
  if (kernel === undefined) {
    const moments = batchMoments(x)
    return { output: normalise(x, moments, affine), moments }
  }
  const channels = x.shape.slice(-1)
  const { scale, shift } = affine ?? { scale: tf.ones(channels), shift: tf.zeros(channels) }
  const [output, mean, unbiased] = kernel({ x, scale, shift }, { epsilon: EPSILON })
  const cells = x.size / mean.size
  return { output, moments: { mean, variance: tf.mul(unbiased, (cells - 1) / cells), cells } }
}

/** Returns mean and biased variance of each channel over batch, height and width. */
function batchMoments(x: tf.Tensor): BatchMoments {
  const cells = x.size / (x.shape[x.rank - 1] as number)
  const mean = tf.div(sumOverCells(x), cells)
  const variance = tf.div(sumOverCells(tf.squaredDifference(x, mean)), cells)
  return { mean, variance, cells }
}

const cloned = ({ mean, variance, cells }: BatchMoments): BatchMoments => ({
  mean: tf.clone(mean),
  variance: tf.clone(variance),
  cells,
})

/** Returns the sum of each channel over batch, height and width: [batch, height, width, channels] → [channels]. */
const sumOverCells = (x: tf.Tensor) => tf.sum(tf.reshape(x, [-1, x.shape[x.rank - 1] as number]), 0)
