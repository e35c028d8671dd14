/**
 * Rules (forward and backward functions) of the layers with weights: convolutions y = x ∗ f, dense and depthwise, and
 * linear layers y = x·W + b.
 */
import * as tf from '@tensorflow/tfjs-core'
import type { Window } from '../../../core/network.ts'
import { interleaveZeros } from '../kernels/interleaveZeros.ts'
import { placement } from './placement.ts'
import { type Gradients, type LayerOf, type Rule, shapeOf, type Tape } from './rule.ts'

/**
 * The names of TensorFlow.js' forward and gradient kernels for one type of convolution. Their filters have the shape
 * [height, width, in, out], or [height, width, channels, 1] if depthwise.
 */
interface Family {
  readonly forward: string
  readonly filterGradient: string
  readonly inputGradient: string
}

const full: Family = {
  forward: tf.Conv2D,
  filterGradient: tf.Conv2DBackpropFilter,
  inputGradient: tf.Conv2DBackpropInput,
}
const depthwise: Family = {
  forward: tf.DepthwiseConv2dNative,
  filterGradient: tf.DepthwiseConv2dNativeBackpropFilter,
  inputGradient: tf.DepthwiseConv2dNativeBackpropInput,
}

/** Rule of dense convolutions, y = x ∗ f: every output channel reads all input channels. */
export const conv: Rule<LayerOf<'conv'>> = convolution(full)
/** Rule of depthwise convolutions, y = x ∗ f: each channel is filtered by itself. */
export const depthwiseConv: Rule<LayerOf<'depthwiseConv'>> = convolution(depthwise)

/** Returns the rule of convolutions, dense or depthwise, that use the given TensorFlow.js kernels. */
function convolution(family: Family): Rule<LayerOf<'conv' | 'depthwiseConv'>> {
  return {
    keeps: (_, wants) => ({ inputs: wants.parameters }),

    forward({ window, filter }, [x], context) {
      const { pad, padded } = placement(x.shape, window)
      const inputs = { x: padded(x), filter: spread(fourAxes(context.parameter(filter)), window.dilation) }
      return { output: run(family.forward, inputs, attributes(window, pad)) }
    },

    backward({ input, window, filter }, { cotangent, inputs, wants }: Tape, context): Gradients {
      const parameter = context.parameter(filter)
      const spreadFilter = spread(fourAxes(parameter), window.dilation)
      const { pad, shape, padded, unpadded } = placement(shapeOf(input, context), window)
      const common = attributes(window, pad)
      const inputGradient = () =>
        unpadded(run(family.inputGradient, { dy: cotangent, filter: spreadFilter }, { ...common, inputShape: shape }))
      const filterGradient = () => {
        const read = pixelsRead(padded(inputs[0]), window)
        const attrs = { ...attributes(read.window, pad), filterShape: spreadFilter.shape }
        const gradient = run(family.filterGradient, { x: read.x, dy: cotangent }, attrs)
        return tf.reshape(gather(gradient, window.dilation), parameter.shape)
      }
      return {
        inputs: [wants.inputs[0] ? inputGradient() : undefined],
        parameters: wants.parameters ? [filterGradient()] : undefined,
      }
    },
  }
}

const attributes = ({ stride }: Window, pad: 'same' | 'valid') => ({
  strides: [stride, stride],
  pad,
  dataFormat: 'NHWC',
  dilations: [1, 1],
})

const run = (kernel: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor4D =>
  tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap) as tf.Tensor4D

/**
 * Returns the pixels of the input x that a filter reads, and the window that slides over them. A 1×1 filter reads only
 * every stride-th pixel; these are cut out, and its window gets stride 1. (With the stride instead, oneDNN's filter
 * gradient, in libtensorflow, writes past its buffers if the number of channels is not a multiple of 16.)
 */
function pixelsRead(x: tf.Tensor4D, window: Window): { readonly x: tf.Tensor4D; readonly window: Window } {
  const { kernel, stride } = window
  if (kernel > 1 || stride === 1) return { x, window }
  const cells = tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, stride, stride, 1]) as tf.Tensor4D
  return { x: cells, window: { ...window, stride: 1 } }
}

/** Returns a filter with four axes: depthwise [k, k, channels] becomes [k, k, channels, 1]. */
const fourAxes = (filter: tf.Tensor) => (filter.rank === 4 ? filter : tf.expandDims(filter, 3)) as tf.Tensor4D

/**
 * Returns the filter with dilation − 1 zeros between its taps, so that an undilated convolution gives the same result.
 * (TensorFlow.js has no gradient kernels for dilated convolutions, and no kernels that stride and dilate at once.)
 */
function spread(filter: tf.Tensor4D, dilation: number): tf.Tensor4D {
  if (dilation === 1) return filter
  const [k, , channels, multiplicity] = filter.shape
  const span = dilation * (k - 1) + 1
  const cells = interleaveZeros(tf.reshape(filter, [1, k, k, channels * multiplicity]), [dilation, dilation])
  return tf.reshape(cells, [span, span, channels, multiplicity])
}

/** Returns the taps of a filter without the zeros that `spread` inserted between them. */
function gather(spreadFilter: tf.Tensor4D, dilation: number): tf.Tensor4D {
  if (dilation === 1) return spreadFilter
  return tf.stridedSlice(spreadFilter, [0, 0, 0, 0], spreadFilter.shape, [dilation, dilation, 1, 1]) as tf.Tensor4D
}

/** Rule of linear layers: y = x·W + b on flattened samples. */
export const linear: Rule<LayerOf<'linear'>> = {
  keeps: (_, wants) => ({ inputs: wants.parameters }),

  forward({ output, weight, bias }, [x], context) {
    const product = tf.matMul(rows(x), context.parameter(weight) as tf.Tensor2D)
    return { output: tf.reshape(tf.add(product, context.parameter(bias)), shapeOf(output, context)) }
  },

  backward({ input, weight }, { cotangent, inputs, wants }, context) {
    const dy = rows(cotangent)
    const inputGradient = () => tf.matMul(dy, context.parameter(weight) as tf.Tensor2D, false, true)
    return {
      inputs: [wants.inputs[0] ? tf.reshape(inputGradient(), shapeOf(input, context)) : undefined],
      parameters: wants.parameters ? [tf.matMul(rows(inputs[0]), dy, true, false), tf.sum(dy, 0)] : undefined,
    }
  },
}

/** Returns each sample as a row: [batch, height, width, channels] → [batch, features]. */
const rows = (x: tf.Tensor) => tf.reshape(x, [x.shape[0], -1]) as tf.Tensor2D
