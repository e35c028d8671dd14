/**
 * What all kernels share: the batch size, the thread's part of the work, and arithmetic on vectors of four floats. The number
 * of channels is always a multiple of 4.
 */

/** Number of samples in the batch; set by the host before kernels run. */
export let batch: i32 = 0

/**
 * Number of this thread, 0 to parts − 1; set by the host. Threads divide up the outputs of a kernel, never the terms of one sum,
 * so the bits do not depend on the number of threads.
 */
export let part: i32 = 0
export let parts: i32 = 1

/** Bytes of a vector of four floats. */
export const VECTOR: usize = 16

/** Number of pixels that are processed together, so that data that is read twice is still in the first-level cache. */
export const CHUNK: i32 = 64

/** Returns the first of `count` equal pieces of work that belongs to this thread. */
// @ts-ignore: decorator
@inline
export function ownStart(count: i32): i32 {
  return i32((i64(count) * part) / parts)
}

/** Returns the end of this thread's pieces. */
// @ts-ignore: decorator
@inline
export function ownEnd(count: i32): i32 {
  return i32((i64(count) * (part + 1)) / parts)
}

/** Returns the number of chunks of so many pixels. */
export function chunksOf(pixels: i32): i32 {
  return (pixels + CHUNK - 1) / CHUNK
}

/** Returns the first of this thread's pixels, the start of a chunk. */
export function ownPixelsStart(pixels: i32): i32 {
  return min(ownStart(chunksOf(pixels)) * CHUNK, pixels)
}

/** Returns the end of this thread's pixels. */
export function ownPixelsEnd(pixels: i32): i32 {
  return min(ownEnd(chunksOf(pixels)) * CHUNK, pixels)
}

/** Returns the first of this thread's bytes, the start of a vector. */
export function ownBytesStart(bytes: usize): usize {
  return usize(ownStart(i32(bytes / VECTOR))) * VECTOR
}

/** Returns the end of this thread's bytes. */
export function ownBytesEnd(bytes: usize): usize {
  return usize(ownEnd(i32(bytes / VECTOR))) * VECTOR
}

/** Returns accumulator + a·b, rounded once in the build with relaxed SIMD, else twice. */
// @ts-ignore: decorator
@inline
export function madd(accumulator: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, accumulator)
  return f32x4.add(accumulator, f32x4.mul(a, b))
}

/** Returns a vector with the float at an address in all four lanes. */
// @ts-ignore: decorator
@inline
export function splat(at: usize, offset: usize = 0): v128 {
  return v128.load32_splat(at + offset)
}

/** Returns a mask for `addTo`: all ones to add to the stored values, all zeros to overwrite them. */
// @ts-ignore: decorator
@inline
export function keep(accumulate: i32): v128 {
  return i32x4.splat(-accumulate)
}

/** Stores value plus the stored values under the mask `kept`. */
// @ts-ignore: decorator
@inline
export function addTo(at: usize, value: v128, kept: v128): void {
  v128.store(at, f32x4.add(value, v128.and(v128.load(at), kept)))
}

/** Returns max(x, 0), by one instruction. */
// @ts-ignore: decorator
@inline
export function positive(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0))
}

/** Returns the sum of the four lanes as a double. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f64 {
  return (
    f64(f32x4.extract_lane(x, 0)) +
    f64(f32x4.extract_lane(x, 1)) +
    (f64(f32x4.extract_lane(x, 2)) + f64(f32x4.extract_lane(x, 3)))
  )
}
