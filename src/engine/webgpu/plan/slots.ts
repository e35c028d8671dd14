/** Which temporary buffers share a buffer of the device: those that are never alive at the same time. */
import type { Temporary } from '../../plan/placement.ts'

/** As large as its largest holder. */
export interface Slot {
  readonly bytes: number
  readonly holders: readonly Temporary[]
}

/**
 * Largest first, each into the first slot that is free while it lives. Unlike one heap, slots have no total limit, and
 * a kernel never names the same buffer for reading and for writing. → the slots of all buffers that are touched
 */
export function assignSlots(buffers: readonly Temporary[]): Slot[] {
  const slots: { bytes: number; holders: Temporary[] }[] = []
  const bySize = buffers.filter(({ first }) => first >= 0).sort((a, b) => b.bytes - a.bytes || a.first - b.first)
  for (const buffer of bySize) {
    const free = slots.find(({ holders }) => holders.every((other) => neverMeet(other, buffer)))
    if (free) free.holders.push(buffer)
    else slots.push({ bytes: buffer.bytes, holders: [buffer] })
  }
  return slots
}

const neverMeet = (a: Temporary, b: Temporary) => a.last < b.first || b.last < a.first
