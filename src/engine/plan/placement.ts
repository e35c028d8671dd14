/**
 * Gives temporary buffers their addresses in one memory, so that buffers which are never in use at the same time share
 * addresses.
 */
/** A temporary buffer, which is in use from the first to the last kernel call that reads or writes it. */
export class Temporary {
  readonly bytes: number
  /** What the buffer holds, for error messages. */
  readonly what: string
  /**
   * Positions, in the program, of the first and the last kernel call that use the buffer; −1 as long as no call does.
   */
  first = -1
  last = -1
  address = -1

  constructor(bytes: number, what: string) {
    this.bytes = align(bytes)
    this.what = what
  }

  /** Notes that the kernel call at this position of the program uses the buffer. */
  touch(call: number): void {
    if (this.first < 0) this.first = call
    this.last = call
  }
}

const ALIGNMENT = 64

/** Rounds a number of bytes up to the next multiple of 64, at which every buffer begins. */
export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/**
 * Gives every buffer that a call uses an address from `base` on, and returns the end of the highest buffer, in bytes.
 * Larger buffers are placed first; each gets the lowest address at which it overlaps no buffer that is in use at the
 * same time.
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

/**
 * Returns the lowest address at which a buffer fits between those placed before that are in use at the same time.
 *
 * @param placed the buffers that have an address, by ascending address
 */
function lowestGap(buffer: Temporary, placed: readonly Temporary[], base: number): number {
  let address = base
  for (const other of placed) {
    if (other.last < buffer.first || buffer.last < other.first) continue
    if (other.address - address >= buffer.bytes) return address
    address = Math.max(address, other.address + other.bytes)
  }
  return address
}

/** Inserts a buffer into a list of buffers that is sorted by address. */
function insert(placed: Temporary[], buffer: Temporary): void {
  const after = placed.findIndex(({ address }) => address > buffer.address)
  placed.splice(after < 0 ? placed.length : after, 0, buffer)
}
