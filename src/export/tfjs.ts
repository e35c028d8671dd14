/**
 * Writes a network as a graph model of TensorFlow.js, for the browser and Node: `model.json` with the graph of
 * TensorFlow operations, and `weights.bin`. Images are NHWC, as everywhere in TensorFlow.js.
 * Compared to PyTorch, TensorFlow pads only at the end instead of on both sides, never counts its own padding in
 * average pooling, and does not allow dilation together with stride. So the graph pads images by separate operations,
 * multiplies averages by constants, and replaces a dilated convolution with stride 2 by one on every second pixel.
 */
import type { Layer, LayerKind, ValueId, Window } from '../core/network.ts'
import { packageVersion } from '../system/environment.ts'
import { littleEndian } from '../system/safetensors.ts'
import { normNames, tensorPlaces, torchName } from '../training/namedTensors.ts'
import { type Deployment, flatValues, inexpressible, inferenceLayers } from './deployment.ts'

/** ε of all batch normalisations (`core/network.ts`). */
const EPSILON = 1e-5
/** Name of the graph's input: images as RGB intensities 0 … 1, [batch, height, width, 3]. */
const INPUT = 'images'

export interface GraphModel {
  /** Content of `model.json`. */
  readonly json: string
  /** Content of the file with the weights, which `model.json` names. */
  readonly weights: Uint8Array
}

/**
 * Returns a network as a graph model of TensorFlow.js, which `tf.loadGraphModel` reads. Its input `images` has shape
 * [batch, height, width, 3] with RGB intensities 0 … 1. Its outputs are `logits` and `probabilities`, each [batch,
 * classes].
 * @param weightsFile name of the file with the weights, beside `model.json`
 * @throws BenchError `unsupported` for a network with a layer that the graph cannot express
 */
export function graphModel(deployment: Deployment, weightsFile: string): GraphModel {
  const { network, input, notes } = deployment
  const graph = new TensorflowGraph(deployment)
  for (const layer of inferenceLayers(network)) graph.layer(layer)
  graph.finish()
  const { height, width, channels, classNames, mean, std } = input
  const tensor = (name: string, shape: readonly number[]) => ({
    name,
    dtype: 'DT_FLOAT',
    tensorShape: { dim: shape.map((size) => ({ size: String(size) })) },
  })
  const scores = [-1, classNames.length]
  const model = {
    format: 'graph-model',
    generatedBy: `nas-bench-harness ${packageVersion}`,
    convertedBy: null,
    signature: {
      inputs: { [INPUT]: tensor(`${INPUT}:0`, [-1, height, width, channels]) },
      outputs: { logits: tensor('logits:0', scores), probabilities: tensor('probabilities:0', scores) },
    },
    userDefinedMetadata: { ...notes, classes: classNames, normalisation: { mean, std } },
    modelTopology: { node: graph.nodes, library: {}, versions: { producer: 1 } },
    weightsManifest: [{ paths: [weightsFile], weights: graph.weights.map(({ values: _, ...spec }) => spec) }],
  }
  const weights = Buffer.concat(graph.weights.map(({ values }) => values))
  return { json: `${JSON.stringify(model)}\n`, weights: Uint8Array.from(weights) }
}

type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>

interface Weight {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: 'float32' | 'int32'
  readonly values: Uint8Array
}

interface Node {
  readonly name: string
  readonly op: string
  readonly input: readonly string[]
  readonly attr: Readonly<Record<string, unknown>>
}

const FLOAT = { type: 'DT_FLOAT' }
const valueName = (id: ValueId): string => `value${id}`
const list = (numbers: readonly number[]) => ({ list: { i: numbers.map(String) } })
/** Returns a text attribute of a graph node, which the graph's JSON encodes in base64. */
const text = (value: string) => ({ s: Buffer.from(value).toString('base64') })

/** The nodes and constants of a TensorFlow graph under construction. */
class TensorflowGraph {
  readonly nodes: Node[] = []
  readonly weights: Weight[] = []
  readonly #deployment: Deployment
  readonly #flat: ReadonlySet<ValueId>
  readonly #norms: ReadonlyMap<number, string>
  readonly #places: ReadonlyMap<string, ReturnType<typeof tensorPlaces>[number]>
  readonly #constants = new Set<string>()

  constructor(deployment: Deployment) {
    const { network, input } = deployment
    this.#deployment = deployment
    this.#flat = flatValues(inferenceLayers(network))
    this.#norms = normNames(network)
    this.#places = new Map(tensorPlaces(network).map((place) => [place.name, place]))
    const size = [-1, input.height, input.width, input.channels].map((extent) => ({ size: String(extent) }))
    this.#node('Placeholder', INPUT, [], { dtype: FLOAT, shape: { shape: { dim: size } } })
    const mean = this.#floats('input/mean', [input.mean.length], Float32Array.from(input.mean))
    const std = this.#floats('input/std', [input.std.length], Float32Array.from(input.std))
    this.#node('Sub', 'input/centred', [INPUT, mean], { T: FLOAT })
    this.#node('RealDiv', valueName(0), ['input/centred', std], { T: FLOAT })
  }

  layer(layer: Layer): void {
    const rule = this.#rules[layer.kind] as (layer: Layer) => void
    rule(layer)
  }

  /** Adds the nodes that compute the graph's outputs. */
  finish(): void {
    const { heads } = this.#deployment.network
    this.#node('Identity', 'logits', [valueName(heads[0].logits)], { T: FLOAT })
    this.#node('Softmax', 'probabilities', ['logits'], { T: FLOAT })
  }

  readonly #rules: { readonly [K in LayerKind]: (layer: LayerOf<K>) => void } = {
    conv: (layer) => this.#convolution(layer),
    depthwiseConv: (layer) => this.#convolution(layer),
    batchNorm: (layer) => this.#batchNorm(layer),
    relu: ({ input, output }) => this.#node('Relu', valueName(output), [valueName(input)], { T: FLOAT }),
    avgPool: (layer) => this.#averagePool(layer),
    maxPool: (layer) => this.#maxPool(layer),
    globalMean: ({ input, output }) => {
      const axes = this.#integers(`${valueName(output)}/axes`, [1, 2])
      this.#node('Mean', valueName(output), [valueName(input), axes], { T: FLOAT, keep_dims: { b: false } })
    },
    linear: (layer) => this.#linear(layer),
    crop: ({ input, output, rows }) => {
      const { height, width, channels } = this.#value(output)
      this.#slice(valueName(input), valueName(output), [0, rows, rows, 0], [-1, height, width, channels])
    },
    slice: ({ input, output, from }) => {
      const { height, width, channels } = this.#value(output)
      this.#slice(valueName(input), valueName(output), [0, 0, 0, from], [-1, height, width, channels])
    },
    shuffle: (layer) => this.#shuffle(layer),
    sum: ({ inputs, output }) => this.#node('AddN', valueName(output), inputs.map(valueName), { T: FLOAT }),
    concat: ({ inputs, output }) => {
      const axis = this.#integers(`${valueName(output)}/axis`, [this.#flat.has(output) ? 1 : 3], [])
      const attributes = { T: FLOAT, N: { i: String(inputs.length) } }
      this.#node('ConcatV2', valueName(output), [...inputs.map(valueName), axis], attributes)
    },
    zeros: (layer) => this.#zeros(layer),
    dropPath: ({ input, output }) => this.#node('Identity', valueName(output), [valueName(input)], { T: FLOAT }),
    noise: (layer) => {
      throw inexpressible(this.#deployment.network, layer, 'TensorFlow.js')
    },
    mix: (layer) => {
      throw inexpressible(this.#deployment.network, layer, 'TensorFlow.js')
    },
  }

  #value(id: ValueId) {
    return this.#deployment.network.values[id]
  }

  /** Adds a constant with a tensor of the network, whose layout is also TensorFlow's. Returns the constant's name. */
  #tensor(name: string, shape: readonly number[]): string {
    const place = this.#places.get(name)
    if (place === undefined) throw new Error(`there is no tensor ${name}`)
    const length = shape.reduce((product, extent) => product * extent, 1)
    const values = this.#deployment.state[place.in].subarray(place.offset, place.offset + length)
    return this.#floats(name, shape, values)
  }

  #parameter(id: number, shape = this.#deployment.network.parameters[id].shape): string {
    return this.#tensor(torchName(this.#deployment.network.parameters[id].name), shape)
  }

  #convolution(layer: LayerOf<'conv' | 'depthwiseConv'>): void {
    const { input, output, window, filter, kind } = layer
    const { stride, dilation } = window
    const name = valueName(output)
    const { shape } = this.#deployment.network.parameters[filter]
    const weight = this.#parameter(filter, kind === 'conv' ? shape : [...shape, 1])
    let image = this.#padded(valueName(input), window, name, 0)
    let [step, gap] = [stride, dilation]
    if (stride > 1 && dilation > 1) {
      if (dilation % stride !== 0) throw inexpressible(this.#deployment.network, layer, 'TensorFlow.js')
      image = this.#everyNth(image, stride, name)
      step = 1
      gap = dilation / stride
    }
    const attributes = {
      ...{ T: FLOAT, padding: text('VALID'), data_format: text('NHWC') },
      ...{ strides: list([1, step, step, 1]), dilations: list([1, gap, gap, 1]) },
    }
    this.#node(kind === 'conv' ? 'Conv2D' : 'DepthwiseConv2dNative', name, [image, weight], attributes)
  }

  /**
   * Adds a node that takes every n-th row and column of an image, beginning with the first. Returns the node's name.
   */
  #everyNth(image: string, n: number, name: string): string {
    const begin = this.#integers(`${name}/begin`, [0, 0, 0, 0])
    const end = this.#integers(`${name}/end`, [0, 0, 0, 0])
    const strides = this.#integers(`${name}/strides`, [1, n, n, 1])
    const all = { i: '15' }
    const none = { i: '0' }
    this.#node('StridedSlice', `${name}/every`, [image, begin, end, strides], {
      ...{ T: FLOAT, begin_mask: all, end_mask: all },
      ...{ ellipsis_mask: none, new_axis_mask: none, shrink_axis_mask: none },
    })
    return `${name}/every`
  }

  /**
   * Adds a node that pads an image on all sides with a constant. Returns the node's name, or `image` if the window has
   * no padding.
   */
  #padded(image: string, { padding }: Window, name: string, value: number): string {
    if (padding === 0) return image
    const widths = [0, 0, padding, padding, padding, padding, 0, 0]
    const paddings = this.#integers(`${name}/paddings`, widths, [4, 2])
    const constant = this.#floats(`${name}/border`, [], Float32Array.of(value))
    this.#node('PadV2', `${name}/padded`, [image, paddings, constant], { T: FLOAT })
    return `${name}/padded`
  }

  #batchNorm(layer: LayerOf<'batchNorm'>): void {
    const { input, output, affine, statistics } = layer
    const name = statistics === null ? undefined : this.#norms.get(statistics)
    if (name === undefined) throw inexpressible(this.#deployment.network, layer, 'TensorFlow.js')
    const shape = [this.#value(input).channels]
    const constant = (value: number, end: string) =>
      this.#floats(`${name}.${end}`, shape, new Float32Array(shape[0]).fill(value))
    const scale = affine === null ? constant(1, 'ones') : this.#parameter(affine.scale)
    const shift = affine === null ? constant(0, 'zeros') : this.#parameter(affine.shift)
    const running = ['running_mean', 'running_var'].map((end) => this.#tensor(`${name}.${end}`, shape))
    this.#node('FusedBatchNormV3', valueName(output), [valueName(input), scale, shift, ...running], {
      ...{ T: FLOAT, U: FLOAT, data_format: text('NHWC'), epsilon: { f: EPSILON }, is_training: { b: false } },
    })
  }

  #pool(op: 'AvgPool' | 'MaxPool', image: string, name: string, { kernel, stride }: Window): void {
    this.#node(op, name, [image], {
      ...{ T: FLOAT, padding: text('VALID'), data_format: text('NHWC') },
      ...{ ksize: list([1, kernel, kernel, 1]), strides: list([1, stride, stride, 1]) },
    })
  }

  #maxPool({ input, output, window }: LayerOf<'maxPool'>): void {
    const name = valueName(output)
    this.#pool('MaxPool', this.#padded(valueName(input), window, name, -3.4e38), name, window)
  }

  /**
   * Adds an average pooling that does not count padding: the mean that includes the padded zeros, multiplied by kernel²
   * / number of pixels inside the image.
   */
  #averagePool({ input, output, window }: LayerOf<'avgPool'>): void {
    const name = valueName(output)
    if (window.padding === 0) {
      this.#pool('AvgPool', valueName(input), name, window)
      return
    }
    const { kernel } = window
    const from = this.#value(input)
    const { height, width } = this.#value(output)
    const [rows, columns] = [pixelsInside(height, from.height, window), pixelsInside(width, from.width, window)]
    const factors = Float32Array.from(
      rows.flatMap((row) => columns.map((column) => (kernel * kernel) / (row * column))),
    )
    this.#pool('AvgPool', this.#padded(valueName(input), window, name, 0), `${name}/counted`, window)
    const factor = this.#floats(`${name}/factors`, [1, height, width, 1], factors)
    this.#node('Mul', name, [`${name}/counted`, factor], { T: FLOAT })
  }

  #linear({ input, output, weight, bias }: LayerOf<'linear'>): void {
    const name = valueName(output)
    let features = valueName(input)
    if (!this.#flat.has(input)) {
      const { height, width, channels } = this.#value(input)
      const shape = this.#integers(`${name}/shape`, [-1, height * width * channels])
      this.#node('Reshape', `${name}/flat`, [features, shape], { T: FLOAT })
      features = `${name}/flat`
    }
    const transposed = { transpose_a: { b: false }, transpose_b: { b: false } }
    this.#node('MatMul', `${name}/product`, [features, this.#parameter(weight)], { T: FLOAT, ...transposed })
    this.#node('BiasAdd', name, [`${name}/product`, this.#parameter(bias)], { T: FLOAT, data_format: text('NHWC') })
  }

  #slice(image: string, name: string, begin: readonly number[], size: readonly number[]): void {
    const places = [this.#integers(`${name}/begin`, begin), this.#integers(`${name}/size`, size)]
    this.#node('Slice', name, [image, ...places], { T: FLOAT })
  }

  #shuffle({ input, output, groups }: LayerOf<'shuffle'>): void {
    const { height, width, channels } = this.#value(input)
    const name = valueName(output)
    const grouped = this.#integers(`${name}/groups`, [-1, height, width, groups, channels / groups])
    const order = this.#integers(`${name}/order`, [0, 1, 2, 4, 3])
    const whole = this.#integers(`${name}/shape`, [-1, height, width, channels])
    this.#node('Reshape', `${name}/grouped`, [valueName(input), grouped], { T: FLOAT })
    this.#node('Transpose', `${name}/transposed`, [`${name}/grouped`, order], { T: FLOAT })
    this.#node('Reshape', name, [`${name}/transposed`, whole], { T: FLOAT })
  }

  /** Adds a tensor of zeros with the value's shape and the batch size of the input: 0 · (mean of the image), tiled. */
  #zeros({ output }: LayerOf<'zeros'>): void {
    const { height, width, channels } = this.#value(output)
    const name = valueName(output)
    const axes = this.#integers(`${name}/axes`, [1, 2, 3])
    const shape = this.#integers(`${name}/shape`, [1, height, width, channels])
    const nothing = this.#floats(`${name}/zero`, [], Float32Array.of(0))
    this.#node('Mean', `${name}/mean`, [INPUT, axes], { T: FLOAT, keep_dims: { b: true } })
    this.#node('Mul', `${name}/nothing`, [`${name}/mean`, nothing], { T: FLOAT })
    this.#node('Tile', name, [`${name}/nothing`, shape], { T: FLOAT })
  }

  #floats(name: string, shape: readonly number[], values: Float32Array): string {
    return this.#constant(name, shape, 'float32', littleEndian(values.slice()))
  }

  #integers(name: string, numbers: readonly number[], shape: readonly number[] = [numbers.length]): string {
    const bytes = Buffer.alloc(4 * numbers.length)
    numbers.forEach((value, i) => {
      bytes.writeInt32LE(value, 4 * i)
    })
    return this.#constant(name, shape, 'int32', bytes)
  }

  #constant(name: string, shape: readonly number[], dtype: Weight['dtype'], values: Uint8Array): string {
    if (this.#constants.has(name)) return name
    this.#constants.add(name)
    this.weights.push({ name, shape, dtype, values })
    this.#node('Const', name, [], { dtype: { type: dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT' } })
    return name
  }

  #node(op: string, name: string, input: readonly string[], attr: Node['attr']): void {
    this.nodes.push({ name, op, input, attr })
  }
}

/** For each position of a pooling window along one axis, returns how many of its pixels are inside the image. */
function pixelsInside(positions: number, extent: number, { kernel, stride, padding }: Window): number[] {
  return Array.from({ length: positions }, (_, i) => {
    const start = i * stride - padding
    return Math.min(extent, start + kernel) - Math.max(0, start)
  })
}
