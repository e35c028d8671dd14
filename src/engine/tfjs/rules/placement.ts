/**
 * Symmetric padding in terms of what TensorFlow.js knows, which are `same` and `valid`. Its `same` pads by the output
 * size and, with stride 2, not symmetrically: there the cells are added beforehand.
 */
import * as tf from '@tensorflow/tfjs-core'
import type { Window } from '../../../core/network.ts'

type Shape4 = [batch: number, height: number, width: number, channels: number]
type Margins = [before: number, after: number]

export interface Placement {
  readonly pad: 'same' | 'valid'
  /** Of the input after padding. */
  readonly shape: Shape4
  /** Adds the cells, where any are to be added. */
  padded(x: tf.Tensor, fill?: number): tf.Tensor4D
  /** Takes their gradient away again. */
  unpadded(gradient: tf.Tensor): tf.Tensor4D
}

/** How a window slides over an input of the given shape; cells are added only where `same` will not do. */
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

function unchanged(pad: 'same' | 'valid', shape: Shape4): Placement {
  return { pad, shape, padded: (x) => x as tf.Tensor4D, unpadded: (gradient) => gradient as tf.Tensor4D }
}

/** Cells before and after an axis; those after reach as far as the last window does. */
function margins(extent: number, span: number, { stride, padding }: Window): Margins {
  const windows = Math.floor((extent + 2 * padding - span) / stride) + 1
  return [padding, Math.max(0, (windows - 1) * stride + span - padding - extent)]
}

/** steps − 1 zeros between neighbouring cells: [n, h, w, c] → [n, (h − 1)·rowStep + 1, (w − 1)·columnStep + 1, c] */
export function interleaveZeros(x: tf.Tensor, [rowStep, columnStep]: readonly [number, number]): tf.Tensor4D {
  if (rowStep === 1 && columnStep === 1) return x as tf.Tensor4D
  const [n, h, w, c] = x.shape
  const rows = tf.pad(tf.reshape(x, [n * h, 1, w * c]), [
    [0, 0],
    [0, rowStep - 1],
    [0, 0],
  ])
  const cells = tf.pad(tf.reshape(rows, [n * h * rowStep * w, 1, c]), [
    [0, 0],
    [0, columnStep - 1],
    [0, 0],
  ])
  const grid = tf.reshape(cells, [n, h * rowStep, w * columnStep, c]) as tf.Tensor4D
  return firstCells(grid, (h - 1) * rowStep + 1, (w - 1) * columnStep + 1)
}

/** x[:, :rows, :columns, :] */
export function firstCells(x: tf.Tensor4D, rows: number, columns: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape
  return h === rows && w === columns ? x : tf.slice(x, [0, 0, 0, 0], [n, rows, columns, c])
}
