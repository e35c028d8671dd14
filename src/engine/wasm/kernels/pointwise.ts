/** Kernels that act on each entry by itself (fill, ReLU, copies, biases) or scale each sample (drop path). */
import { addTo, batch, keep, ownBytesEnd, ownBytesStart, ownEnd, ownStart, positive, VECTOR } from './lanes'

/** Fills a value, `perSample` floats for each sample of the batch, with zeros. */
export function fill(output: usize, perSample: i32): void {
  const bytes = usize(batch * perSample) << 2
  const start = ownBytesStart(bytes)
  memory.fill(output + start, 0, ownBytesEnd(bytes) - start)
}

/** Computes a ReLU: output = max(input, 0) for each entry. */
export function relu(input: usize, output: usize, perSample: i32): void {
  const bytes = usize(batch * perSample) << 2
  const end = ownBytesEnd(bytes)
  for (let at = ownBytesStart(bytes); at < end; at += VECTOR) v128.store(output + at, positive(v128.load(input + at)))
}

/**
 * Computes the backward pass of a ReLU: the gradient where input > 0, else 0. @param accumulate 1: add to `result`; 0:
 * overwrite it
 */
export function reluGradient(input: usize, gradient: usize, result: usize, perSample: i32, accumulate: i32): void {
  const bytes = usize(batch * perSample) << 2
  const kept = keep(accumulate)
  const zero = f32x4.splat(0)
  const end = ownBytesEnd(bytes)
  for (let at = ownBytesStart(bytes); at < end; at += VECTOR) {
    const mask = f32x4.gt(v128.load(input + at), zero)
    addTo(result + at, v128.and(v128.load(gradient + at), mask), kept)
  }
}

/**
 * Computes scales[sample]·input, the forward and backward pass of drop path. @param accumulate 1: add to `output`; 0:
 * overwrite it
 */
export function scaleSamples(input: usize, scales: usize, output: usize, perSample: i32, accumulate: i32): void {
  const bytes = usize(perSample) << 2
  const kept = keep(accumulate)
  const lastSample = ownEnd(batch)
  let at = usize(ownStart(batch)) * bytes
  for (let n = ownStart(batch); n < lastSample; n++) {
    const scale = v128.load32_splat(scales + (usize(n) << 2))
    for (const end = at + bytes; at < end; at += VECTOR) {
      addTo(output + at, f32x4.mul(scale, v128.load(input + at)), kept)
    }
  }
}

/**
 * Computes output = input + bias for each sample of a linear layer. @param dense number of floats of the bias, which
 * has no padding channels
 */
export function addBias(input: usize, bias: usize, output: usize, channels: i32, dense: i32): void {
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < channels; i++) {
      const at = usize(n * channels + i) << 2
      const shift: f32 = i < dense ? load<f32>(bias + (usize(i) << 2)) : 0
      store<f32>(output + at, load<f32>(input + at) + shift)
    }
  }
}

/** Computes the gradient of a linear layer's bias, the sum of the output gradient over all samples. */
export function biasGradient(gradient: usize, result: usize, channels: i32, dense: i32): void {
  for (let i = 0; i < dense; i++) {
    let sum: f64 = 0
    for (let n = 0; n < batch; n++) sum += f64(load<f32>(gradient + (usize(n * channels + i) << 2)))
    store<f32>(result + (usize(i) << 2), f32(sum))
  }
}

/** Computes output += input if `add` is 1, else output = input. */
export function accumulate(input: usize, output: usize, perSample: i32, add: i32): void {
  const bytes = usize(batch * perSample) << 2
  const kept = keep(add)
  const end = ownBytesEnd(bytes)
  for (let at = ownBytesStart(bytes); at < end; at += VECTOR) addTo(output + at, v128.load(input + at), kept)
}
