/** The oracle that black-box searches pay, on a simulated clock, keeping a list of what was asked. */
import type { Evaluator } from '../../core/evaluator.ts'
import type { Oracle } from '../../core/oracle.ts'
import type { TrajectoryPoint } from '../../core/result.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'

export class SimulatedOracle implements Oracle {
  readonly budgetSeconds: number
  readonly #evaluator: Evaluator
  readonly #space: SearchSpace
  readonly #queries: TrajectoryPoint[]

  /** @param queries already answered, where a search goes on */
  constructor(
    evaluator: Evaluator,
    space: SearchSpace,
    budgetSeconds: number = Number.POSITIVE_INFINITY,
    queries: readonly TrajectoryPoint[] = [],
  ) {
    this.budgetSeconds = budgetSeconds
    this.#evaluator = evaluator
    this.#space = space
    this.#queries = [...queries]
  }

  get queries(): readonly TrajectoryPoint[] {
    return this.#queries
  }

  get usedSeconds(): number {
    return this.#queries.at(-1)?.usedSeconds ?? 0
  }

  get fidelities(): readonly number[] | undefined {
    return this.#evaluator.fidelities
  }

  async query(genotype: Genotype, epochs?: number) {
    const { accuracyPct, seconds } = await this.#evaluator.validate(genotype, epochs)
    const usedSeconds = this.usedSeconds + seconds
    if (usedSeconds > this.budgetSeconds) return undefined
    const asked = { genotype: this.#space.format(genotype), accuracyPct, ...(epochs !== undefined && { epochs }) }
    this.#queries.push({ ...asked, usedSeconds })
    return { accuracyPct, seconds }
  }
}
