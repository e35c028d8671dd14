/** Batch normalisation: x̂ = (x − μ)·(σ² + ε)^−½, y = γ·x̂ + β (Ioffe & Szegedy 2015). */
import * as tf from '@tensorflow/tfjs-core'
import type { BatchMoments, Context, LayerOf, Moments, Rule, Tape } from '../rule.ts'

const EPSILON = 1e-5

export const batchNorm: Rule<LayerOf<'batchNorm'>> = {
  // Without γ and β the output is x̂ itself; with them, x̂ is saved.
  keeps: ({ affine }) => ({ output: affine === null }),

  forward(layer, [x], context) {
    const { affine, statistics } = layer
    const batch = usesRunning(layer, context) ? undefined : batchMoments(x)
    const moments: Moments = batch ?? context.statistics(statistics as number)
    const inverseDeviation = tf.rsqrt(tf.add(moments.variance, EPSILON))
    const normalised = tf.mul(tf.sub(x, moments.mean), inverseDeviation)
    return {
      output:
        affine === null
          ? normalised
          : tf.add(tf.mul(normalised, context.parameter(affine.scale)), context.parameter(affine.shift)),
      saved: affine === null ? [inverseDeviation] : [inverseDeviation, normalised],
      moments: context.mode === 'train' && statistics !== null ? batch : undefined,
    }
  },

  backward(layer, { cotangent, output, saved, wants }: Tape, context) {
    const { affine } = layer
    const [inverseDeviation, savedNormalised] = saved
    const normalised = (output ?? savedNormalised) as tf.Tensor
    const gradShift = sumOverCells(cotangent)
    const gradScale = sumOverCells(tf.mul(cotangent, normalised))
    const slope = affine === null ? inverseDeviation : tf.mul(inverseDeviation, context.parameter(affine.scale))
    return {
      inputs: [wants.inputs[0] ? inputGradient() : undefined],
      parameters: wants.parameters && affine !== null ? [gradScale, gradShift] : undefined,
    }

    /** γ/σ·(dy − mean(dy) − x̂·mean(dy·x̂)); with running moments, which are constants, γ/σ·dy. */
    function inputGradient(): tf.Tensor {
      if (usesRunning(layer, context)) return tf.mul(cotangent, slope)
      const cells = cotangent.size / gradShift.size
      const projected = tf.mul(normalised, tf.div(gradScale, cells))
      return tf.mul(tf.sub(tf.sub(cotangent, tf.div(gradShift, cells)), projected), slope)
    }
  },
}

const usesRunning = ({ statistics }: LayerOf<'batchNorm'>, { mode }: Context) => mode === 'eval' && statistics !== null

/** Mean and biased variance of each channel over batch, height and width. */
function batchMoments(x: tf.Tensor): BatchMoments {
  const cells = x.size / (x.shape[x.rank - 1] as number)
  const mean = tf.div(sumOverCells(x), cells)
  const variance = tf.div(sumOverCells(tf.squaredDifference(x, mean)), cells)
  return { mean, variance, cells }
}

/** [batch, height, width, channels] → [channels] */
const sumOverCells = (x: tf.Tensor) => tf.sum(tf.reshape(x, [-1, x.shape[x.rank - 1] as number]), 0)
