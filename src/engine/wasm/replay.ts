/** Runs a plan's calls. The list for each section and situation is bound once and kept. */

import type { Arena } from './module.ts'
import type { Plan } from './plan.ts'
import type { BoundCall, Section, Situation } from './program.ts'

export class Replay {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #lists = new Map<string, readonly BoundCall[]>()

  constructor(plan: Plan, arena: Arena) {
    this.#plan = plan
    this.#arena = arena
  }

  /** @param flags which conditional calls run; absent: all */
  run(section: Section, situation: Situation, flags: Uint8Array | undefined): void {
    const calls = this.calls(section, situation)
    if (flags === undefined) {
      for (const call of calls) call.run()
      return
    }
    for (const call of calls) if (call.condition < 0 || flags[call.condition] === 1) call.run()
  }

  calls(section: Section, situation: Situation): readonly BoundCall[] {
    const { mode, weights, coefficients, gated, taking } = situation
    const key = `${section} ${mode} ${weights} ${coefficients} ${gated} ${taking}`
    let calls = this.#lists.get(key)
    if (calls === undefined) {
      calls = this.#plan.program.bind(this.#arena, section, situation)
      this.#lists.set(key, calls)
    }
    return calls
  }
}
