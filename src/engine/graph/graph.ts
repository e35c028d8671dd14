/**
 * The form in which the static executors on WebAssembly and WebGPU see a network: a graph of a few kinds of operations,
 * chosen so that kernels can be fused. `lower.ts` makes it from a network layer by layer; `rewrite.ts` makes it
 * cheaper.
 */
import type { CoefficientId, Network, ParameterId, Value, ValueId } from '../../core/network.ts'

/**
 * A batch normalisation in a term of a sum: the ids of its parameters γ and β, and of its running statistics; null
 * where it has none.
 */
export interface Norm {
  readonly affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null
  readonly statistics: number | null
}

/**
 * One summand of a `combine` operation: (product of its mixing coefficients `factors`)·norm(value). An empty product is
 * 1.
 */
export interface Term {
  readonly value: ValueId
  readonly norm: Norm | null
  readonly factors: readonly CoefficientId[]
}

/** The window of a convolution's filter; all sizes are in pixels. */
export interface FilterWindow {
  readonly height: number
  readonly width: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

/** One filter of a `convolve` operation, with its own window and output. */
export interface Filter {
  /**
   * Which input channels an output channel reads: `dense`: all of them; `depthwise`: only the channel of the same
   * number.
   */
  readonly kind: 'dense' | 'depthwise'
  readonly parameter: ParameterId
  readonly window: FilterWindow
  readonly output: ValueId
}

/**
 * One part of a `rearrange` operation: it copies the listed channels of `input` to the channels `to`, `to` + 1, … of
 * the output.
 */
export interface Move {
  readonly input: ValueId
  readonly channels: readonly number[]
  readonly to: number
}

/** The square window of a pooling operation; all sizes are in pixels. */
export interface Pooling {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

/** One operation of a graph; its inputs and outputs are values (tensors [batch, height, width, channels]). */
export type Operation =
  /**
   * Weighted sum: output = Σ terms, zeros if there are no terms. It stands for a node of a cell, a sum, a mixed
   * operation, or a batch normalisation alone.
   */
  | { readonly kind: 'combine'; readonly terms: readonly Term[]; readonly output: ValueId }
  /**
   * Several convolutions of one input, with one output for each filter. Either all of them apply a ReLU to the input or
   * none does.
   */
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
  /** Writes random numbers, which the host draws for each batch, into the output. */
  | { readonly kind: 'noise'; readonly site: number; readonly output: ValueId }
  | { readonly kind: 'dropPath'; readonly input: ValueId; readonly path: number; readonly output: ValueId }
  /** Slice, shuffle or concatenation of channels: every output channel is a copy of one input channel. */
  | { readonly kind: 'rearrange'; readonly moves: readonly Move[]; readonly output: ValueId }

/** The type of an operation of kind `K`. */
export type Of<K extends Operation['kind']> = Operation & { readonly kind: K }

/** A network as a list of operations, in an order in which they can be computed. */
export interface Graph {
  readonly network: Network
  /** The values of the network, followed by values that lowering to operations added. */
  readonly values: readonly Value[]
  readonly operations: readonly Operation[]
}

/** Returns the ids of the values that an operation computes. */
export function outputsOf(operation: Operation): readonly ValueId[] {
  return operation.kind === 'convolve' ? operation.filters.map(({ output }) => output) : [operation.output]
}

/** Returns the ids of the values that an operation reads; a value that is read twice is listed twice. */
export function inputsOf(operation: Operation): readonly ValueId[] {
  if (operation.kind === 'combine') return operation.terms.map(({ value }) => value)
  if (operation.kind === 'rearrange') return operation.moves.map(({ input }) => input)
  if (operation.kind === 'noise') return []
  return [operation.input]
}

/**
 * Returns the ids of the values that a forward pass must leave in memory: the logits of all heads, the features, and
 * the observed activations.
 */
export function rootsOf({ heads, features, observed = [] }: Network): readonly ValueId[] {
  return [...heads.map(({ logits }) => logits), features, ...observed]
}

/**
 * Returns the offsets of pieces of the given sizes that are stored one after the other: for each the sum of the sizes
 * before it.
 */
export function offsetsOf(sizes: readonly number[]): number[] {
  let end = 0
  return sizes.map((size) => {
    end += size
    return end - size
  })
}
