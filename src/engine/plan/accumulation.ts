/** The gradient of one value while the backward pass is emitted: several operations add to it. */
import type { Temporary } from './placement.ts'

/** A kernel argument with one value for steps with switched-off paths and another for full steps. */
export interface ByPathMask {
  readonly pathMasked: number
  readonly full: number
}

/** @typeParam B the buffer that holds the gradient */
export class Accumulation<B = Temporary> {
  readonly buffer: B
  readonly #expected: number
  readonly #clear: (when: 'always' | 'pathMasked') => void
  #started = false

  /**
   * @param expected how many operations add to the gradient
   * @param clear emits the call that fills the buffer with zeros
   */
  constructor(buffer: B, expected: number, clear: (when: 'always' | 'pathMasked') => void) {
    this.buffer = buffer
    this.#expected = expected
    this.#clear = clear
  }

  /**
   * Says whether the next contribution adds (1) or overwrites (0); called right before it is emitted. The first
   * contribution overwrites. Where switched-off paths may skip it but not a later one, the buffer is cleared before and the
   * first contribution adds, too.
   *
   * @param condition activity flag of the contributing call; −1: it always runs
   */
  accumulate(condition: number): number | ByPathMask {
    if (this.#started) return 1
    this.#started = true
    if (condition < 0 || this.#expected === 1) return 0
    this.#clear('pathMasked')
    return { pathMasked: 1, full: 0 }
  }

  /** Clears the buffer for contributions that can only add; does nothing after the first contribution. */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#clear('always')
  }
}
