/**
 * Rules (forward and backward functions) of the layers that act on each entry by itself: ReLU, drop path, noise, zeros,
 * sums and mixed operations.
 */
import * as tf from '@tensorflow/tfjs-core'
import { fusedKernel, RELU_GRADIENT } from '../kernels/tensorflow.ts'
import { keepsNothing, type LayerOf, type Rule, shapeOf, termsOf } from './rule.ts'

/**
 * Rule of ReLU: y = max(0, x), with slope 0 at 0 as in PyTorch; when activations are frozen, y = x·mask with a recorded
 * mask.
 */
export const relu: Rule<LayerOf<'relu'>> = {
  keeps: () => ({ output: true }),
  forward({ output }, [x], { activationMasks }) {
    const mask = activationMasks?.recorded(`relu ${output}`, () => tf.step(x))
    return { output: mask === undefined ? tf.relu(x) : tf.mul(x, mask) }
  },
  backward(layer, { cotangent, output }, { activationMasks }) {
    const y = output as tf.Tensor
    if (activationMasks === undefined) return { inputs: [gradient(cotangent, y)] }
    const mask = activationMasks.recorded(`relu ${layer.output}`, () => tf.step(y))
    return { inputs: [tf.mul(cotangent, mask)] }
  },
}

/** Returns the gradient of a ReLU with output y: dy where y > 0, else 0. */
function gradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const [fused] = fusedKernel(RELU_GRADIENT)?.({ dy, y }) ?? []
  return fused ?? tf.mul(dy, tf.step(y))
}

/** Rule of drop path: y = x·scale, with a scale for each sample that the host draws. */
export const dropPath: Rule<LayerOf<'dropPath'>> = {
  keeps: keepsNothing,
  forward: ({ path }, [x], context) => ({ output: tf.mul(x, context.pathScale(path)) }),
  backward: ({ path }, { cotangent }, context) => ({ inputs: [tf.mul(cotangent, context.pathScale(path))] }),
}

/** Rule of layers that return zeros: y = 0. */
export const zeros: Rule<LayerOf<'zeros'>> = {
  keeps: keepsNothing,
  forward: ({ output }, _, context) => ({ output: tf.zeros(shapeOf(output, context)) }),
  backward: () => ({}),
}

/**
 * Rule of noise layers: y = random numbers that the host draws. There is no gradient, because the layer reads no value.
 */
export const noise: Rule<LayerOf<'noise'>> = {
  keeps: keepsNothing,
  forward: ({ site, output }, _, context) => ({ output: context.noise(site, output) }),
  backward: () => ({}),
}

/** Rule of sums: y = Σ x_i. */
export const sum: Rule<LayerOf<'sum'>> = {
  keeps: keepsNothing,
  forward: (_, inputs) => ({ output: addAll(inputs) }),
  backward: (_, { cotangent, wants }) => ({
    inputs: wants.inputs.map((wanted) => (wanted ? tf.clone(cotangent) : undefined)),
  }),
}

/** Rule of mixed operations with mixing coefficients c_i: y = Σ c_i·x_i; ∂L/∂x_i = c_i·dy, ∂L/∂c_i = ⟨dy, x_i⟩. */
export const mix: Rule<LayerOf<'mix'>> = {
  keeps: (_, wants) => ({ inputs: wants.coefficients }),

  forward(layer, inputs, context) {
    if (inputs.length === 0) return { output: tf.zeros(shapeOf(layer.output, context)) }
    const terms = termsOf(layer, context.active)
    const weighted = inputs.map((x, i) => tf.mul(x, context.coefficient(terms[i].coefficient)))
    return { output: addAll(weighted) }
  },

  backward(layer, { cotangent, inputs, wants }, context) {
    const terms = termsOf(layer, context.active)
    return {
      inputs: terms.map(({ coefficient }, i) =>
        wants.inputs[i] ? tf.mul(cotangent, context.coefficient(coefficient)) : undefined,
      ),
      coefficients: wants.coefficients ? inputs.map((x) => tf.sum(tf.mul(cotangent, x))) : undefined,
    }
  },
}

/**
 * Most tensors that one addition kernel reads: TensorFlow.js' WebGPU kernels bind at most eight buffers, and one is the
 * sum.
 */
const MOST_TERMS = 7

/** Returns the sum of tensors of one shape as a new tensor. */
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
