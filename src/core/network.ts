/**
 * A network as data: a static graph of layers over NHWC activations. Spaces write it, executors compile it.
 *
 * Values are numbered; a value is an activation of shape [batch, height, width, channels], or [batch, channels] after
 * global pooling (then height = width = 1). Layers stand in the order of computation.
 *
 * Mixing enters in one place: a `mix` layer is Σ_i c[i]·input_i, where c are entries of the *coefficients*, the flat
 * vector of host numbers that a search algorithm hands in at every step (see `mixing.ts` for its layout).
 */

/** Index into `Network.values`. */
export type ValueId = number
/** Index into `Network.parameters`. */
export type ParameterId = number
/** Index into the flat coefficient vector. */
export type CoefficientId = number

export interface Value {
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** Initialisation of a parameter. `fanIn` is input channels per group × kernel height × kernel width. */
export type Initialiser =
  /** U(−1/√fanIn, 1/√fanIn), PyTorch's default for convolutions and linear layers. */
  { readonly kind: 'uniform-fan-in'; readonly fanIn: number } | { readonly kind: 'constant'; readonly value: number }

export interface Parameter {
  /**
   * Dotted name, as in `cell0.edge0-1.nor_conv_3x3.conv.weight`; names of weights end in `weight`, of shifts in `bias`.
   */
  readonly name: string
  /**
   * Convolution filters [kernelHeight, kernelWidth, inChannels, outChannels] (HWIO); depthwise filters
   * [kernelHeight, kernelWidth, channels]; linear weights [inFeatures, outFeatures]; vectors [channels].
   */
  readonly shape: readonly number[]
  readonly initialiser: Initialiser
}

/** Geometry of a sliding window. Output size = ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1. */
export interface Window {
  readonly kernel: number
  readonly stride: number
  /** Symmetric; zeros for convolutions, −∞ for max pooling, not counted for average pooling. */
  readonly padding: number
  readonly dilation: number
}

export type Layer =
  /** Cross-correlation without bias. */
  | (Unary & { readonly kind: 'conv'; readonly window: Window; readonly filter: ParameterId })
  /** Depthwise convolution: one filter per channel, without bias. */
  | (Unary & { readonly kind: 'depthwiseConv'; readonly window: Window; readonly filter: ParameterId })
  /**
   * Batch normalisation, ε = 1e-5, biased batch variance; running statistics (momentum 0.1, unbiased variance) where
   * `statistics` numbers them, else batch statistics in evaluation too.
   */
  | (Unary & {
      readonly kind: 'batchNorm'
      readonly affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null
      readonly statistics: number | null
    })
  | (Unary & { readonly kind: 'relu' })
  /** Mean over the window's cells inside the image; padding does not count. */
  | (Unary & { readonly kind: 'avgPool'; readonly window: Window })
  | (Unary & { readonly kind: 'maxPool'; readonly window: Window })
  /** Mean over height and width. */
  | (Unary & { readonly kind: 'globalMean' })
  /** x·W + b over [batch, features]; a value of height × width > 1 is flattened in NHWC order first. */
  | (Unary & { readonly kind: 'linear'; readonly weight: ParameterId; readonly bias: ParameterId })
  /** Drops the first `rows` rows and columns: x[:, rows:, rows:, :]. */
  | (Unary & { readonly kind: 'crop'; readonly rows: number })
  /** Takes the channels `from` … `from + count` − 1. */
  | (Unary & { readonly kind: 'slice'; readonly from: number; readonly count: number })
  /** Channel shuffle: channels seen as [groups, channels / groups], transposed. */
  | (Unary & { readonly kind: 'shuffle'; readonly groups: number })
  /** Multiplies each sample by its own host number `pathScales[path][sample]` (drop path: 0 or 1/keep). */
  | (Unary & { readonly kind: 'dropPath'; readonly path: number })
  /** Noise from N(0, 1), independent of the input; new for each batch, and the same when a batch is computed again. */
  | { readonly kind: 'noise'; readonly site: number; readonly output: ValueId }
  /** Zeros of the output's shape. */
  | { readonly kind: 'zeros'; readonly output: ValueId }
  | { readonly kind: 'sum'; readonly inputs: readonly ValueId[]; readonly output: ValueId }
  /** Concatenation over channels. */
  | { readonly kind: 'concat'; readonly inputs: readonly ValueId[]; readonly output: ValueId }
  /** Σ coefficient·input. A null input is the operation `none`: zeros, whose coefficient has gradient 0. */
  | {
      readonly kind: 'mix'
      readonly inputs: readonly (ValueId | null)[]
      readonly coefficients: readonly CoefficientId[]
      readonly output: ValueId
    }

interface Unary {
  readonly input: ValueId
  readonly output: ValueId
}

export type LayerKind = Layer['kind']

/** A classifier output and its share of the loss (1 for the main head, 0.4 for DARTS' auxiliary head). */
export interface Head {
  /** Logits, [batch, classes]. */
  readonly logits: ValueId
  readonly lossWeight: number
}

export interface Network {
  /** Name in messages: `nb201 search network, C=16 N=5`. */
  readonly name: string
  /** Value 0 is the input image batch. */
  readonly values: readonly Value[]
  readonly layers: readonly Layer[]
  readonly parameters: readonly Parameter[]
  /** Channel count of each batch normalisation that keeps running statistics. */
  readonly statistics: readonly number[]
  /** The main head first. */
  readonly heads: readonly Head[]
  /** The last activation before global pooling, that zero-cost proxies read. */
  readonly features: ValueId
  readonly classes: number
  /** Length of the coefficient vector; 0 for a discrete network. */
  readonly coefficientCount: number
  /** Number of drop-path layers' paths: the length of `pathScales`. */
  readonly pathCount: number
}

/** Returns the number of trainable scalars. */
export function parameterCount(network: Network): number {
  return network.parameters.reduce((sum, parameter) => sum + sizeOf(parameter.shape), 0)
}

/**
 * Counts the multiply-accumulates of a network for one image, which the field's tables call FLOPs: a convolution costs
 * its output positions × the entries of its filter, a linear layer in·out + out; batch normalisation, pooling and
 * additions cost nothing. Layers that do not reach the output are counted, and so is an auxiliary head.
 */
export function macCount(network: Network): number {
  return network.layers.reduce((sum, layer) => sum + layerMacs(network, layer), 0)
}

function layerMacs(network: Network, layer: Layer): number {
  const size = (parameter: ParameterId) => sizeOf(network.parameters[parameter].shape)
  switch (layer.kind) {
    case 'conv':
    case 'depthwiseConv': {
      const { height, width } = network.values[layer.output]
      return height * width * size(layer.filter)
    }
    case 'linear':
      return size(layer.weight) + size(layer.bias)
    default:
      return 0
  }
}

/** Returns the number of entries of a tensor: the product of its extents. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1)
}
