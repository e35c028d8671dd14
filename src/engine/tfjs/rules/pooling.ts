/** Pooling over windows and over the whole image. */
import * as tf from '@tensorflow/tfjs-core'
import type { Window } from '../../../core/network.ts'
import { type Context, keepsNothing, type LayerOf, type Rule } from '../rule.ts'
import { explicitPlacement, type Placement, placement } from './placement.ts'

/** Padding of max pooling: the most negative finite float32, below every activation. */
const LOWEST = -3.4028234663852886e38

/** Mean over the real cells of each window. */
export const avgPool: Rule<LayerOf<'avgPool'>> = {
  keeps: keepsNothing,

  forward({ window }, [x]) {
    const place = placement(x.shape, window)
    const mean = run(tf.AvgPool, { x: place.padded(x) }, attributes(window, place))
    return { output: overRealCells(mean, x.shape, window, place) }
  },

  backward({ input, window }, { cotangent }, context) {
    const shape = shapeOf(input, context)
    // The gradient kernels of most backends count padding as cells, even where the forward ones do not.
    const place = explicitPlacement(shape, window)
    const dy = overRealCells(cotangent, shape, window, place)
    // They read the shape of their input only.
    const like = tf.zeros(place.shape)
    return { inputs: [place.unpadded(run(tf.AvgPoolGrad, { dy, input: like }, attributes(window, place)))] }
  },
}

export const maxPool: Rule<LayerOf<'maxPool'>> = {
  keeps: () => ({ inputs: true, output: true }),

  forward({ window }, [x]) {
    const place = placement(x.shape, window)
    return { output: run(tf.MaxPool, { x: place.padded(x, LOWEST) }, attributes(window, place)) }
  },

  backward({ window }, { cotangent, inputs: [x], output }) {
    const place = placement(x.shape, window)
    const kernelInputs = { dy: cotangent, input: place.padded(x, LOWEST), output: output as tf.Tensor }
    return { inputs: [place.unpadded(run(tf.MaxPoolGrad, kernelInputs, attributes(window, place)))] }
  },
}

/** [batch, height, width, channels] → [batch, channels] */
export const globalMean: Rule<LayerOf<'globalMean'>> = {
  keeps: keepsNothing,
  forward: (_, [x]) => ({ output: tf.mean(x, [1, 2]) }),
  backward({ input }, { cotangent }, context) {
    const [batch, height, width, channels] = shapeOf(input, context)
    const share = tf.reshape(tf.div(cotangent, height * width), [batch, 1, 1, channels])
    return { inputs: [tf.tile(share, [1, height, width, 1])] }
  },
}

const attributes = ({ kernel, stride }: Window, { pad }: Placement) => ({
  filterSize: [kernel, kernel],
  strides: [stride, stride],
  pad,
})

const run = (kernel: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor =>
  tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap)

function shapeOf(input: number, { values, batchSize }: Context): [number, number, number, number] {
  const { height, width, channels } = values[input]
  return [batchSize, height, width, channels]
}

/** Where zeros were added, the kernel divides by all k² cells: k² / (real cells) sets that right. */
function overRealCells(mean: tf.Tensor, shape: readonly number[], window: Window, place: Placement): tf.Tensor {
  if (place.shape[1] === shape[1] && place.shape[2] === shape[2]) return mean
  const rows = realCells(shape[1], mean.shape[1] as number, window)
  const columns = realCells(shape[2], mean.shape[2] as number, window)
  const share = rows.flatMap((row) => columns.map((column) => window.kernel ** 2 / (row * column)))
  return tf.mul(mean, tf.tensor4d(share, [1, rows.length, columns.length, 1]))
}

/** How many cells of each window along an axis are not padding. */
const realCells = (extent: number, windows: number, { kernel, stride, padding }: Window) =>
  Array.from({ length: windows }, (_, i) => {
    const from = i * stride - padding
    return Math.min(from + kernel, extent) - Math.max(from, 0)
  })
