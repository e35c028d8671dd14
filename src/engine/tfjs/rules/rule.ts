/** What the interpreter asks of each kind of layer: one forward rule and one backward rule. */
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Mode } from '../../../core/executor.ts'
import type { CoefficientId, Layer, LayerKind, ParameterId, Value, ValueId } from '../../../core/network.ts'
import type { RecordedMasks } from '../state.ts'

/** A layer of one kind. */
export type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>

/** What a pass gives to every rule. Tensors in here belong to the pass: rules read them and never dispose of them. */
export interface Context {
  readonly mode: Mode
  readonly batchSize: number
  readonly values: readonly Value[]
  /** 1 where a coefficient's input is computed; all where absent. */
  readonly active: Uint8Array | undefined
  parameter(id: ParameterId): Tensor
  /** Coefficient as a scalar. */
  coefficient(id: CoefficientId): Tensor
  /** Running moments of a batch normalisation, [channels]. */
  statistics(index: number): Moments
  /** Scale of each sample on a drop-path site, [batch, 1, 1, 1]. */
  pathScale(path: number): Tensor
  /** What a noise layer gives for this batch. */
  noise(site: number, output: ValueId): Tensor
  /** Where ReLUs and max poolings write their choices, or read them; undefined where they are live. */
  readonly activationMasks: RecordedMasks | undefined
}

/** Mean and biased variance of each channel. */
export interface Moments {
  readonly mean: Tensor
  readonly variance: Tensor
}

/** Moments over one batch. */
export interface BatchMoments extends Moments {
  /** Over how many cells: batch × height × width. */
  readonly cells: number
}

/** Which gradients of one layer are read later; the others need not be computed. */
export interface Wants {
  /** By operand. */
  readonly inputs: readonly boolean[]
  readonly parameters: boolean
  readonly coefficients: boolean
}

export interface Forwarded {
  readonly output: Tensor
  /** For the backward rule, besides what `keeps` asks for. */
  readonly saved?: readonly Tensor[]
  /** Batch moments, for the running statistics. */
  readonly moments?: BatchMoments | undefined
}

export interface Tape {
  /** ∂L/∂output */
  readonly cotangent: Tensor
  /** Present where `keeps` asked for them. */
  readonly inputs: readonly Tensor[]
  /** Present where `keeps` asked for it. */
  readonly output: Tensor | undefined
  readonly saved: readonly Tensor[]
  readonly wants: Wants
}

/** Freshly made tensors (clones where one is passed through), undefined where not wanted or identically zero. */
export interface Gradients {
  /** By operand. */
  readonly inputs?: readonly (Tensor | undefined)[]
  /** In the order of `parametersOf`. */
  readonly parameters?: readonly Tensor[] | undefined
  /** By operand of a `mix`, scalars. */
  readonly coefficients?: readonly Tensor[] | undefined
}

export interface Rule<L extends Layer> {
  /** What must outlive the forward pass for this layer's backward rule. */
  keeps(layer: L, wants: Wants): { readonly inputs?: boolean; readonly output?: boolean }
  /** @param inputs the operands, in the order of `operandsOf` */
  forward(layer: L, inputs: readonly Tensor[], context: Context): Forwarded
  backward(layer: L, tape: Tape, context: Context): Gradients
}

/** `keeps` of a rule whose gradient depends on nothing but the cotangent and what it saved itself. */
export const keepsNothing = () => ({})

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

/** [batch, height, width, channels] of a value in this pass. */
export function shapeOf(id: ValueId, { values, batchSize }: Context): [number, number, number, number] {
  const { height, width, channels } = values[id]
  return [batchSize, height, width, channels]
}
