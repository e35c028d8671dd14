/** What acts on each entry by itself. */
import * as tf from '@tensorflow/tfjs-core'
import { fusedKernel } from '../kernels/fused.ts'
import { RELU_GRADIENT } from '../kernels/tensorflow.ts'
import { keepsNothing, type LayerOf, type Rule } from './rule.ts'

/** max(0, x); its slope at 0 is 0, as in PyTorch. When activations are frozen, x times the recorded mask. */
export const relu: Rule<LayerOf<'relu'>> = {
  keeps: () => ({ output: true }),
  forward({ output }, [x], { activationMasks }) {
    const gate = activationMasks?.hold(`relu ${output}`, () => tf.step(x))
    return { output: gate === undefined ? tf.relu(x) : tf.mul(x, gate) }
  },
  backward(layer, { cotangent, output }, { activationMasks }) {
    const y = output as tf.Tensor
    if (activationMasks === undefined) return { inputs: [gradient(cotangent, y)] }
    const gate = activationMasks.hold(`relu ${layer.output}`, () => tf.step(y))
    return { inputs: [tf.mul(cotangent, gate)] }
  },
}

function gradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const [fused] = fusedKernel(RELU_GRADIENT)?.({ dy, y }) ?? []
  return fused ?? tf.mul(dy, tf.step(y))
}

/** Each sample times its own host number. */
export const dropPath: Rule<LayerOf<'dropPath'>> = {
  keeps: keepsNothing,
  forward: ({ path }, [x], context) => ({ output: tf.mul(x, context.pathScale(path)) }),
  backward: ({ path }, { cotangent }, context) => ({ inputs: [tf.mul(cotangent, context.pathScale(path))] }),
}
