/**
 * The intermediate form of a network in the static executors: a graph of a few kinds of operations, chosen so that
 * kernels can be fused. `lower.ts` makes it from a network layer by layer; `rewrite.ts` makes it cheaper.
 */
import type { CoefficientId, Network, ParameterId, Value, ValueId } from '../../core/network.ts'

/**
 * A batch normalisation: ids of its parameters γ and β and of its running statistics, as in `Layer`; null without them.
 */
export interface Norm {
  readonly affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null
  readonly statistics: number | null
}

/** One summand of a `combine` operation: (Π factors)·norm(value); an empty product is 1. */
export interface Term {
  readonly value: ValueId
  readonly norm: Norm | null
  readonly factors: readonly CoefficientId[]
}

/** The window of a convolution; all sizes in pixels. */
export interface FilterWindow {
  readonly height: number
  readonly width: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

/** One convolution of a `convolve` operation. */
export interface Filter {
  /** `dense`: every output channel reads all input channels; `depthwise`: output channel c reads input channel c. */
  readonly kind: 'dense' | 'depthwise'
  readonly parameter: ParameterId
  readonly window: FilterWindow
  readonly output: ValueId
}

/** Copies the listed channels of `input` to the channels `to`, `to` + 1, … of the output. */
export interface Move {
  readonly input: ValueId
  readonly channels: readonly number[]
  readonly to: number
}

/** The square window of a pooling, in pixels. */
export interface Pooling {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

/** An operation of a graph; its inputs and outputs are values. */
export type Operation =
  /** output = Σ terms: a node of a cell, a sum, or a batch normalisation; zeros without terms. */
  | { readonly kind: 'combine'; readonly terms: readonly Term[]; readonly output: ValueId }
  /** Convolutions that read the same input, with or without a ReLU before them; each has its own output. */
  | {
      readonly kind: 'convolve'
      readonly input: ValueId
      readonly relu: boolean
      readonly filters: readonly Filter[]
    }
  | { readonly kind: 'relu' | 'frozenRelu'; readonly input: ValueId; readonly output: ValueId }
  | {
      readonly kind: 'avgPool' | 'maxPool' | 'frozenMaxPool'
      readonly input: ValueId
      readonly pooling: Pooling
      readonly output: ValueId
    }
  | { readonly kind: 'globalMean'; readonly input: ValueId; readonly output: ValueId }
  | { readonly kind: 'bias'; readonly input: ValueId; readonly parameter: ParameterId; readonly output: ValueId }
  | { readonly kind: 'crop'; readonly input: ValueId; readonly rows: number; readonly output: ValueId }
  /** Random numbers that the host draws for each batch. */
  | { readonly kind: 'noise'; readonly site: number; readonly output: ValueId }
  | { readonly kind: 'dropPath'; readonly input: ValueId; readonly path: number; readonly output: ValueId }
  /** Slice, shuffle or concatenation: every output channel is a copy of one input channel. */
  | { readonly kind: 'rearrange'; readonly moves: readonly Move[]; readonly output: ValueId }

/** The operation type of one kind. */
export type Of<K extends Operation['kind']> = Operation & { readonly kind: K }

/** A network as operations, in an order in which they can run. */
export interface Graph {
  readonly network: Network
  /** The values of the network, then values that lowering added. */
  readonly values: readonly Value[]
  readonly operations: readonly Operation[]
}

/** Returns the values that an operation computes. */
export function outputsOf(operation: Operation): readonly ValueId[] {
  return operation.kind === 'convolve' ? operation.filters.map(({ output }) => output) : [operation.output]
}

/** Returns the values that an operation reads; a value that is read twice is in the list twice. */
export function inputsOf(operation: Operation): readonly ValueId[] {
  if (operation.kind === 'combine') return operation.terms.map(({ value }) => value)
  if (operation.kind === 'rearrange') return operation.moves.map(({ input }) => input)
  if (operation.kind === 'noise') return []
  return [operation.input]
}

/** Returns the values that a forward pass must leave in memory: the logits of all heads, and the features. */
export function rootsOf({ heads, features }: Network): readonly ValueId[] {
  return [...heads.map(({ logits }) => logits), features]
}

/** Returns the offsets of pieces that are stored one after the other: for each the sum of the sizes before it. */
export function offsetsOf(sizes: readonly number[]): number[] {
  let end = 0
  return sizes.map((size) => {
    end += size
    return end - size
  })
}
