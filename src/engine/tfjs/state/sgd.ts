/** Stochastic gradient descent, as PyTorch's `clip_grad_norm_` and `SGD` do it one after the other. */
import * as tf from '@tensorflow/tfjs-core'
import type { SgdStep } from '../../../core/executor.ts'
import type { TensorVector } from './weightVector.ts'

/** Against division by zero in clipping; PyTorch's value. */
const CLIP_EPSILON = 1e-6

/** g ← g·min(1, c/‖g‖) + λw;  buffer ← μ·buffer + g;  w ← w − η·buffer, with Nesterov w − η·(g + μ·buffer) */
export function sgd(weights: TensorVector, momentum: TensorVector, gradient: TensorVector, step: SgdStep): void {
  gradient.set(() => tf.add(clipped(gradient.tensor, step.clipNorm), tf.mul(weights.tensor, step.weightDecay)))
  momentum.set(() => tf.add(tf.mul(momentum.tensor, step.momentum), gradient.tensor))
  weights.set(() => {
    const direction = step.nesterov ? tf.add(gradient.tensor, tf.mul(momentum.tensor, step.momentum)) : momentum.tensor
    return tf.sub(weights.tensor, tf.mul(direction, step.learningRate))
  })
}

/** g·min(1, c / (‖g‖ + ε)), decided on the backend: nothing is read back. */
function clipped(gradient: tf.Tensor1D, clipNorm: number | null): tf.Tensor1D {
  if (clipNorm === null) return gradient
  const norm = tf.sqrt(tf.sum(tf.square(gradient)))
  return tf.mul(gradient, tf.minimum(1, tf.div(clipNorm, tf.add(norm, CLIP_EPSILON))))
}
