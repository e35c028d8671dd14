/**
 * Inserts zeros between the pixels of a tensor. A convolution with a stride or a dilation then becomes a plain one: the
 * zeros go between the pixels of its output gradient (stride), or between the taps of its filter (dilation).
 */
import * as tf from '@tensorflow/tfjs-core'

/**
 * Returns the tensor with rowStep − 1 rows and columnStep − 1 columns of zeros between neighbouring pixels:
 * [n, h, w, c] → [n, (h − 1)·rowStep + 1, (w − 1)·columnStep + 1, c].
 */
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

/** Returns the first rows and columns of each image, x[:, :rows, :columns, :]. */
export function firstCells(x: tf.Tensor4D, rows: number, columns: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape
  return h === rows && w === columns ? x : tf.slice(x, [0, 0, 0, 0], [n, rows, columns, c])
}
