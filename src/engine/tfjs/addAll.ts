/** Sums of many tensors. */
import * as tf from '@tensorflow/tfjs-core'

/** WebGPU binds at most eight buffers to a kernel: these, and the sum. */
const MOST_TERMS = 7

/** Σ of equal-shaped tensors, as a new tensor. */
export function addAll(terms: readonly tf.Tensor[]): tf.Tensor {
  if (terms.length === 1) return tf.clone(terms[0])
  return tf.tidy(() => {
    let sum = tf.addN(terms.slice(0, MOST_TERMS))
    for (let from = MOST_TERMS; from < terms.length; from += MOST_TERMS - 1) {
      sum = tf.addN([sum, ...terms.slice(from, from + MOST_TERMS - 1)])
    }
    return sum
  })
}
