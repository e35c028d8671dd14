/** Rules (forward and backward functions) of average pooling, max pooling and the mean over the whole image. */
import * as tf from '@tensorflow/tfjs-core'
import type { ValueId, Window } from '../../../core/network.ts'
import type { RecordedMasks } from '../state.ts'
import { type Placement, placement } from './placement.ts'
import { keepsNothing, type LayerOf, type Rule, shapeOf } from './rule.ts'

/** Value of the border pixels in max pooling, which must never be the largest: the most negative finite float32. */
const LOWEST = -3.4028234663852886e38

/** Rule of average pooling: the mean over each window, in which border pixels do not count. */
export const avgPool: Rule<LayerOf<'avgPool'>> = {
  keeps: keepsNothing,

  forward({ window }, [x]) {
    const place = placement(x.shape, window)
    const mean = run(tf.AvgPool, { x: place.padded(x) }, attributes(window, place))
    // The kernel leaves out border pixels of `same` padding, but counts zeros that were added before.
    const counted = window.kernel ** 2
    return {
      output: isPadded(place, x.shape) ? tf.mul(mean, tf.div(counted, cellCounts(mean, x.shape, window))) : mean,
    }
  },

  backward({ input, window }, { cotangent }, context) {
    const shape = shapeOf(input, context)
    const place = placement(shape, window)
    if (place.pad === 'same') return { inputs: [sameGradient(cotangent, window, place)] }
    const counted = window.kernel ** 2
    const dy = isPadded(place, shape)
      ? tf.mul(cotangent, tf.div(counted, cellCounts(cotangent, shape, window)))
      : cotangent
    const like = tf.zeros(place.shape) // the kernel reads its shape only
    return { inputs: [place.unpadded(run(tf.AvgPoolGrad, { dy, input: like }, attributes(window, place)))] }
  },
}

/**
 * Returns the input gradient of average pooling with stride 1 and `same` padding. Pixel i is in the window around j
 * exactly if j is in the window around i. With r_j = number of pixels in the window around j, the gradient Σ_j dy_j/r_j
 * is therefore r·pool(dy/r). (The backends' own gradient kernels count border pixels, unlike their forward kernels.)
 */
function sameGradient(cotangent: tf.Tensor, window: Window, place: Placement): tf.Tensor {
  const counts = cellCounts(cotangent, cotangent.shape, window)
  return tf.mul(run(tf.AvgPool, { x: tf.div(cotangent, counts) }, attributes(window, place)), counts)
}

/**
 * Rule of max pooling: the largest entry of each window. When activations are frozen, it is the entry at the pixel that
 * was largest when the masks were recorded.
 */
export const maxPool: Rule<LayerOf<'maxPool'>> = {
  keeps: () => ({ inputs: true, output: true }),

  forward({ window, output }, [x], { activationMasks }) {
    if (activationMasks) return { output: chosen(activationMasks, output, windowEntries(x, window), x) }
    const place = placement(x.shape, window)
    return { output: run(tf.MaxPool, { x: place.padded(x, LOWEST) }, attributes(window, place)) }
  },

  backward(layer, { cotangent, inputs: [live], output }, { activationMasks }) {
    const x = activationMasks?.recorded(`pooled ${layer.output}`, () => tf.clone(live)) ?? live
    const largest =
      activationMasks?.recorded(`largest ${layer.output}`, () => tf.clone(output as tf.Tensor)) ?? (output as tf.Tensor)
    const place = placement(x.shape, layer.window)
    const kernelInputs = { dy: cotangent, input: place.padded(x, LOWEST), output: largest }
    return { inputs: [place.unpadded(run(tf.MaxPoolGrad, kernelInputs, attributes(layer.window, place)))] }
  },
}

/**
 * Returns from each window the entry that was largest when the masks were recorded, Σ_k choice_k·entry_k. The first
 * call records the choice, the pooled input and its largest entries; the backward rule reads the last two.
 */
function chosen(activationMasks: RecordedMasks, output: ValueId, entries: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const choice = activationMasks.recorded(`choice ${output}`, () =>
    tf.oneHot(tf.argMax(entries, -1), entries.shape.at(-1) as number),
  )
  const result = tf.sum(tf.mul(choice, entries), -1)
  activationMasks.recorded(`pooled ${output}`, () => tf.clone(x))
  activationMasks.recorded(`largest ${output}`, () => tf.clone(result))
  return result
}

/** Returns the entries of each pooling window as the last axis, [batch, height, width, channels, kernel²]. */
function windowEntries(x: tf.Tensor, window: Window): tf.Tensor {
  const { kernel, stride, padding } = window
  const [batch, height, width, channels] = x.shape
  const windows = (extent: number) => Math.floor((extent + 2 * padding - kernel) / stride) + 1
  const margin: [number, number] = [padding, padding + stride]
  const padded = tf.pad(x as tf.Tensor4D, [[0, 0], margin, margin, [0, 0]], LOWEST)
  const ends = (from: number, extent: number) => from + (windows(extent) - 1) * stride + 1
  const offsets = Array.from({ length: kernel ** 2 }, (_, k) => [Math.floor(k / kernel), k % kernel])
  const entries = offsets.map(([row, column]) =>
    tf.stridedSlice(
      padded,
      [0, row, column, 0],
      [batch, ends(row, height), ends(column, width), channels],
      [1, stride, stride, 1],
    ),
  )
  return tf.stack(entries, -1)
}

/** Rule of the mean over height and width: [batch, height, width, channels] → [batch, 1, 1, channels]. */
export const globalMean: Rule<LayerOf<'globalMean'>> = {
  keeps: keepsNothing,
  forward: (_, [x]) => ({ output: tf.mean(x, [1, 2], true) }),
  backward({ input }, { cotangent }, context) {
    const [, height, width] = shapeOf(input, context)
    return { inputs: [tf.tile(tf.div(cotangent, height * width), [1, height, width, 1])] }
  },
}

const attributes = ({ kernel, stride }: Window, { pad }: Placement) => ({
  filterSize: [kernel, kernel],
  strides: [stride, stride],
  pad,
})

const run = (kernel: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor =>
  tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap)

const isPadded = (place: Placement, shape: readonly number[]) =>
  place.shape[1] !== shape[1] || place.shape[2] !== shape[2]

/** Returns the number of pixels in each pooling window, border pixels left out, [1, height, width, 1]. */
function cellCounts(windows: tf.Tensor, shape: readonly number[], window: Window): tf.Tensor {
  const rows = realCells(shape[1], windows.shape[1] as number, window)
  const columns = realCells(shape[2], windows.shape[2] as number, window)
  const counts = rows.flatMap((row) => columns.map((column) => row * column))
  return tf.tensor4d(counts, [1, rows.length, columns.length, 1])
}

/** Returns the number of pixels in each pooling window along one axis, border pixels left out. */
const realCells = (extent: number, windows: number, { kernel, stride, padding }: Window) =>
  Array.from({ length: windows }, (_, i) => {
    const from = i * stride - padding
    return Math.min(from + kernel, extent) - Math.max(from, 0)
  })
