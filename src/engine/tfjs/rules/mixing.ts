/** Sums of values: plain ones, and those weighted by coefficients. */
import * as tf from '@tensorflow/tfjs-core'
import { addAll } from '../addAll.ts'
import { termsOf } from './layerReads.ts'
import { keepsNothing, type LayerOf, type Rule } from './rule.ts'
import { shapeOf } from './shapeOf.ts'

export const zeros: Rule<LayerOf<'zeros'>> = {
  keeps: keepsNothing,
  forward: ({ output }, _, context) => ({ output: tf.zeros(shapeOf(output, context)) }),
  backward: () => ({}),
}

/** What does not depend on anything has no gradient. */
export const noise: Rule<LayerOf<'noise'>> = {
  keeps: keepsNothing,
  forward: ({ site, output }, _, context) => ({ output: context.noise(site, output) }),
  backward: () => ({}),
}

export const sum: Rule<LayerOf<'sum'>> = {
  keeps: keepsNothing,
  forward: (_, inputs) => ({ output: addAll(inputs) }),
  backward: (_, { cotangent, wants }) => ({
    inputs: wants.inputs.map((wanted) => (wanted ? tf.clone(cotangent) : undefined)),
  }),
}

/** y = Σ c_i·x_i; ∂L/∂x_i = c_i·dy, ∂L/∂c_i = ⟨dy, x_i⟩ */
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
