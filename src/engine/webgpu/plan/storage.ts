/**
 * The kinds of GPU memory that dispatches can bind: temporary buffers and parts of them. Temporary buffers that are not
 * needed at the same time share one GPU buffer (`assignSlots`).
 */
import { Temporary } from '../../plan/placement.ts'

/** A contiguous part of a temporary buffer. */
export interface Part {
  readonly of: Temporary
  /** Offset of the part in its temporary buffer, in bytes; a multiple of `PART_ALIGNMENT`. */
  readonly offset: number
  readonly bytes: number
  /** Number of bytes of the part that a dispatch reads or writes; absent: all bytes that it binds. */
  readonly moved?: number
}

/**
 * Memory that is reserved only from the first to the last dispatch that names it: a temporary buffer or a part of one.
 */
export type Transient = Temporary | Part

/**
 * Memory that a dispatch can bind: a temporary buffer, a part of one, or a GPU buffer that lives as long as the plan.
 */
export type Storage = Transient | GPUBuffer

/** A temporary buffer that holds several activation tensors, or their gradients, one after the other. */
export interface PackedBuffer {
  readonly bytes: number
}

/** Where an activation tensor or its gradient is stored in a packed buffer; `offset` in bytes. */
export interface PackedPlace {
  readonly buffer: PackedBuffer
  readonly offset: number
}

/** Alignment of binding offsets, in bytes, that every WebGPU device accepts. */
const PART_ALIGNMENT = 256

/** Rounds the size of a part in bytes up to a multiple of `PART_ALIGNMENT`, so that the next part is aligned. */
export const alignedForParts = (bytes: number): number => Math.ceil(bytes / PART_ALIGNMENT) * PART_ALIGNMENT

/**
 * Tells whether memory is a temporary buffer or a part of one, rather than a GPU buffer that lives as long as the plan.
 */
export const isTransient = (storage: Storage): storage is Transient => storage instanceof Temporary || 'of' in storage

/** Returns the temporary buffer to which the given memory belongs, and the byte offset of the memory in that buffer. */
export const wholeOf = (storage: Transient): { readonly of: Temporary; readonly offset: number } =>
  'of' in storage ? storage : { of: storage, offset: 0 }

/**
 * Returns the whole of the temporary buffer to which all given parts belong, for a dispatch that binds the whole buffer
 * but reads or writes only these parts.
 */
export function spanOf(parts: readonly Transient[]): Part {
  const { of } = wholeOf(parts[0])
  return { of, offset: 0, bytes: of.bytes, moved: parts.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** Returns how many bytes of the given memory a dispatch that binds it reads or writes. */
export const movedOf = (storage: Transient): number =>
  'of' in storage ? (storage.moved ?? storage.bytes) : storage.bytes

/** A GPU buffer that several temporary buffers use one after the other; it is as large as the largest of them. */
export interface Slot {
  readonly bytes: number
  readonly holders: readonly Temporary[]
}

/**
 * Assigns temporary buffers to slots (GPU buffers) so that no two buffers of a slot are needed at the same time, and
 * returns the slots, the largest first. Larger buffers are assigned first; each takes the first slot that is free from
 * the first to the last dispatch that uses the buffer. There are separate slots instead of one large buffer, so that
 * the device's limit on buffer sizes applies to each alone, and no kernel binds one GPU buffer both for reading and for
 * writing.
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
