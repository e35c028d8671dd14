/** Runs the calls of a plan on one or several threads. The list for each section and kind of run is bound once and kept. */
import { once } from '../../plan/once.ts'
import { nameOf, type Situation } from '../../plan/situation.ts'
import type { Plan } from '../lower/plan.ts'
import type { Arena } from '../module/module.ts'
import type { Section } from '../plan/program.ts'
import { type BoundCall, bindCalls, follow, singleThread } from '../threads/follow.ts'
import type { ThreadedPlan } from '../threads/threads.ts'

interface List {
  readonly calls: readonly BoundCall[]
  /** Number under which the other threads have the list; absent if no call of it is shared. */
  readonly number?: number
}

export class Replay {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #threads: ThreadedPlan | undefined
  readonly #lists = new Map<string, List>()

  constructor(plan: Plan, arena: Arena, threads: ThreadedPlan | undefined) {
    this.#plan = plan
    this.#arena = arena
    this.#threads = threads
  }

  /** Runs a section. @param flags activity flags; absent: every call runs */
  run(section: Section, situation: Situation, flags: Uint8Array | undefined): void {
    const { calls, number } = this.#list(section, situation)
    if (number === undefined) follow(calls, flags, singleThread)
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
