/**
 * The candidate operations of the DARTS space as layers of a network. Names of network weights follow the code of the
 * DARTS paper.
 */
import { BenchError } from '../../core/errors.ts'
import type { ValueId } from '../../core/network.ts'
import type { BatchNormOptions, NetworkBuilder } from '../../core/networkBuilder.ts'
import type { ChosenOperation } from './topology.ts'

/** The builder of a network, and the batch-norm settings that all operations of the network share. */
export interface OperationStyle {
  readonly builder: NetworkBuilder
  readonly batchNorm: BatchNormOptions
  /** Whether every pooling operation is followed by a batch norm without scale and shift. */
  readonly pooledBatchNorm: boolean
}

/** Adds an operation to the network and returns its output. At stride 2, height and width are halved. */
export function writeOperation(
  style: OperationStyle,
  input: ValueId,
  operation: ChosenOperation,
  stride: 1 | 2,
  name: string,
): ValueId {
  const { channels } = style.builder.value(input)
  switch (operation) {
    case 'max_pool_3x3':
      return pool(style, 'maxPool', input, stride)
    case 'avg_pool_3x3':
      return pool(style, 'avgPool', input, stride)
    case 'skip_connect':
      return stride === 1 ? input : factorisedReduce(style, input, channels, name)
    case 'sep_conv_3x3':
      return separableConv(style, input, 3, stride, name)
    case 'sep_conv_5x5':
      return separableConv(style, input, 5, stride, name)
    case 'dil_conv_3x3':
      return dilatedConv(style, input, 3, stride, name)
    case 'dil_conv_5x5':
      return dilatedConv(style, input, 5, stride, name)
    case 'noise':
      return noise(style, input, stride)
  }
}

/** Adds a pooling to the network, followed by a batch norm if `pooledBatchNorm` is set. → its output */
function pool(
  { builder, batchNorm, pooledBatchNorm }: OperationStyle,
  kind: 'maxPool' | 'avgPool',
  input: ValueId,
  stride: number,
): ValueId {
  const pooled = builder.pool(kind, input, { kernel: 3, stride, padding: 1 })
  return pooledBatchNorm ? builder.batchNorm(pooled, { affine: false, track: batchNorm.track }, '') : pooled
}

/**
 * Adds the operation `noise`: Gaussian noise N(0, 1) in place of the input, at stride 2 with half its height and width.
 */
function noise({ builder }: OperationStyle, input: ValueId, stride: number): ValueId {
  const { height, width, channels } = builder.value(input)
  return builder.noise({ height: Math.ceil(height / stride), width: Math.ceil(width / stride), channels })
}

/** Adds a separable convolution: depthwise and pointwise, twice. The first depthwise convolution has the stride. */
function separableConv(
  { builder, batchNorm }: OperationStyle,
  input: ValueId,
  kernel: number,
  stride: number,
  name: string,
): ValueId {
  const half = (x: ValueId, i: 1 | 2, stride: number) => {
    const window = { kernel, stride, padding: (kernel - 1) / 2 }
    const depthwise = builder.depthwiseConv(builder.relu(x), window, `${name}.dw${i}`)
    const pointwise = builder.conv(depthwise, builder.value(x).channels, { kernel: 1 }, `${name}.pw${i}`)
    return builder.batchNorm(pointwise, batchNorm, `${name}.bn${i}`)
  }
  return half(half(input, 1, stride), 2, 1)
}

/**
 * Adds a dilated convolution to the network: one depthwise convolution with dilation 2 and one pointwise convolution.
 */
function dilatedConv(
  { builder, batchNorm }: OperationStyle,
  input: ValueId,
  kernel: number,
  stride: number,
  name: string,
): ValueId {
  const window = { kernel, stride, padding: kernel - 1, dilation: 2 }
  const depthwise = builder.depthwiseConv(builder.relu(input), window, `${name}.dw`)
  const pointwise = builder.conv(depthwise, builder.value(input).channels, { kernel: 1 }, `${name}.pw`)
  return builder.batchNorm(pointwise, batchNorm, `${name}.bn`)
}

/** Adds ReLU, a 1×1 convolution to a given number of channels, and batch norm to the network. → their output */
export function reluConvBn(
  { builder, batchNorm }: OperationStyle,
  input: ValueId,
  channels: number,
  name: string,
): ValueId {
  const convolved = builder.conv(builder.relu(input), channels, { kernel: 1 }, `${name}.conv`)
  return builder.batchNorm(convolved, batchNorm, `${name}.bn`)
}

/**
 * Adds the operation "factorised reduce", which halves height and width without losing pixels: half of the output
 * channels see the even rows and columns, the other half the odd ones.
 * @throws BenchError `bad-input` if height, width or channels are odd
 */
export function factorisedReduce(
  { builder, batchNorm }: OperationStyle,
  input: ValueId,
  channels: number,
  name: string,
): ValueId {
  checkEven(builder, input, channels, name)
  const x = builder.relu(input)
  const even = builder.conv(x, channels / 2, { kernel: 1, stride: 2 }, `${name}.conv_1`)
  const odd = builder.conv(builder.crop(x, 1), channels / 2, { kernel: 1, stride: 2 }, `${name}.conv_2`)
  return builder.batchNorm(builder.concat([even, odd]), batchNorm, `${name}.bn`)
}

/**
 * Checks that height and width of a tensor can be halved by `factorisedReduce`.
 * @throws BenchError `bad-input` if height, width or channels are odd
 */
export function checkEven(builder: NetworkBuilder, input: ValueId, channels: number, name: string): void {
  const { height, width } = builder.value(input)
  if (height % 2 === 0 && width % 2 === 0 && channels % 2 === 0) return
  throw new BenchError(
    'bad-input',
    `${name}: cannot halve ${height}×${width} pixels into ${channels} channels; all three must be even, ` +
      'so choose another image size (--image-size, data.imageSize) or number of channels',
  )
}
