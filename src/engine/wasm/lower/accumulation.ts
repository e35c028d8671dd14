/** A gradient that several operations add to. */
import type { Temporary } from '../../graph/placement.ts'
import type { ByGating, Program, When } from '../program.ts'

export class Accumulation {
  readonly buffer: Temporary
  readonly #program: Program
  readonly #perSample: number
  readonly #expected: number
  #started = false

  /** @param expected number of contributions */
  constructor(program: Program, buffer: Temporary, perSample: number, expected: number) {
    this.#program = program
    this.buffer = buffer
    this.#perSample = perSample
    this.#expected = expected
  }

  /**
   * To be asked right before a contribution is emitted: 1 where it must add to what stands, 0 where it must overwrite.
   * The first one overwrites, unless paths are switched off and it may be skipped while a later one is not: then the
   * buffer is cleared before.
   *
   * @param condition of the contributing call
   */
  accumulate(condition: number): number | ByGating {
    if (this.#started) return 1
    this.#started = true
    if (condition < 0 || this.#expected === 1) return 0
    this.#fill('gated')
    return { gated: 1, open: 0 }
  }

  /** For contributions that can only add. Nothing happens where one stands already. */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#fill('always')
  }

  #fill(when: When): void {
    this.#program.emit('fill', { output: this.buffer, perSample: this.#perSample }, { when })
  }
}
