/**
 * Kernels of weighted sums and of their backward pass. Each term of a sum has a scale and a shift for each channel,
 * which express its mixing coefficient and its batch norm (see `norm.ts`).
 */
import {
  addTo,
  batch,
  CHUNK,
  chunksOf,
  keep,
  madd,
  ownBytesEnd,
  ownBytesStart,
  ownEnd,
  ownPixelsEnd,
  ownPixelsStart,
  ownStart,
  VECTOR,
} from './lanes'
import { addColumns } from './sums'

/**
 * Computes the weighted sum output = Σ_t enabled_t·(scale_t·value_t + shift_t), two terms at a time.
 *
 * @param terms table with four words for each term: address of the value, of scale and shift ([2·channels] floats), of
 * the activity flag, and 0
 */
export function combine(terms: usize, count: i32, output: usize, pixelsPerSample: i32, channels: i32): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const end = terms + (usize(count) << 4)
  const lastPixel = ownPixelsEnd(pixels)
  for (let first = ownPixelsStart(pixels); first < lastPixel; first += CHUNK) {
    const from = usize(first) * stride
    const to = usize(min(first + CHUNK, lastPixel)) * stride
    for (let channel: usize = 0; channel < stride; channel += VECTOR) {
      let term = enabledTerm(terms, end)
      const start = from + channel
      addTerms(term, end, output, start, to, stride, channel, sumShifts(term, end, channel + stride), keep(0))
      for (term = afterTwo(term, end); term < end; term = afterTwo(term, end)) {
        addTerms(term, end, output, start, to, stride, channel, f32x4.splat(0), keep(1))
      }
    }
  }
}

/**
 * Returns the table entry of the first term at or after `term` whose activity flag is set; the end of the table if
 * there is none.
 */
function enabledTerm(term: usize, end: usize): usize {
  while (term < end && !load<i32>(load<usize>(term, 8))) term += 16
  return term
}

// @ts-ignore: decorator
@inline
function afterTwo(term: usize, end: usize): usize {
  const second = term < end ? enabledTerm(term + 16, end) : end
  return second < end ? enabledTerm(second + 16, end) : end
}

function sumShifts(term: usize, end: usize, offset: usize): v128 {
  let sum = f32x4.splat(0)
  for (; term < end; term = enabledTerm(term + 16, end)) sum = f32x4.add(sum, v128.load(load<usize>(term, 4) + offset))
  return sum
}

/**
 * Computes shift + scale·value of this term and of the next enabled term, for four channels of a chunk of pixels. Adds
 * the result to `output` if the mask `kept` is all ones, and overwrites it if it is all zeros.
 */
function addTerms(
  term: usize,
  end: usize,
  output: usize,
  from: usize,
  to: usize,
  stride: usize,
  channel: usize,
  shift: v128,
  kept: v128,
): void {
  if (term >= end) {
    for (let at = from; at < to; at += stride) addTo(output + at, shift, kept)
    return
  }
  const value = load<usize>(term)
  const scale = v128.load(load<usize>(term, 4) + channel)
  const second = enabledTerm(term + 16, end)
  if (second >= end) {
    for (let at = from; at < to; at += stride) addTo(output + at, madd(shift, v128.load(value + at), scale), kept)
    return
  }
  const secondValue = load<usize>(second)
  const secondScale = v128.load(load<usize>(second, 4) + channel)
  for (let at = from; at < to; at += stride) {
    const sum = madd(shift, v128.load(value + at), scale)
    addTo(output + at, madd(sum, v128.load(secondValue + at), secondScale), kept)
  }
}

/**
 * Computes c·gradient, the gradient of the value of a term with mixing coefficient c and without batch norm. @param
 * accumulate 1: add to `result`; 0: overwrite it
 */
export function combinePlainGradient(
  gradient: usize,
  coefficient: usize,
  result: usize,
  pixelsPerSample: i32,
  channels: i32,
  accumulate: i32,
): void {
  const bytes = usize(batch * pixelsPerSample * channels) << 2
  const c = v128.load32_splat(coefficient)
  const kept = keep(accumulate)
  const end = ownBytesEnd(bytes)
  for (let at = ownBytesStart(bytes); at < end; at += VECTOR) {
    addTo(result + at, f32x4.mul(c, v128.load(gradient + at)), kept)
  }
}

/**
 * Computes the gradient of the value x of a term with batch norm, slope·g + curve·x + offset, where g is the gradient
 * of the weighted sum, and slope, curve and offset are numbers for each channel that `differentiate` (norm.ts)
 * computed.
 *
 * @param value address of x
 * @param slopes address of all slopes, then all curves, then all offsets
 * @param accumulate 1: add to `result`; 0: overwrite it
 */
export function combineNormGradient(
  gradient: usize,
  value: usize,
  slopes: usize,
  result: usize,
  pixelsPerSample: i32,
  channels: i32,
  accumulate: i32,
): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const kept = keep(accumulate)
  const end = ownPixelsEnd(pixels)
  for (let first = ownPixelsStart(pixels); first < end; first += CHUNK) {
    const from = usize(first) * stride
    const to = usize(min(first + CHUNK, end)) * stride
    for (let channel: usize = 0; channel < stride; channel += VECTOR) {
      const slope = v128.load(slopes + channel)
      const curve = v128.load(slopes + stride + channel)
      const offset = v128.load(slopes + 2 * stride + channel)
      for (let at = from + channel; at < to; at += stride) {
        const bent = madd(offset, v128.load(value + at), curve)
        addTo(result + at, madd(bent, v128.load(gradient + at), slope), kept)
      }
    }
  }
}

/**
 * Computes, chunk by chunk, the sums from which the gradients of mixing coefficients and normalisations follow:
 *
 *   Σ g   and for each term   Σ g·(value_t − μ_t),   over batch and pixels, for each channel,
 *
 * where g is the gradient of the weighted sum and μ_t the mean of value_t. Each chunk of pixels has a row of partial
 * sums for Σ g and one for each term; `addPartialProducts` adds up the rows.
 *
 * @param terms table with four words for each term: address of the value, of the means ([channels] floats), of the
 * activity flag, and of the sums
 * @param rows address of the partial sums: the rows of Σ g for all chunks, then those of the first term, and so on
 */
export function reduceProducts(
  gradient: usize,
  terms: usize,
  count: i32,
  pixelsPerSample: i32,
  channels: i32,
  rows: usize,
): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const end = terms + (usize(count) << 4)
  const begin = enabledTerm(terms, end)
  const block = usize(chunksOf(pixels)) * stride
  const lastPixel = ownPixelsEnd(pixels)
  for (let first = ownPixelsStart(pixels); first < lastPixel; first += CHUNK) {
    const from = usize(first) * stride
    const to = usize(min(first + CHUNK, lastPixel)) * stride
    const row = rows + usize(first / CHUNK) * stride
    for (let channel: usize = 0; channel < stride; channel += VECTOR) {
      let sum = f32x4.splat(0)
      for (let at = from + channel; at < to; at += stride) sum = f32x4.add(sum, v128.load(gradient + at))
      v128.store(row + channel, sum)
      for (let term = begin; term < end; term = afterTwo(term, end)) {
        projectTerms(gradient, terms, term, end, from + channel, to, stride, channel, row + block + channel, block)
      }
    }
  }
}

/**
 * Computes Σ g·(value − μ) of this term and of the next enabled one, for four channels of a chunk of pixels; g is the
 * gradient of the weighted sum, μ the mean of the value.
 *
 * @param row address of the chunk's partial sums for the first term in the table
 */
function projectTerms(
  gradient: usize,
  terms: usize,
  term: usize,
  end: usize,
  from: usize,
  to: usize,
  stride: usize,
  channel: usize,
  row: usize,
  block: usize,
): void {
  const value = load<usize>(term)
  const mean = v128.load(load<usize>(term, 4) + channel)
  const second = enabledTerm(term + 16, end)
  let product = f32x4.splat(0)
  if (second >= end) {
    for (let at = from; at < to; at += stride) {
      product = madd(product, v128.load(gradient + at), f32x4.sub(v128.load(value + at), mean))
    }
    v128.store(row + ((term - terms) >> 4) * block, product)
    return
  }
  const secondValue = load<usize>(second)
  const secondMean = v128.load(load<usize>(second, 4) + channel)
  let secondProduct = product
  for (let at = from; at < to; at += stride) {
    const g = v128.load(gradient + at)
    product = madd(product, g, f32x4.sub(v128.load(value + at), mean))
    secondProduct = madd(secondProduct, g, f32x4.sub(v128.load(secondValue + at), secondMean))
  }
  v128.store(row + ((term - terms) >> 4) * block, product)
  v128.store(row + ((second - terms) >> 4) * block, secondProduct)
}

/**
 * Adds up the partial sums that `reduceProducts` wrote for each chunk of pixels: gradientSums ← Σ g, sums_t ← Σ
 * g·(value_t − μ_t), [channels] float64 each, with g = the gradient of the weighted sum, μ_t = the mean of value_t.
 */
export function addPartialProducts(
  terms: usize,
  count: i32,
  pixelsPerSample: i32,
  channels: i32,
  rows: usize,
  gradientSums: usize,
): void {
  const chunks = chunksOf(batch * pixelsPerSample)
  const stride = usize(channels) << 2
  const columns = channels >> 2
  const end = ownEnd((1 + count) * columns)
  for (let piece = ownStart((1 + count) * columns); piece < end; piece++) {
    const block = piece / columns
    const term = terms + (usize(block - 1) << 4)
    if (block > 0 && !load<i32>(load<usize>(term, 8))) continue
    const sums = block > 0 ? load<usize>(term, 12) : gradientSums
    const column = usize(piece % columns) * VECTOR
    addColumns(rows + usize(block) * usize(chunks) * stride + column, chunks, stride, sums + (column << 1))
  }
}

/**
 * Adds up the sums Σ g·value of all channels (float64): ∂L/∂c of a term with mixing coefficient c and no batch norm.
 */
export function total(sums: usize, channels: i32, result: usize): void {
  let sum: f64 = 0
  for (let i = 0; i < channels; i++) sum += load<f64>(sums + (usize(i) << 3))
  store<f64>(result, sum)
}
