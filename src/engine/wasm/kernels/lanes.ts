/**
 * What every kernel stands on: the batch of the moment, the thread's share of it, and four-lane arithmetic. Channels are
 * always a multiple of 4.
 */

/** Samples of the batch being computed; set by the host before a replay. */
export let batch: i32 = 0

/**
 * This thread, 0 … parts − 1; set by the host. Threads share out what a kernel writes, never the terms of one sum: the
 * bits do not depend on their number.
 */
export let part: i32 = 0
export let parts: i32 = 1

/** Bytes of a vector of four floats. */
export const VECTOR: usize = 16

/** Pixels that are worked on together, so that what is read twice is still in the first-level cache. */
export const CHUNK: i32 = 64

/** The first of `count` equal pieces of work that is this thread's. */
// @ts-ignore: decorator
@inline
export function ownStart(count: i32): i32 {
  return i32((i64(count) * part) / parts)
}

/** Where this thread's pieces end. */
// @ts-ignore: decorator
@inline
export function ownEnd(count: i32): i32 {
  return i32((i64(count) * (part + 1)) / parts)
}

export function chunksOf(pixels: i32): i32 {
  return (pixels + CHUNK - 1) / CHUNK
}

/** This thread's first pixel of so many, where a chunk starts. */
export function ownPixelsStart(pixels: i32): i32 {
  return min(ownStart(chunksOf(pixels)) * CHUNK, pixels)
}

export function ownPixelsEnd(pixels: i32): i32 {
  return min(ownEnd(chunksOf(pixels)) * CHUNK, pixels)
}

/** This thread's first byte of so many, where a vector starts. */
export function ownBytesStart(bytes: usize): usize {
  return usize(ownStart(i32(bytes / VECTOR))) * VECTOR
}

export function ownBytesEnd(bytes: usize): usize {
  return usize(ownEnd(i32(bytes / VECTOR))) * VECTOR
}

/** accumulator + a·b; in one rounding where the module may use relaxed instructions. */
// @ts-ignore: decorator
@inline
export function madd(accumulator: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, accumulator)
  return f32x4.add(accumulator, f32x4.mul(a, b))
}

// @ts-ignore: decorator
@inline
export function splat(at: usize, offset: usize = 0): v128 {
  return v128.load32_splat(at + offset)
}

/** All ones where what is stored is to be kept and added to, all zeros where it is to be overwritten. */
// @ts-ignore: decorator
@inline
export function keep(accumulate: i32): v128 {
  return i32x4.splat(-accumulate)
}

/** stored + value, or value alone. */
// @ts-ignore: decorator
@inline
export function addTo(at: usize, value: v128, kept: v128): void {
  v128.store(at, f32x4.add(value, v128.and(v128.load(at), kept)))
}

/** max(x, 0), one instruction. */
// @ts-ignore: decorator
@inline
export function positive(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0))
}

// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f64 {
  return (
    f64(f32x4.extract_lane(x, 0)) +
    f64(f32x4.extract_lane(x, 1)) +
    (f64(f32x4.extract_lane(x, 2)) + f64(f32x4.extract_lane(x, 3)))
  )
}
