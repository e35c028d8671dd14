/**
 * A network as data: a static graph of layers over NHWC activations. Search spaces build it, executors compile it.
 *
 * The graph's values are numbered. A value is an activation of shape [batch, height, width, channels], or [batch,
 * channels] after global pooling (then height = width = 1). Layers are listed in the order of computation.
 *
 * Mixing weights enter in one place: a `mix` layer is Σ_i c[i]·input_i, where c are entries of the *coefficients*, a
 * flat vector that the search algorithm gives at every step (see `mixing.ts` for its layout).
 */

/** Identifies an activation of the network: its index into `Network.values`. */
export type ValueId = number
/** Identifies a trainable tensor of the network: its index into `Network.parameters`. */
export type ParameterId = number
/** Identifies a mixing coefficient: its index into the flat vector that the search algorithm gives at every step. */
export type CoefficientId = number

export interface Value {
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** Initialisation of a trainable parameter. `fanIn` is input channels per group × kernel height × kernel width. */
export type Initialiser =
  /**
   * Initial values from the uniform distribution U(−1/√fanIn, 1/√fanIn), PyTorch's default for convolutions and linear
   * layers.
   */
  { readonly kind: 'uniform-fan-in'; readonly fanIn: number } | { readonly kind: 'constant'; readonly value: number }

export interface Parameter {
  /**
   * Dotted name of the parameter, as in `cell0.edge0-1.nor_conv_3x3.conv.weight`; names of weights end in `weight`, of
   * shifts in `bias`.
   */
  readonly name: string
  /**
   * Shape of the parameter: convolution filters [kernelHeight, kernelWidth, inChannels, outChannels] (HWIO), depthwise
   * filters [kernelHeight, kernelWidth, channels], linear weights [inFeatures, outFeatures], vectors [channels].
   */
  readonly shape: readonly number[]
  readonly initialiser: Initialiser
}

/**
 * Geometry of a convolution's or pooling's sliding window. Output size = ⌊(size + 2·padding − dilation·(kernel − 1) −
 * 1) / stride⌋ + 1.
 */
export interface Window {
  readonly kernel: number
  readonly stride: number
  /**
   * Padding on each side of the image, in pixels: zeros for convolutions, −∞ for max pooling, not counted for average
   * pooling.
   */
  readonly padding: number
  readonly dilation: number
}

export type Layer =
  /** Convolution (cross-correlation), without bias. */
  | (Unary & { readonly kind: 'conv'; readonly window: Window; readonly filter: ParameterId })
  /** Depthwise convolution: one filter per channel, without bias. */
  | (Unary & { readonly kind: 'depthwiseConv'; readonly window: Window; readonly filter: ParameterId })
  /**
   * Batch normalisation with ε = 1e-5 and the biased batch variance. If `statistics` is a number, the layer keeps
   * running statistics (momentum 0.1, unbiased variance) at that index and uses them in evaluation; else evaluation
   * uses batch statistics too.
   */
  | (Unary & {
      readonly kind: 'batchNorm'
      readonly affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null
      readonly statistics: number | null
    })
  | (Unary & { readonly kind: 'relu' })
  /** Average pooling: mean over the pixels of the window that lie inside the image; padding does not count. */
  | (Unary & { readonly kind: 'avgPool'; readonly window: Window })
  | (Unary & { readonly kind: 'maxPool'; readonly window: Window })
  /** Global average pooling: mean over height and width. */
  | (Unary & { readonly kind: 'globalMean' })
  /**
   * Linear layer: x·W + b over [batch, features]. An input whose height × width exceeds 1 is flattened in NHWC order
   * first.
   */
  | (Unary & { readonly kind: 'linear'; readonly weight: ParameterId; readonly bias: ParameterId })
  /** Drops the first `rows` rows and the first `rows` columns of an image: x[:, rows:, rows:, :]. */
  | (Unary & { readonly kind: 'crop'; readonly rows: number })
  /** Takes the channels `from` … `from + count` − 1 of the input. */
  | (Unary & { readonly kind: 'slice'; readonly from: number; readonly count: number })
  /** Channel shuffle (ShuffleNet): channels are seen as a matrix [groups, channels / groups], which is transposed. */
  | (Unary & { readonly kind: 'shuffle'; readonly groups: number })
  /**
   * Drop path: multiplies each sample by the factor `pathScales[path][sample]` of the feed, which is 0 or
   * 1/(probability to keep).
   */
  | (Unary & { readonly kind: 'dropPath'; readonly path: number })
  /** Noise from N(0, 1), independent of the input; new for each batch, and the same when a batch is computed again. */
  | { readonly kind: 'noise'; readonly site: number; readonly output: ValueId }
  /** Zeros in the shape of the output. */
  | { readonly kind: 'zeros'; readonly output: ValueId }
  | { readonly kind: 'sum'; readonly inputs: readonly ValueId[]; readonly output: ValueId }
  /** Concatenation of the inputs along the channels. */
  | { readonly kind: 'concat'; readonly inputs: readonly ValueId[]; readonly output: ValueId }
  /** Mixed sum Σ coefficient·input. A null input is the operation `none`: zeros, whose coefficient has gradient 0. */
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

/**
 * A classifier output and the factor of its loss in the total loss (1 for the main head, 0.4 for DARTS' auxiliary
 * head).
 */
export interface Head {
  /** Value with the logits of this head, [batch, classes]. */
  readonly logits: ValueId
  readonly lossWeight: number
}

export interface Network {
  /** Name of the network in messages: `nb201 search network, C=16 N=5`. */
  readonly name: string
  /** Shapes of all activations of the network; value 0 is the input image batch. */
  readonly values: readonly Value[]
  readonly layers: readonly Layer[]
  readonly parameters: readonly Parameter[]
  /** Number of channels of each batch normalisation that keeps running statistics. */
  readonly statistics: readonly number[]
  /** Classifier outputs of the network, the main one first. */
  readonly heads: readonly Head[]
  /** The last activation of the network before global pooling, which zero-cost proxies read. */
  readonly features: ValueId
  /**
   * Further activations that can be read with their gradients (`Executable.forward`, `GradientRequest.observed`); the
   * network's input is value 0. Absent: none. Outputs of ReLUs and logits cannot be observed.
   */
  readonly observed?: readonly ValueId[]
  /**
   * Outputs of the stem and of each cell or residual block, in the order of computation; absent if the network does not
   * consist of cells. A cell that only passes its input on has the same value as the cell before it.
   */
  readonly cells?: readonly ValueId[]
  readonly classes: number
  /** Number of mixing coefficients of the network; 0 for a discrete network. */
  readonly coefficientCount: number
  /** Number of paths that drop-path layers can drop: the first extent of `pathScales`. */
  readonly pathCount: number
}

/** Returns the number of trainable scalars of a network. */
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
