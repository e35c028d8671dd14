/** The oracle that black-box searches pay, on a simulated clock, keeping a list of what was asked. */
import { BenchError } from '../../core/errors.ts'
import type { Evaluator, Oracle } from '../../core/evaluation.ts'
import { requireFinite } from '../../core/numbers.ts'
import type { TrajectoryPoint } from '../../core/result.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'

export class SimulatedOracle implements Oracle {
  readonly budgetSeconds: number
  readonly #evaluator: Evaluator
  readonly #space: SearchSpace
  readonly #queries: TrajectoryPoint[]
  readonly #onAnswer: () => Promise<void> | undefined

  /**
   * @param queries already answered, where a search goes on
   * @param onAnswer told of each answer before the search gets it
   */
  constructor(
    evaluator: Evaluator,
    space: SearchSpace,
    budgetSeconds: number = Number.POSITIVE_INFINITY,
    queries: readonly TrajectoryPoint[] = [],
    onAnswer: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#onAnswer = onAnswer
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
    this.#check(genotype, accuracyPct, seconds)
    const usedSeconds = this.usedSeconds + seconds
    if (usedSeconds > this.budgetSeconds) return undefined
    const asked = { genotype: this.#space.format(genotype), accuracyPct, ...(epochs !== undefined && { epochs }) }
    this.#queries.push({ ...asked, usedSeconds })
    await this.#onAnswer()
    return { accuracyPct, seconds }
  }

  /** A comparison with NaN is always false: a search would climb in circles, or spend a budget that never ends. */
  #check(genotype: Genotype, accuracyPct: number, seconds: number): void {
    const paysOff = seconds > 0 || (seconds === 0 && this.budgetSeconds === Number.POSITIVE_INFINITY)
    if (Number.isFinite(accuracyPct) && Number.isFinite(seconds) && paysOff) return
    const name = this.#space.format(genotype)
    requireFinite(accuracyPct, `the validation accuracy of ${name}`)
    requireFinite(seconds, `the training time of ${name}`)
    const message = `the training time of ${name} is ${seconds} s, by which a budget of ${this.budgetSeconds} s never ends`
    throw new BenchError('bad-input', `${message}; give a number of evaluations and no budget, or correct the table`)
  }
}
