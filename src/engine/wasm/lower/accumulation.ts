/** A gradient that several operations add to. */
import type { Temporary } from '../placement.ts'
import type { Program } from '../program.ts'

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
   * The first one overwrites, unless it may be skipped while a later one is not: then the buffer is cleared before.
   *
   * @param condition of the contributing call
   */
  accumulate(condition: number): 0 | 1 {
    if (this.#started) return 1
    if (condition < 0 || this.#expected === 1) {
      this.#started = true
      return 0
    }
    this.clear()
    return 1
  }

  /** For contributions that can only add. Nothing happens where one stands already. */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#program.emit('fill', { output: this.buffer, perSample: this.#perSample })
  }
}
