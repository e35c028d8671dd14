/**
 * Writes a network as an ONNX file: opset 17, images in NCHW with any batch size. The file includes the normalisation
 * of the images, the softmax and the class names, so that it can be used without further information.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import type { Layer, LayerKind, ValueId, Window } from '../core/network.ts'
import { packageVersion } from '../system/environment.ts'
import { littleEndian } from '../system/safetensors.ts'
import { moduleOf, normNames, torchName } from '../training/namedTensors.ts'
import { type Deployment, deployedTensors, flatValues, inexpressible, inferenceLayers } from './deployment.ts'

/** Version of the ONNX file format; `OPSET` is the version of its operators. */
const IR_VERSION = 8n
const OPSET = 17n
/** ε of all batch normalisations (`core/network.ts`). */
const EPSILON = 1e-5

/**
 * Name of the input in an exported file: images as RGB intensities 0 … 1. The outputs are `logits` and `probabilities`.
 */
export const INPUT = 'images'

/**
 * Returns the bytes of an ONNX file with the network. Its input `images` has shape [batch, 3, height, width] with RGB
 * intensities 0 … 1. Its outputs are `logits` and `probabilities`, each [batch, classes].
 * @throws BenchError `unsupported` for a network with a layer that ONNX cannot express
 */
export function onnxModel(deployment: Deployment): Uint8Array {
  const { network, input, notes } = deployment
  const graph = new OnnxGraph(deployment)
  for (const layer of inferenceLayers(network)) graph.layer(layer)
  graph.finish()
  const { height, width, channels, classNames } = input
  const image = ['batch', channels, height, width]
  const scores = ['batch', classNames.length]
  const metadata = {
    ...notes,
    classes: JSON.stringify(classNames),
    input: `${INPUT}: float32 [batch, ${channels}, ${height}, ${width}], RGB intensities 0 to 1; normalised in the graph`,
    normalisation: JSON.stringify({ mean: input.mean, std: input.std }),
  }
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })],
    ...{ producerName: 'nas-bench-harness', producerVersion: packageVersion },
    graph: create(GraphProtoSchema, {
      name: network.name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: [valueInfo(INPUT, image)],
      output: [valueInfo('logits', scores), valueInfo('probabilities', scores)],
    }),
    metadataProps: Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  })
  return toBinary(ModelProtoSchema, model)
}

type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>

/** The nodes and constants of an ONNX graph under construction. */
class OnnxGraph {
  readonly nodes: NodeProto[] = []
  readonly initializers: TensorProto[] = []
  readonly #deployment: Deployment
  readonly #flat: ReadonlySet<ValueId>
  readonly #norms: ReadonlyMap<number, string>

  constructor(deployment: Deployment) {
    this.#deployment = deployment
    this.#flat = flatValues(inferenceLayers(deployment.network))
    this.#norms = normNames(deployment.network)
    for (const { name, shape, values } of deployedTensors(deployment).values()) {
      this.initializers.push(floatTensor(name, shape, values))
    }
    const { mean, std } = deployment.input
    const perChannel = [1, mean.length, 1, 1]
    this.initializers.push(floatTensor('input.mean', perChannel, Float32Array.from(mean)))
    this.initializers.push(floatTensor('input.std', perChannel, Float32Array.from(std)))
    this.#node('Sub', [INPUT, 'input.mean'], 'images_centred')
    this.#node('Div', ['images_centred', 'input.std'], valueName(0))
  }

  layer(layer: Layer): void {
    const rule = this.#rules[layer.kind] as (layer: Layer) => void
    rule(layer)
  }

  /** Adds the nodes that compute the graph's outputs. */
  finish(): void {
    const { heads } = this.#deployment.network
    this.#node('Identity', [valueName(heads[0].logits)], 'logits')
    this.#node('Softmax', ['logits'], 'probabilities', { axis: 1 })
  }

  readonly #rules: { readonly [K in LayerKind]: (layer: LayerOf<K>) => void } = {
    conv: (layer) => this.#convolution(layer, 1),
    depthwiseConv: (layer) => this.#convolution(layer, this.#deployment.network.values[layer.input].channels),
    batchNorm: (layer) => this.#batchNorm(layer),
    relu: ({ input, output }) => this.#node('Relu', [valueName(input)], valueName(output)),
    avgPool: (layer) => this.#pool('AveragePool', layer, { count_include_pad: 0 }),
    maxPool: (layer) => this.#pool('MaxPool', layer, { dilations: pair(layer.window.dilation) }),
    globalMean: ({ input, output }) =>
      this.#node('ReduceMean', [valueName(input)], valueName(output), { axes: [2, 3], keepdims: 0 }),
    linear: (layer) => this.#linear(layer),
    crop: ({ input, output, rows }) =>
      this.#slice(input, output, { starts: [rows, rows], ends: [LARGEST, LARGEST], axes: [2, 3] }),
    slice: ({ input, output, from, count }) =>
      this.#slice(input, output, { starts: [from], ends: [from + count], axes: [1] }),
    shuffle: (layer) => this.#shuffle(layer),
    sum: ({ inputs, output }) => this.#node('Sum', inputs.map(valueName), valueName(output)),
    concat: ({ inputs, output }) => this.#node('Concat', inputs.map(valueName), valueName(output), { axis: 1 }),
    zeros: ({ output }) => this.#zeros(output),
    dropPath: ({ input, output }) => this.#node('Identity', [valueName(input)], valueName(output)),
    noise: (layer) => {
      throw inexpressible(this.#deployment.network, layer, 'ONNX')
    },
    mix: (layer) => {
      throw inexpressible(this.#deployment.network, layer, 'ONNX')
    },
  }

  #parameter(id: number): string {
    return torchName(this.#deployment.network.parameters[id].name)
  }

  #convolution({ input, output, window, filter }: LayerOf<'conv' | 'depthwiseConv'>, group: number): void {
    const weight = this.#parameter(filter)
    const attributes = { ...windowAttributes(window), dilations: pair(window.dilation), group }
    this.#node('Conv', [valueName(input), weight], valueName(output), attributes, moduleOf(weight))
  }

  #batchNorm(layer: LayerOf<'batchNorm'>): void {
    const { input, output, affine, statistics } = layer
    const name = statistics === null ? undefined : this.#norms.get(statistics)
    if (name === undefined) throw inexpressible(this.#deployment.network, layer, 'ONNX')
    const { channels } = this.#deployment.network.values[input]
    const constants = (value: number, end: string) => {
      this.initializers.push(floatTensor(`${name}.${end}`, [channels], new Float32Array(channels).fill(value)))
      return `${name}.${end}`
    }
    const scale = affine === null ? constants(1, 'ones') : this.#parameter(affine.scale)
    const shift = affine === null ? constants(0, 'zeros') : this.#parameter(affine.shift)
    const inputs = [valueName(input), scale, shift, `${name}.running_mean`, `${name}.running_var`]
    this.#node('BatchNormalization', inputs, valueName(output), { epsilon: float(EPSILON) }, name)
  }

  #pool(kind: 'AveragePool' | 'MaxPool', { input, output, window }: LayerOf<'avgPool' | 'maxPool'>, more: Attributes) {
    this.#node(kind, [valueName(input)], valueName(output), { ...windowAttributes(window), ...more })
  }

  #linear({ input, output, weight, bias }: LayerOf<'linear'>): void {
    const name = this.#parameter(weight)
    const isFlat = this.#flat.has(input)
    const flattened = isFlat ? valueName(input) : `${valueName(output)}_flat`
    if (!isFlat) this.#node('Flatten', [valueName(input)], flattened, { axis: 1 })
    const inputs = [flattened, name, this.#parameter(bias)]
    this.#node('Gemm', inputs, valueName(output), { transB: 1 }, moduleOf(name))
  }

  #slice(
    input: ValueId,
    output: ValueId,
    { starts, ends, axes }: { readonly [key in 'starts' | 'ends' | 'axes']: readonly number[] },
  ): void {
    const constants = [starts, ends, axes].map((numbers, i) =>
      this.#integers(`${valueName(output)}_${['starts', 'ends', 'axes'][i]}`, numbers),
    )
    this.#node('Slice', [valueName(input), ...constants], valueName(output))
  }

  #shuffle({ input, output, groups }: LayerOf<'shuffle'>): void {
    const { height, width, channels } = this.#deployment.network.values[input]
    const name = valueName(output)
    const grouped = this.#integers(`${name}_groups`, [0, groups, channels / groups, height, width])
    const whole = this.#integers(`${name}_shape`, [0, channels, height, width])
    this.#node('Reshape', [valueName(input), grouped], `${name}_grouped`)
    this.#node('Transpose', [`${name}_grouped`], `${name}_transposed`, { perm: [0, 2, 1, 3, 4] })
    this.#node('Reshape', [`${name}_transposed`, whole], name)
  }

  /** Adds a tensor of zeros with the value's shape and the batch size of the input. */
  #zeros(output: ValueId): void {
    const { height, width, channels } = this.#deployment.network.values[output]
    const name = valueName(output)
    const image = this.#integers(`${name}_image`, [channels, height, width])
    this.initializers.push(floatTensor(`${name}_zero`, [1], new Float32Array(1)))
    this.#node('Shape', [INPUT], `${name}_batch`, { start: 0, end: 1 })
    this.#node('Concat', [`${name}_batch`, image], `${name}_shape`, { axis: 0 })
    this.#node('Expand', [`${name}_zero`, `${name}_shape`], name)
  }

  #integers(name: string, numbers: readonly number[]): string {
    const bytes = Buffer.alloc(8 * numbers.length)
    numbers.forEach((value, i) => {
      bytes.writeBigInt64LE(BigInt(value), 8 * i)
    })
    const { INT64 } = TensorProto_DataType
    const dims = [BigInt(numbers.length)]
    this.initializers.push(create(TensorProtoSchema, { name, dims, dataType: INT64, rawData: Uint8Array.from(bytes) }))
    return name
  }

  #node(opType: string, input: readonly string[], output: string, attributes: Attributes = {}, name = output): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value))
    this.nodes.push(create(NodeProtoSchema, { opType, name, input: [...input], output: [output], attribute }))
  }
}

/** Largest 32-bit integer, which stands for the end of an axis in a slice. */
const LARGEST = 2 ** 31 - 1

const valueName = (id: ValueId): string => `value${id}`
const pair = (value: number): readonly number[] => [value, value]

const windowAttributes = ({ kernel, stride, padding }: Window): Attributes => ({
  kernel_shape: pair(kernel),
  strides: pair(stride),
  pads: [padding, padding, padding, padding],
})

/** A floating-point attribute of an ONNX node; plain numbers stand for integer attributes. */
interface Float {
  readonly float: number
}
const float = (value: number): Float => ({ float: value })

type Attributes = Readonly<Record<string, number | readonly number[] | Float>>

function attributeOf(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
  }
  if ('float' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float })
  }
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) })
}

function floatTensor(name: string, shape: readonly number[], values: Float32Array): TensorProto {
  const rawData = Uint8Array.from(littleEndian(values))
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: TensorProto_DataType.FLOAT, rawData })
}

/**
 * Returns ONNX's description of a float32 input or output. An extent given as a name, such as `batch`, may have any
 * size.
 */
function valueInfo(name: string, extents: readonly (number | string)[]) {
  const dim = extents.map((extent) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof extent === 'string' ? { case: 'dimParam', value: extent } : { case: 'dimValue', value: BigInt(extent) },
    }),
  )
  const shape = create(TensorShapeProtoSchema, { dim })
  const value = create(TypeProto_TensorSchema, { elemType: TensorProto_DataType.FLOAT, shape })
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }),
  })
}
