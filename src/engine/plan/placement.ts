/** Where temporary buffers stand: those that are never alive at the same time share memory. */

/** A buffer that is written and read between two calls of the program. */
export class Temporary {
  readonly bytes: number
  /** For messages. */
  readonly what: string
  /** Numbers of the first and last call that touch it; −1 before any. */
  first = -1
  last = -1
  address = -1

  constructor(bytes: number, what: string) {
    this.bytes = align(bytes)
    this.what = what
  }

  touch(call: number): void {
    if (this.first < 0) this.first = call
    this.last = call
  }
}

const ALIGNMENT = 64

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/**
 * Gives every touched buffer an address from `base` on, largest first, each at the lowest place where no buffer alive at
 * the same time stands. → end of the highest
 */
export function place(buffers: readonly Temporary[], base: number): number {
  const placed: Temporary[] = []
  const bySize = buffers.filter(({ first }) => first >= 0).sort((a, b) => b.bytes - a.bytes || a.first - b.first)
  let end = base
  for (const buffer of bySize) {
    buffer.address = lowestGap(buffer, placed, base)
    end = Math.max(end, buffer.address + buffer.bytes)
    insert(placed, buffer)
  }
  return end
}

/** @param placed in order of their addresses */
function lowestGap(buffer: Temporary, placed: readonly Temporary[], base: number): number {
  let address = base
  for (const other of placed) {
    if (other.last < buffer.first || buffer.last < other.first) continue
    if (other.address - address >= buffer.bytes) return address
    address = Math.max(address, other.address + other.bytes)
  }
  return address
}

function insert(placed: Temporary[], buffer: Temporary): void {
  const after = placed.findIndex(({ address }) => address > buffer.address)
  placed.splice(after < 0 ? placed.length : after, 0, buffer)
}
