/** What acts on each entry by itself. */
import * as tf from '@tensorflow/tfjs-core'
import { keepsNothing, type LayerOf, type Rule } from '../rule.ts'

/** max(0, x); its slope at 0 is 0, as in PyTorch. */
export const relu: Rule<LayerOf<'relu'>> = {
  keeps: () => ({ output: true }),
  forward: (_, [x]) => ({ output: tf.relu(x) }),
  backward: (_, { cotangent, output }) => ({ inputs: [tf.mul(cotangent, tf.step(output as tf.Tensor))] }),
}

/** Each sample times its own host number. */
export const dropPath: Rule<LayerOf<'dropPath'>> = {
  keeps: keepsNothing,
  forward: ({ path }, [x], context) => ({ output: tf.mul(x, context.pathScale(path)) }),
  backward: ({ path }, { cotangent }, context) => ({ inputs: [tf.mul(cotangent, context.pathScale(path))] }),
}
