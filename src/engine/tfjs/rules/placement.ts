/**
 * Runs windows with symmetric padding on TensorFlow.js kernels, which know two paddings, `same` and `valid`. Their
 * `same` is not symmetric with stride 2; in that case the input is padded with zeros first, and the kernel runs on it
 * with `valid`.
 */
import * as tf from '@tensorflow/tfjs-core'
import type { Window } from '../../../core/network.ts'

type Shape4 = [batch: number, height: number, width: number, channels: number]
type Margins = [before: number, after: number]

/** How a TensorFlow.js kernel slides a window with symmetric padding over its input. */
export interface Placement {
  readonly pad: 'same' | 'valid'
  /** Shape of the input after `padded` has added border pixels. */
  readonly shape: Shape4
  /**
   * Returns the kernel's input: x with a border of pixels of value `fill`, or x itself if the kernel's own padding
   * suffices.
   */
  padded(x: tf.Tensor, fill?: number): tf.Tensor4D
  /** Returns the gradient of x: the gradient of the padded input without the border that `padded` added. */
  unpadded(gradient: tf.Tensor): tf.Tensor4D
}

/** Returns how a TensorFlow.js kernel slides a window over an input of shape [batch, height, width, channels]. */
export function placement(shape: readonly number[], window: Window): Placement {
  const [batch, height, width, channels] = shape
  if (window.padding === 0) return unchanged('valid', [batch, height, width, channels])
  const span = window.dilation * (window.kernel - 1) + 1
  if (window.stride === 1 && 2 * window.padding === span - 1) return unchanged('same', [batch, height, width, channels])
  const rows = margins(height, span, window)
  const columns = margins(width, span, window)
  return {
    pad: 'valid',
    shape: [batch, rows[0] + height + rows[1], columns[0] + width + columns[1], channels],
    padded: (x, fill = 0) => tf.pad(x as tf.Tensor4D, [[0, 0], rows, columns, [0, 0]], fill),
    unpadded: (gradient) =>
      tf.slice(gradient as tf.Tensor4D, [0, rows[0], columns[0], 0], [batch, height, width, channels]),
  }
}

/** Returns a placement that leaves the padding to the TensorFlow.js kernel. */
function unchanged(pad: 'same' | 'valid', shape: Shape4): Placement {
  return { pad, shape, padded: (x) => x as tf.Tensor4D, unpadded: (gradient) => gradient as tf.Tensor4D }
}

/**
 * Returns how many border pixels [before, after] one axis of the input gets: `padding` before it; after it, as many as
 * the last window covers.
 */
function margins(extent: number, span: number, { stride, padding }: Window): Margins {
  const windows = Math.floor((extent + 2 * padding - span) / stride) + 1
  return [padding, Math.max(0, (windows - 1) * stride + span - padding - extent)]
}
