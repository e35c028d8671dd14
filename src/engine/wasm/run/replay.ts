/** Runs a plan's calls, with a crew or alone. The list for each section and situation is bound once and kept. */
import { once } from '../../plan/once.ts'
import { nameOf, type Situation } from '../../plan/situation.ts'
import type { Arena } from '../module/module.ts'
import type { Plan } from '../plan/plan.ts'
import type { Section } from '../plan/program.ts'
import { alone, type BoundCall, bindCalls, follow } from '../threads/follow.ts'
import type { ThreadedPlan } from '../threads/threads.ts'

interface List {
  readonly calls: readonly BoundCall[]
  /** By which the crew knows it; absent where there is nothing to share. */
  readonly number?: number
}

export class Replay {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #threads: ThreadedPlan | undefined
  readonly #lists = new Map<string, List>()

  constructor(plan: Plan, arena: Arena, crew: ThreadedPlan | undefined) {
    this.#plan = plan
    this.#arena = arena
    this.#threads = crew
  }

  /** @param flags which conditional calls run; absent: all */
  run(section: Section, situation: Situation, flags: Uint8Array | undefined): void {
    const { calls, number } = this.#list(section, situation)
    if (number === undefined) follow(calls, flags, alone)
    else this.#threads?.run(number, calls, this.#arena.batch, flags)
  }

  #list(section: Section, situation: Situation): List {
    const key = `${section} ${nameOf(situation)}`
    return once(this.#lists, key, () => {
      const plain = this.#plan.program.select(section, situation)
      const calls = bindCalls(this.#arena.kernels, plain)
      const isShared = calls.some((call) => call.isShared)
      return { calls, number: isShared ? this.#threads?.addList(plain) : undefined }
    })
  }
}
