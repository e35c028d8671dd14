/** Batch normalisation: x̂ = (x − μ)·(σ² + ε)^−½, y = γ·x̂ + β (Ioffe and Szegedy 2015). */
import * as tf from '@tensorflow/tfjs-core'
import type { BatchMoments, Context, LayerOf, Moments, Rule } from '../rule.ts'

const EPSILON = 1e-5

export const batchNorm: Rule<LayerOf<'batchNorm'>> = {
  // Without γ and β the output is x̂ itself.
  keeps: ({ affine }) => (affine === null ? { output: true } : { inputs: true }),

  forward(layer, [x], context) {
    const { affine, statistics } = layer
    const batch = usesRunning(layer, context) ? undefined : batchMoments(x)
    const moments: Moments = batch ?? context.statistics(statistics as number)
    return {
      output: normalise(x, moments, affine && [context.parameter(affine.shift), context.parameter(affine.scale)]),
      saved: [moments.mean, moments.variance],
      moments: context.mode === 'train' && statistics !== null && batch ? cloned(batch) : undefined,
    }
  },

  backward(layer, { cotangent, inputs, output, saved, wants }, context) {
    const { affine } = layer
    const [mean, variance] = saved
    const normalised = output ?? normalise(inputs[0], { mean, variance }, null)
    const gradShift = sumOverCells(cotangent)
    const gradScale = sumOverCells(tf.mul(cotangent, normalised))
    return {
      inputs: [wants.inputs[0] ? inputGradient() : undefined],
      parameters: wants.parameters && affine !== null ? [gradScale, gradShift] : undefined,
    }

    /** γ/σ·(dy − mean(dy) − x̂·mean(dy·x̂)); with running moments, which are constants, γ/σ·dy. */
    function inputGradient(): tf.Tensor {
      const inverseDeviation = tf.rsqrt(tf.add(variance, EPSILON))
      const slope = affine === null ? inverseDeviation : tf.mul(inverseDeviation, context.parameter(affine.scale))
      if (usesRunning(layer, context)) return tf.mul(cotangent, slope)
      const cells = cotangent.size / gradShift.size
      const projected = tf.mul(normalised, tf.div(gradScale, cells))
      return tf.mul(tf.sub(tf.sub(cotangent, tf.div(gradShift, cells)), projected), slope)
    }
  },
}

const usesRunning = ({ statistics }: LayerOf<'batchNorm'>, { mode }: Context) => mode === 'eval' && statistics !== null

/** γ·(x − μ)/√(σ² + ε) + β, in one kernel; x̂ where no [β, γ] are given. */
function normalise(x: tf.Tensor, { mean, variance }: Moments, affine: [tf.Tensor, tf.Tensor] | null): tf.Tensor {
  const inputs: tf.NamedTensorMap = { x, mean, variance, ...(affine && { offset: affine[0], scale: affine[1] }) }
  return tf.engine().runKernel(tf.FusedBatchNorm, inputs, { varianceEpsilon: EPSILON })
}

/** Mean and biased variance of each channel over batch, height and width. */
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

/** [batch, height, width, channels] → [channels] */
const sumOverCells = (x: tf.Tensor) => tf.sum(tf.reshape(x, [-1, x.shape[x.rank - 1] as number]), 0)
