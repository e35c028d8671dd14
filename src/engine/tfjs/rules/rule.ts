/**
 * Declares what a layer rule is: the functions that run one kind of layer forward and backward. Also tells which values
 * and parameters a layer reads, and the shapes of values.
 */
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Mode } from '../../../core/executor.ts'
import type { CoefficientId, Layer, LayerKind, ParameterId, Value, ValueId } from '../../../core/network.ts'
import type { RecordedMasks } from '../state.ts'

/** The type of a layer of kind `K`. */
export type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>

/**
 * What layer rules read during one pass: parameters, mixing coefficients, running statistics, random numbers. The
 * tensors belong to the pass; rules never dispose of them.
 */
export interface Context {
  readonly mode: Mode
  readonly batchSize: number
  readonly values: readonly Value[]
  /** For each mixing coefficient 1 if the input it multiplies is computed, else 0; undefined: all are computed. */
  readonly active: Uint8Array | undefined
  parameter(id: ParameterId): Tensor
  /** Returns the value of a mixing coefficient as a scalar tensor. */
  coefficient(id: CoefficientId): Tensor
  /**
   * Returns the running mean and variance of one batch norm, [channels] each. @param index its position in the
   * network's `statistics`
   */
  statistics(index: number): Moments
  /** Returns the factor by which a drop-path layer multiplies each sample of the batch, [batch, 1, 1, 1]. */
  pathScale(path: number): Tensor
  /** Returns the random numbers of a noise layer for this batch, in the shape of its output. */
  noise(site: number, output: ValueId): Tensor
  /**
   * The recorded masks that tell ReLUs and max poolings which entries of their input to let through in this pass;
   * undefined: their input itself tells it.
   */
  readonly activationMasks: RecordedMasks | undefined
}

/** Mean and biased variance of each channel of a value, [channels] each. */
export interface Moments {
  readonly mean: Tensor
  readonly variance: Tensor
}

/** Mean and biased variance of each channel of a value over one batch. */
export interface BatchMoments extends Moments {
  /** Number of pixels over which mean and variance are taken: batch × height × width. */
  readonly cells: number
}

/** Which gradients a layer's backward rule must compute; nothing reads the others. */
export interface Wants {
  /** For each operand of the layer, whether its gradient is needed. */
  readonly inputs: readonly boolean[]
  readonly parameters: boolean
  readonly coefficients: boolean
}

/** Result of a layer's forward rule: the output, and what the backward rule and the running statistics need. */
export interface Forwarded {
  readonly output: Tensor
  /** Tensors that the layer's backward rule needs, besides the operands and the output that `keeps` names. */
  readonly saved?: readonly Tensor[]
  /** Mean and variance of the batch, with which a batch normalisation's running statistics are updated. */
  readonly moments?: BatchMoments | undefined
}

/**
 * Input of a layer's backward rule: the output's gradient, the tensors kept from the forward pass, and which gradients
 * are wanted.
 */
export interface Tape {
  /** The gradient of the loss with respect to the layer's output, ∂L/∂output. */
  readonly cotangent: Tensor
  /** The layer's operands, if its rule's `keeps` asked for them; else empty. */
  readonly inputs: readonly Tensor[]
  /** The layer's output, if its rule's `keeps` asked for it; else undefined. */
  readonly output: Tensor | undefined
  readonly saved: readonly Tensor[]
  readonly wants: Wants
}

/**
 * The gradients that a layer's backward rule returns: new tensors, never the cotangent itself; undefined where a
 * gradient is not wanted or zero.
 */
export interface Gradients {
  /** Gradient of each operand of the layer. */
  readonly inputs?: readonly (Tensor | undefined)[]
  /** Gradients of the layer's parameters, in the order of `parametersOf`. */
  readonly parameters?: readonly Tensor[] | undefined
  /** Gradients of the mixing coefficients of a `mix` layer: one scalar for each operand. */
  readonly coefficients?: readonly Tensor[] | undefined
}

/** How one kind of layer is computed forward and backward. */
export interface Rule<L extends Layer> {
  /** Returns whether a layer's operands and its output must be kept until its backward rule runs. */
  keeps(layer: L, wants: Wants): { readonly inputs?: boolean; readonly output?: boolean }
  /** Computes a layer's output. @param inputs the layer's operands, in the order of `operandsOf` */
  forward(layer: L, inputs: readonly Tensor[], context: Context): Forwarded
  backward(layer: L, tape: Tape, context: Context): Gradients
}

/**
 * The function `keeps` of rules that need neither operands nor output: their gradient depends only on the output
 * gradient and the tensors that the forward rule saved.
 */
export const keepsNothing = () => ({})

/** One term coefficient·input of a `mix` layer, if it is computed in this pass. */
export interface Term {
  readonly input: ValueId
  readonly coefficient: CoefficientId
}

/** Returns the terms of a `mix` layer whose input exists and whose coefficient is active. */
export function termsOf(layer: Extract<Layer, { kind: 'mix' }>, active?: Uint8Array): Term[] {
  return layer.inputs.flatMap((input, i) => {
    const coefficient = layer.coefficients[i]
    return input === null || active?.[coefficient] === 0 ? [] : [{ input, coefficient }]
  })
}

/**
 * Returns the values that a layer reads, in the layer's own order; of a `mix` layer, only the inputs of its active
 * terms.
 */
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

/** Returns the ids of the network parameters that a layer reads. */
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

/** Returns the shape that a value of the network has in this pass, [batch, height, width, channels]. */
export function shapeOf(id: ValueId, { values, batchSize }: Context): [number, number, number, number] {
  const { height, width, channels } = values[id]
  return [batchSize, height, width, channels]
}
