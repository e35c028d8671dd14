/**
 * The contract of a layer rule: how the interpreter runs one kind of layer forward and backward. Also what a layer
 * reads and the shapes of values, which rules and interpreter share.
 */
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Mode } from '../../../core/executor.ts'
import type { CoefficientId, Layer, LayerKind, ParameterId, Value, ValueId } from '../../../core/network.ts'
import type { RecordedMasks } from '../state.ts'

/** The layer type of one kind. */
export type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>

/**
 * The data of one pass that rules read: parameters, mixing coefficients, statistics, random numbers. The tensors belong
 * to the pass; rules never dispose of them.
 */
export interface Context {
  readonly mode: Mode
  readonly batchSize: number
  readonly values: readonly Value[]
  /** For each mixing coefficient 1 if its input is computed, else 0; undefined: all are computed. */
  readonly active: Uint8Array | undefined
  parameter(id: ParameterId): Tensor
  /** Returns a mixing coefficient as a scalar tensor. */
  coefficient(id: CoefficientId): Tensor
  /** Returns the running mean and variance of a batch normalisation, [channels] each. */
  statistics(index: number): Moments
  /** Returns the scale of each sample at a drop-path layer, [batch, 1, 1, 1]. */
  pathScale(path: number): Tensor
  /** Returns the random numbers of a noise layer for this batch, in the shape of its output. */
  noise(site: number, output: ValueId): Tensor
  /** The masks by which frozen ReLUs and max poolings decide; undefined: they decide by their input. */
  readonly activationMasks: RecordedMasks | undefined
}

/** Mean and biased variance of each channel, [channels] each. */
export interface Moments {
  readonly mean: Tensor
  readonly variance: Tensor
}

/** Mean and biased variance of each channel over one batch. */
export interface BatchMoments extends Moments {
  /** Number of pixels they are taken over: batch × height × width. */
  readonly cells: number
}

/** The gradients that a layer's backward rule must compute; all others are never read. */
export interface Wants {
  /** One entry for each operand. */
  readonly inputs: readonly boolean[]
  readonly parameters: boolean
  readonly coefficients: boolean
}

/** The result of a forward rule. */
export interface Forwarded {
  readonly output: Tensor
  /** Tensors for the backward rule, besides those that `keeps` names. */
  readonly saved?: readonly Tensor[]
  /** Moments of the batch, from which running statistics are updated. */
  readonly moments?: BatchMoments | undefined
}

/** The data that a backward rule reads. */
export interface Tape {
  /** ∂L/∂output */
  readonly cotangent: Tensor
  /** The operands, if `keeps` named them; else empty. */
  readonly inputs: readonly Tensor[]
  /** The output, if `keeps` named it. */
  readonly output: Tensor | undefined
  readonly saved: readonly Tensor[]
  readonly wants: Wants
}

/**
 * The gradients that a backward rule returns: new tensors, never the cotangent itself; undefined where a gradient is
 * not wanted or zero.
 */
export interface Gradients {
  /** One entry for each operand. */
  readonly inputs?: readonly (Tensor | undefined)[]
  /** In the order of `parametersOf`. */
  readonly parameters?: readonly Tensor[] | undefined
  /** One scalar for each operand of a `mix`. */
  readonly coefficients?: readonly Tensor[] | undefined
}

/** How one kind of layer is computed and differentiated. */
export interface Rule<L extends Layer> {
  /** Returns whether the layer's operands and its output must be kept for its backward rule. */
  keeps(layer: L, wants: Wants): { readonly inputs?: boolean; readonly output?: boolean }
  /** @param inputs the operands, in the order of `operandsOf` */
  forward(layer: L, inputs: readonly Tensor[], context: Context): Forwarded
  backward(layer: L, tape: Tape, context: Context): Gradients
}

/** The `keeps` of rules whose gradient depends only on the cotangent and the tensors that the forward rule saved. */
export const keepsNothing = () => ({})

/** A term of a `mix` layer that is computed: coefficient·input. */
export interface Term {
  readonly input: ValueId
  readonly coefficient: CoefficientId
}

/** Returns the terms of a `mix` whose input exists and whose coefficient is active. */
export function termsOf(layer: Extract<Layer, { kind: 'mix' }>, active?: Uint8Array): Term[] {
  return layer.inputs.flatMap((input, i) => {
    const coefficient = layer.coefficients[i]
    return input === null || active?.[coefficient] === 0 ? [] : [{ input, coefficient }]
  })
}

/** Returns the values that a layer reads (of a `mix`, only the inputs of its active terms) in the layer's own order. */
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

/** Returns the parameters that a layer reads. */
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

/** Returns the shape of a value in this pass, [batch, height, width, channels]. */
export function shapeOf(id: ValueId, { values, batchSize }: Context): [number, number, number, number] {
  const { height, width, channels } = values[id]
  return [batchSize, height, width, channels]
}
