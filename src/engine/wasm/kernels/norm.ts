/**
 * Kernels that compute a batch normalisation of y times a mixing coefficient c, c·(γ·(y − μ)·r + β) with r = 1/√(σ² +
 * ε), as a scale and a shift for each channel. Normalised values are never stored: the kernels that read y scale and
 * shift it.
 *
 * `moments` holds the means μ, then the variances σ², [channels] each, by which y is normalised. `running` holds the
 * running statistics in the same order, without padding channels.
 */
import { batch, CHUNK, chunksOf, madd, ownPixelsEnd, ownPixelsStart, VECTOR } from './lanes'
import { addRows } from './sums'

const EPSILON: f64 = 1e-5
const MOMENTUM: f64 = 0.1

/**
 * Writes the partial sums Σ (x − x₀) and Σ (x − x₀)² of one chunk, pixels `first` to `last` − 1, into the chunk's row;
 * mean and variance are computed from them. x₀ is the first pixel of the batch; subtracting it keeps the variance exact
 * when the mean is large.
 *
 * @param rows address of the rows, 2·channels floats for each chunk
 */
export function sumChunk(input: usize, first: i32, last: i32, stride: usize, rows: usize): void {
  const from = input + usize(first) * stride
  const to = input + usize(last) * stride
  const row = rows + ((usize(first / CHUNK) * stride) << 1)
  for (let channel: usize = 0; channel < stride; channel += VECTOR) {
    const origin = v128.load(input + channel)
    let sum = f32x4.splat(0)
    let squares = sum
    for (let at = from + channel; at < to; at += stride) {
      const x = f32x4.sub(v128.load(at), origin)
      sum = f32x4.add(sum, x)
      squares = madd(squares, x, x)
    }
    v128.store(row + channel, sum)
    v128.store(row + stride + channel, squares)
  }
}

/**
 * Writes the partial sums for mean and variance of a value (see `sumChunk`), if the kernel that computed the value did
 * not write them.
 */
export function measure(input: usize, pixelsPerSample: i32, channels: i32, rows: usize): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const end = ownPixelsEnd(pixels)
  for (let first = ownPixelsStart(pixels); first < end; first += CHUNK) {
    sumChunk(input, first, min(first + CHUNK, end), stride, rows)
  }
}

/**
 * Computes mean and biased variance of each channel over batch and pixels, from the partial sums of `sumChunk`.
 *
 * @param sums address of 2·channels doubles, overwritten
 */
export function moments(
  input: usize,
  pixelsPerSample: i32,
  channels: i32,
  rows: usize,
  sums: usize,
  result: usize,
): void {
  const stride = usize(channels) << 2
  const pixels = batch * pixelsPerSample
  const count = f64(pixels)
  addRows(rows, chunksOf(pixels), stride << 1, sums)
  for (let at: usize = 0; at < stride; at += 4) {
    const mean = load<f64>(sums + (at << 1)) / count
    const square = load<f64>(sums + ((stride + at) << 1)) / count
    store<f32>(result + at, f32(f64(load<f32>(input + at)) + mean))
    store<f32>(result + stride + at, f32(max(square - mean * mean, 0)))
  }
}

/**
 * Updates a batch norm's running statistics: running ← running + 0.1·(moments − running), with the batch's unbiased
 * variance.
 *
 * @param running address of the running means, then the running variances, `dense` floats each (no padding channels)
 */
export function track(moments: usize, running: usize, channels: i32, dense: i32, pixelsPerSample: i32): void {
  const count = f64(batch * pixelsPerSample)
  const unbias = count > 1 ? count / (count - 1) : 1
  for (let i = 0; i < dense; i++) {
    const at = usize(i) << 2
    const variance = moments + (usize(channels) << 2) + at
    follow(running + at, f64(load<f32>(moments + at)))
    follow(running + (usize(dense) << 2) + at, f64(load<f32>(variance)) * unbias)
  }
}

/** Moves the running statistic at an address towards `value`, a tenth of the way, as PyTorch does by default. */
function follow(at: usize, value: f64): void {
  const old = f64(load<f32>(at))
  store<f32>(at, f32(old + MOMENTUM * (value - old)))
}

/** Copies a batch norm's running means and variances into `moments`, so that an evaluation normalises by them. */
export function recall(running: usize, moments: usize, channels: i32, dense: i32): void {
  const bytes = usize(dense) << 2
  const stride = usize(channels) << 2
  memory.fill(moments, 0, stride << 1)
  memory.copy(moments, running, bytes)
  memory.copy(moments + stride, running + bytes, bytes)
}

/**
 * Computes the scale and shift by which a term c·(γ·(y − μ)·r + β) becomes scale·y + shift: scale = c·γ·r and shift =
 * c·(β − γ·μ·r), [channels] each, shift after scale; without batch norm scale = c and shift = 0.
 *
 * @param moments address of means and variances; 0: no normalisation
 * @param gamma address of γ, `dense` floats; 0: γ = 1 and β = 0
 */
export function prepare(
  coefficient: usize,
  moments: usize,
  gamma: usize,
  beta: usize,
  scale: usize,
  channels: i32,
  dense: i32,
): void {
  const c = f64(load<f32>(coefficient))
  const stride = usize(channels) << 2
  for (let i = 0; i < channels; i++) {
    const at = usize(i) << 2
    let factor: f64 = 1
    let shift: f64 = 0
    if (moments) {
      const rate = inverseDeviation(moments + stride + at)
      factor = gamma && i < dense ? f64(load<f32>(gamma + at)) * rate : rate
      shift = -factor * f64(load<f32>(moments + at))
      if (gamma && i < dense) shift += f64(load<f32>(beta + at))
    }
    store<f32>(scale + at, f32(c * factor))
    store<f32>(scale + stride + at, f32(c * shift))
  }
}

/** Returns 1/√(σ² + ε), where the variance σ² is the float at an address. */
// @ts-ignore: decorator
@inline
function inverseDeviation(variance: usize): f64 {
  return 1 / Math.sqrt(f64(load<f32>(variance)) + EPSILON)
}

/**
 * Computes the gradients of a term with batch norm from the sums of `addPartialProducts` (combine.ts). With the
 * gradient g of the weighted sum, x̂ = (y − μ)·r, and means over batch and pixels,
 *
 *   ∂L/∂y = c·γ·r·(g − mean(g) − x̂·mean(g·x̂)) = slope·g + curve·y + offset,   [slope | curve | offset], each [channels]
 *   ∂L/∂c = Σ γ·g·x̂ + β·g,   ∂L/∂γ = c·Σ g·x̂,   ∂L/∂β = c·Σ g.
 *
 * With running statistics (`batchStatistics` = 0), μ and r are constants: ∂L/∂y = c·γ·r·g.
 *
 * @param gradGamma address of ∂L/∂γ; 0: the layer has no γ and β
 * @param gradCoefficient receives ∂L/∂c, a double
 */
export function differentiate(
  coefficient: usize,
  moments: usize,
  gamma: usize,
  beta: usize,
  gradientSums: usize,
  sums: usize,
  channels: i32,
  dense: i32,
  pixelsPerSample: i32,
  batchStatistics: i32,
  slope: usize,
  gradGamma: usize,
  gradBeta: usize,
  gradCoefficient: usize,
): void {
  const c = f64(load<f32>(coefficient))
  const stride = usize(channels) << 2
  const count = f64(batch * pixelsPerSample)
  let total: f64 = 0
  for (let i = 0; i < channels; i++) {
    const at = usize(i) << 2
    const affine = gamma && i < dense
    const rate = inverseDeviation(moments + stride + at)
    const scale = affine ? f64(load<f32>(gamma + at)) : 1
    const sum = load<f64>(gradientSums + (at << 1))
    const product = load<f64>(sums + (at << 1)) * rate
    total += scale * product
    if (affine) {
      total += f64(load<f32>(beta + at)) * sum
      store<f32>(gradGamma + at, f32(c * product))
      store<f32>(gradBeta + at, f32(c * sum))
    }
    const outer = c * scale * rate
    const curve = batchStatistics ? (-outer * rate * product) / count : 0
    const offset = batchStatistics ? (-outer * sum) / count - curve * f64(load<f32>(moments + at)) : 0
    store<f32>(slope + at, f32(outer))
    store<f32>(slope + stride + at, f32(curve))
    store<f32>(slope + 2 * stride + at, f32(offset))
  }
  store<f64>(gradCoefficient, total)
}
