/**
 * The memory that dispatches name: temporary buffers, parts of them, and how temporary buffers share buffers of the
 * device.
 */
import { Temporary } from '../../plan/placement.ts'

/** A part of a temporary buffer. */
export interface Part {
  readonly of: Temporary
  /** Where the part begins, in bytes; a multiple of `PART_ALIGNMENT`. */
  readonly offset: number
  readonly bytes: number
  /** Bytes that a dispatch reads or writes, if it binds more than it uses. */
  readonly moved?: number
}

/** Memory that is needed from the first to the last dispatch that names it: a temporary buffer or a part of one. */
export type Transient = Temporary | Part

/** Memory that a dispatch can name: transient, or a buffer that lives as long as the plan. */
export type Storage = Transient | GPUBuffer

/** A temporary buffer in which several values stand one after the other. */
export interface PackedBuffer {
  readonly bytes: number
}

/** Where a value stands in a packed buffer; `offset` in bytes. */
export interface PackedPlace {
  readonly buffer: PackedBuffer
  readonly offset: number
}

/** The alignment of bindings, in bytes, that every WebGPU device accepts. */
const PART_ALIGNMENT = 256

/** Rounds a size in bytes up, so that the part behind it is aligned. */
export const alignedForParts = (bytes: number): number => Math.ceil(bytes / PART_ALIGNMENT) * PART_ALIGNMENT

/** Tells whether memory is transient, and no buffer that lives as long as the plan. */
export const isTransient = (storage: Storage): storage is Transient => storage instanceof Temporary || 'of' in storage

/** Returns the temporary buffer to which a piece of transient memory belongs, and where in it the piece begins. */
export const wholeOf = (storage: Transient): { readonly of: Temporary; readonly offset: number } =>
  'of' in storage ? storage : { of: storage, offset: 0 }

/** Returns the whole temporary buffer to which all given parts belong. */
export function spanOf(parts: readonly Transient[]): Part {
  const { of } = wholeOf(parts[0])
  return { of, offset: 0, bytes: of.bytes, moved: parts.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** Returns the bytes that a dispatch which names this memory reads or writes. */
export const movedOf = (storage: Transient): number =>
  'of' in storage ? (storage.moved ?? storage.bytes) : storage.bytes

/** A buffer of the device that several temporary buffers share; it is as large as the largest of them. */
export interface Slot {
  readonly bytes: number
  readonly holders: readonly Temporary[]
}

/**
 * Assigns temporary buffers to slots, so that no two buffers in a slot are alive at the same time. Larger buffers come
 * first; each takes the first slot that is free during its life. Separate slots, unlike one heap, have no common size
 * limit, and no kernel binds the same buffer of the device for reading and for writing. → the slots of all buffers that
 * a dispatch names
 */
export function assignSlots(buffers: readonly Temporary[]): Slot[] {
  const slots: { bytes: number; holders: Temporary[] }[] = []
  const bySize = buffers.filter(({ first }) => first >= 0).sort((a, b) => b.bytes - a.bytes || a.first - b.first)
  for (const buffer of bySize) {
    const free = slots.find(({ holders }) => holders.every((other) => neverOverlap(other, buffer)))
    if (free) free.holders.push(buffer)
    else slots.push({ bytes: buffer.bytes, holders: [buffer] })
  }
  return slots
}

const neverOverlap = (a: Temporary, b: Temporary) => a.last < b.first || b.last < a.first
