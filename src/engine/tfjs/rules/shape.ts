/**
 * Rules (forward and backward functions) of the layers that select or move entries without changing them: crop, slice,
 * concatenation, channel shuffle.
 */
import * as tf from '@tensorflow/tfjs-core'
import { keepsNothing, type LayerOf, type Rule } from './rule.ts'

/** Rule of crops, which cut off the first rows and columns: y = x[:, rows:, rows:, :]. */
export const crop: Rule<LayerOf<'crop'>> = {
  keeps: keepsNothing,
  forward: ({ rows }, [x]) => ({ output: tf.slice(x, [0, rows, rows, 0]) }),
  backward: ({ rows }, { cotangent }) => ({
    inputs: [
      tf.pad(cotangent, [
        [0, 0],
        [rows, 0],
        [rows, 0],
        [0, 0],
      ]),
    ],
  }),
}

/** Rule of channel slices: y = channels `from` to `from + count − 1` of x. */
export const slice: Rule<LayerOf<'slice'>> = {
  keeps: keepsNothing,
  forward: ({ from, count }, [x]) => ({ output: tf.slice(x, [0, 0, 0, from], [-1, -1, -1, count]) }),
  backward({ input, from, count }, { cotangent }, { values }) {
    const after = values[input].channels - from - count
    return {
      inputs: [
        tf.pad(cotangent, [
          [0, 0],
          [0, 0],
          [0, 0],
          [from, after],
        ]),
      ],
    }
  },
}

/** Rule of concatenations: y = the channels of all inputs, one input after the other. */
export const concat: Rule<LayerOf<'concat'>> = {
  keeps: keepsNothing,
  forward: (_, inputs) => ({ output: tf.concat([...inputs], 3) }),
  backward(layer, { cotangent, wants }, { values }) {
    const counts = layer.inputs.map((id) => values[id].channels)
    const parts = tf.split(cotangent, counts, 3)
    return { inputs: parts.map((part, i) => (wants.inputs[i] ? part : undefined)) }
  },
}

/** Rule of channel shuffles: the channels are seen as a matrix [groups, channels / groups], which is transposed. */
export const shuffle: Rule<LayerOf<'shuffle'>> = {
  keeps: keepsNothing,
  forward: ({ groups }, [x]) => ({ output: transposeChannels(x, groups) }),
  backward: ({ input, groups }, { cotangent }, { values }) => ({
    inputs: [transposeChannels(cotangent, values[input].channels / groups)],
  }),
}

/** Returns x with its channels, seen as a matrix [groups, channels / groups], transposed. */
function transposeChannels(x: tf.Tensor, groups: number): tf.Tensor {
  const channels = x.shape[3] as number
  const cells = tf.reshape(x, [-1, groups, channels / groups])
  return tf.reshape(tf.transpose(cells, [0, 2, 1]), x.shape)
}
