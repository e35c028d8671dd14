/**
 * The executor's own form of a network: few kinds of operations, each with the freedom that fusing needs. `lower.ts`
 * writes it layer for layer; the passes in `rewrite/` turn it into an equal and cheaper one.
 */
import type { CoefficientId, Network, ParameterId, Value, ValueId } from '../../core/network.ts'

/** Numbers `statistics`, `affine`: as in `Layer`. */
export interface Norm {
  readonly affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null
  readonly statistics: number | null
}

/** Π factors · norm(value); the empty product is 1. */
export interface Term {
  readonly value: ValueId
  readonly norm: Norm | null
  readonly factors: readonly CoefficientId[]
}

export interface FilterWindow {
  readonly height: number
  readonly width: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

export interface Filter {
  /** `dense`: every output channel reads all input channels; `depthwise`: its own. */
  readonly kind: 'dense' | 'depthwise'
  readonly parameter: ParameterId
  readonly window: FilterWindow
  readonly output: ValueId
}

/** Channels of `input` that become channels `to`, `to` + 1, … of the output. */
export interface Move {
  readonly input: ValueId
  readonly channels: readonly number[]
  readonly to: number
}

export interface Pooling {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

export type Operation =
  /** output = Σ terms: a node, a sum, a batch normalisation; without terms, zeros. */
  | { readonly kind: 'combine'; readonly terms: readonly Term[]; readonly output: ValueId }
  /** Convolutions of one input, through ReLU or not, each with its own output. */
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
  /** Given by the host for each batch. */
  | { readonly kind: 'noise'; readonly site: number; readonly output: ValueId }
  | { readonly kind: 'dropPath'; readonly input: ValueId; readonly path: number; readonly output: ValueId }
  /** Slice, shuffle and concatenation: every output channel is one input channel. */
  | { readonly kind: 'rearrange'; readonly moves: readonly Move[]; readonly output: ValueId }

export type Of<K extends Operation['kind']> = Operation & { readonly kind: K }

export interface Graph {
  readonly network: Network
  /** The network's values, then those that lowering added. */
  readonly values: readonly Value[]
  readonly operations: readonly Operation[]
}

/** The values that an operation computes. */
export function outputsOf(operation: Operation): readonly ValueId[] {
  return operation.kind === 'convolve' ? operation.filters.map(({ output }) => output) : [operation.output]
}

/** The values that an operation reads, each as often as it does. */
export function inputsOf(operation: Operation): readonly ValueId[] {
  if (operation.kind === 'combine') return operation.terms.map(({ value }) => value)
  if (operation.kind === 'rearrange') return operation.moves.map(({ input }) => input)
  if (operation.kind === 'noise') return []
  return [operation.input]
}

/** What must be there after a forward pass: the heads' logits and the features. */
export function rootsOf({ heads, features }: Network): readonly ValueId[] {
  return [...heads.map(({ logits }) => logits), features]
}
