/** y = x·W + b */
import * as tf from '@tensorflow/tfjs-core'
import type { LayerOf, Rule } from '../rule.ts'

export const linear: Rule<LayerOf<'linear'>> = {
  keeps: (_, wants) => ({ inputs: wants.parameters }),

  forward: ({ weight, bias }, [x], context) => ({
    output: tf.add(tf.matMul(flat(x), context.parameter(weight) as tf.Tensor2D), context.parameter(bias)),
  }),

  backward({ input, weight }, { cotangent, inputs, wants }, { parameter, values, batchSize }) {
    const dy = cotangent as tf.Tensor2D
    const { height, width, channels } = values[input]
    const shape = height * width === 1 ? [batchSize, channels] : [batchSize, height, width, channels]
    return {
      inputs: [
        wants.inputs[0] ? tf.reshape(tf.matMul(dy, parameter(weight) as tf.Tensor2D, false, true), shape) : undefined,
      ],
      parameters: wants.parameters ? [tf.matMul(flat(inputs[0]), dy, true, false), tf.sum(dy, 0)] : undefined,
    }
  },
}

const flat = (x: tf.Tensor) => tf.reshape(x, [x.shape[0], -1]) as tf.Tensor2D
