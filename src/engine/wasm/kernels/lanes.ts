/**
 * Declarations that all WebAssembly kernels share: the batch size, the calling thread's part of the work, and
 * arithmetic on vectors of four floats. The number of channels of every value is a multiple of 4.
 */

/** Number of samples in the batch that the kernels process; the host sets it before they run. */
export let batch: i32 = 0

/**
 * Number of the thread that runs the kernels, 0 to parts − 1; the host sets it. Threads divide up the outputs of a
 * kernel, never the terms of one sum, so results have the same bits whatever the number of threads.
 */
export let part: i32 = 0
export let parts: i32 = 1

/** Number of bytes in a SIMD vector of four floats. */
export const VECTOR: usize = 16

/** Number of pixels that a kernel processes together, so that data it reads twice is still in the first-level cache. */
export const CHUNK: i32 = 64

/**
 * Returns the index of the first piece that belongs to this thread, if `count` equal pieces of work are divided among
 * all threads.
 */
// @ts-ignore: decorator
@inline
export function ownStart(count: i32): i32 {
  return i32((i64(count) * part) / parts)
}

/**
 * Returns the index after the last piece that belongs to this thread, if `count` equal pieces of work are divided among
 * all threads.
 */
// @ts-ignore: decorator
@inline
export function ownEnd(count: i32): i32 {
  return i32((i64(count) * (part + 1)) / parts)
}

/** Returns the number of chunks of 64 pixels that `pixels` pixels make, the last one possibly smaller. */
export function chunksOf(pixels: i32): i32 {
  return (pixels + CHUNK - 1) / CHUNK
}

/**
 * Returns the index of the first pixel of this thread, if `pixels` pixels are divided among all threads in chunks of
 * 64.
 */
export function ownPixelsStart(pixels: i32): i32 {
  return min(ownStart(chunksOf(pixels)) * CHUNK, pixels)
}

/**
 * Returns the index after the last pixel of this thread, if `pixels` pixels are divided among all threads in chunks of
 * 64.
 */
export function ownPixelsEnd(pixels: i32): i32 {
  return min(ownEnd(chunksOf(pixels)) * CHUNK, pixels)
}

/**
 * Returns the offset of the first byte of this thread, if `bytes` bytes are divided among all threads in pieces of 16
 * bytes.
 */
export function ownBytesStart(bytes: usize): usize {
  return usize(ownStart(i32(bytes / VECTOR))) * VECTOR
}

/**
 * Returns the offset after the last byte of this thread, if `bytes` bytes are divided among all threads in pieces of 16
 * bytes.
 */
export function ownBytesEnd(bytes: usize): usize {
  return usize(ownEnd(i32(bytes / VECTOR))) * VECTOR
}

/**
 * Returns accumulator + a·b: rounded once in the build with relaxed SIMD, twice (product, then sum) in the other build.
 */
// @ts-ignore: decorator
@inline
export function madd(accumulator: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, accumulator)
  return f32x4.add(accumulator, f32x4.mul(a, b))
}

/** Returns a vector whose four lanes all hold the float at an address. */
// @ts-ignore: decorator
@inline
export function splat(at: usize, offset: usize = 0): v128 {
  return v128.load32_splat(at + offset)
}

/** Returns a mask for `addTo`: all ones if the kernel adds to the stored values, all zeros if it overwrites them. */
// @ts-ignore: decorator
@inline
export function keep(accumulate: i32): v128 {
  return i32x4.splat(-accumulate)
}

/**
 * Stores `value` + (stored values & `kept`): adds to the stored values if the mask `kept` is all ones, overwrites them
 * if it is all zeros.
 */
// @ts-ignore: decorator
@inline
export function addTo(at: usize, value: v128, kept: v128): void {
  v128.store(at, f32x4.add(value, v128.and(v128.load(at), kept)))
}

/** Returns max(x, 0) of four floats, by one instruction. */
// @ts-ignore: decorator
@inline
export function positive(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0))
}

/** Returns the sum of the four lanes of a vector, as a float64. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f64 {
  return (
    f64(f32x4.extract_lane(x, 0)) +
    f64(f32x4.extract_lane(x, 1)) +
    (f64(f32x4.extract_lane(x, 2)) + f64(f32x4.extract_lane(x, 3)))
  )
}
