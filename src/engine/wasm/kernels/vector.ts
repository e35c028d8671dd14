/** Arithmetic on vectors as long as all weights of a network, padded with zeros to a multiple of 4 floats. */
import { madd, sumLanes, VECTOR } from './lanes'

/**
 * Number of bytes (256 floats) of each vector over which `dot` sums in single precision before it adds that sum to the
 * float64 total.
 */
const RUN: usize = 1024

/** Computes y ← y + a·x for weight vectors x and y. */
export function axpy(y: usize, a: f64, x: usize, length: i32): void {
  const bytes = usize(length) << 2
  const factor = f32x4.splat(f32(a))
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    v128.store(y + at, madd(v128.load(y + at), factor, v128.load(x + at)))
  }
}

/** Computes x ← a·x for a weight vector x. */
export function scale(x: usize, a: f64, length: i32): void {
  const bytes = usize(length) << 2
  const factor = f32x4.splat(f32(a))
  for (let at: usize = 0; at < bytes; at += VECTOR) v128.store(x + at, f32x4.mul(factor, v128.load(x + at)))
}

/** Returns the dot product x·y of two weight vectors. */
export function dot(x: usize, y: usize, length: i32): f64 {
  const bytes = usize(length) << 2
  let total: f64 = 0
  for (let from: usize = 0; from < bytes; from += RUN) {
    const to = min(from + RUN, bytes)
    let sum = f32x4.splat(0)
    for (let at = from; at < to; at += VECTOR) sum = madd(sum, v128.load(x + at), v128.load(y + at))
    total += sumLanes(sum)
  }
  return total
}

/**
 * Takes one step of SGD as PyTorch does, with gradient g, weights w and momentum buffer m: g ← clip·g + decay·w; m ←
 * momentum·m + g; w ← w − rate·(nesterov ? g + momentum·m : m).
 *
 * @param buffer address of m
 */
export function sgd(
  w: usize,
  gradient: usize,
  buffer: usize,
  length: i32,
  rate: f64,
  momentum: f64,
  nesterov: i32,
  decay: f64,
  clip: f64,
): void {
  const bytes = usize(length) << 2
  const clips = f32x4.splat(f32(clip))
  const decays = f32x4.splat(f32(decay))
  const momenta = f32x4.splat(f32(momentum))
  const rates = f32x4.splat(f32(-rate))
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    const weights = v128.load(w + at)
    const g = madd(f32x4.mul(clips, v128.load(gradient + at)), decays, weights)
    const m = madd(g, momenta, v128.load(buffer + at))
    v128.store(buffer + at, m)
    v128.store(w + at, madd(weights, rates, nesterov ? madd(g, momenta, m) : m))
  }
}
