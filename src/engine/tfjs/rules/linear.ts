/** y = x·W + b */
import * as tf from '@tensorflow/tfjs-core'
import type { LayerOf, Rule } from './rule.ts'
import { shapeOf } from './shapeOf.ts'

export const linear: Rule<LayerOf<'linear'>> = {
  keeps: (_, wants) => ({ inputs: wants.parameters }),

  forward({ output, weight, bias }, [x], context) {
    const product = tf.matMul(rows(x), context.parameter(weight) as tf.Tensor2D)
    return { output: tf.reshape(tf.add(product, context.parameter(bias)), shapeOf(output, context)) }
  },

  backward({ input, weight }, { cotangent, inputs, wants }, context) {
    const dy = rows(cotangent)
    const inputGradient = () => tf.matMul(dy, context.parameter(weight) as tf.Tensor2D, false, true)
    return {
      inputs: [wants.inputs[0] ? tf.reshape(inputGradient(), shapeOf(input, context)) : undefined],
      parameters: wants.parameters ? [tf.matMul(rows(inputs[0]), dy, true, false), tf.sum(dy, 0)] : undefined,
    }
  },
}

/** [batch, height, width, channels] → [batch, features] */
const rows = (x: tf.Tensor) => tf.reshape(x, [x.shape[0], -1]) as tf.Tensor2D
