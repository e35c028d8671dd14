/** What a layer reads: values, parameters, coefficients. */
import type { CoefficientId, Layer, ParameterId, ValueId } from '../../../core/network.ts'

/** One term of a `mix` that is computed. */
export interface Term {
  readonly input: ValueId
  readonly coefficient: CoefficientId
}

/** The terms of a `mix` whose input exists and whose coefficient is active. */
export function termsOf(layer: Extract<Layer, { kind: 'mix' }>, active?: Uint8Array): Term[] {
  return layer.inputs.flatMap((input, i) => {
    const coefficient = layer.coefficients[i]
    return input === null || active?.[coefficient] === 0 ? [] : [{ input, coefficient }]
  })
}

/** The values that a layer reads, in its own order; of a `mix`, the inputs of its active terms. */
export function operandsOf(layer: Layer, active?: Uint8Array): readonly ValueId[] {
  switch (layer.kind) {
    case 'zeros':
    case 'noise':
      return []
    case 'sum':
    case 'concat':
      return layer.inputs
    case 'mix':
      return termsOf(layer, active).map((term) => term.input)
    default:
      return [layer.input]
  }
}

/** The parameters that a layer reads. */
export function parametersOf(layer: Layer): readonly ParameterId[] {
  switch (layer.kind) {
    case 'conv':
    case 'depthwiseConv':
      return [layer.filter]
    case 'batchNorm':
      return layer.affine === null ? [] : [layer.affine.scale, layer.affine.shift]
    case 'linear':
      return [layer.weight, layer.bias]
    default:
      return []
  }
}
