/** A gradient that several operations add to. */
import type { Temporary } from './placement.ts'

/** A kernel argument with one value for masked steps and another for full steps. */
export interface ByPathMask {
  readonly pathMasked: number
  readonly open: number
}

/** @typeParam B what it stands in */
export class Accumulation<B = Temporary> {
  readonly buffer: B
  readonly #expected: number
  readonly #clear: (when: 'always' | 'pathMasked') => void
  #started = false

  /**
   * @param expected number of contributions
   * @param clear emits the call that fills the buffer with zeros
   */
  constructor(buffer: B, expected: number, clear: (when: 'always' | 'pathMasked') => void) {
    this.buffer = buffer
    this.#expected = expected
    this.#clear = clear
  }

  /**
   * To be asked right before a contribution is emitted: 1 where it must add to what stands, 0 where it must overwrite.
   * The first one overwrites, unless paths are switched off and it may be skipped while a later one is not: then the
   * buffer is cleared before.
   *
   * @param condition of the contributing call
   */
  accumulate(condition: number): number | ByPathMask {
    if (this.#started) return 1
    this.#started = true
    if (condition < 0 || this.#expected === 1) return 0
    this.#clear('pathMasked')
    return { pathMasked: 1, open: 0 }
  }

  /** For contributions that can only add. Nothing happens where one stands already. */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#clear('always')
  }
}
