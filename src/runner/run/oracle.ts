/**
 * The oracle of black-box searches. It answers queries for validation accuracies, charges the training time of each
 * queried architecture to a simulated clock, and records all queries.
 */
import { BenchError } from '../../core/errors.ts'
import type { Evaluator, Oracle } from '../../core/evaluation.ts'
import { requireFinite } from '../../core/numbers.ts'
import type { TrajectoryPoint } from '../../core/result.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'

/** An oracle of black-box searches whose answers come from an evaluator, such as a lookup table. */
export class SimulatedOracle implements Oracle {
  readonly budgetSeconds: number
  readonly #evaluator: Evaluator
  readonly #space: SearchSpace
  readonly #queries: TrajectoryPoint[]
  readonly #onAnswer: () => Promise<void> | undefined
  /** Reading of the simulated clock after the last answered query. */
  #answeredSeconds: number
  /** Simulated seconds that the search charged by `charge` since the last answered query. */
  #chargedSeconds = 0

  /**
   * @param budgetSeconds simulated seconds after which the search ends
   * @param queries the answered queries of an earlier, interrupted attempt
   * @param onAnswer called after each answer, before the search gets the answer, and after each charge
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
    this.#answeredSeconds = queries.at(-1)?.usedSeconds ?? 0
  }

  /** All queries that the oracle has answered, in order. */
  get queries(): readonly TrajectoryPoint[] {
    return this.#queries
  }

  /**
   * Reading of the simulated clock in seconds: training times of all queries so far, plus what the search charged
   * itself.
   */
  get usedSeconds(): number {
    return this.#answeredSeconds + this.#chargedSeconds
  }

  /**
   * Advances the simulated clock by `seconds`; returns false, and changes nothing, if the remaining budget does not
   * suffice.
   */
  charge(seconds: number): boolean {
    if (this.usedSeconds + seconds > this.budgetSeconds) return false
    this.#chargedSeconds += seconds
    void this.#onAnswer()
    return true
  }

  /**
   * Training lengths, in epochs, for which a search can query an architecture's accuracy; undefined if there is only
   * one.
   */
  get fidelities(): readonly number[] | undefined {
    return this.#evaluator.fidelities
  }

  /**
   * Returns the validation accuracy and the simulated training time of an architecture; undefined if the remaining
   * budget does not suffice.
   */
  async query(genotype: Genotype, epochs?: number) {
    const answer = await this.#evaluator.validate(genotype, epochs)
    const { accuracyPct, seconds } = answer
    this.#check(genotype, accuracyPct, seconds)
    const usedSeconds = this.usedSeconds + seconds
    if (usedSeconds > this.budgetSeconds) return undefined
    const text = this.#space.format(genotype)
    // Spreading objects, and waiting where nothing is to be waited for, took most of the time of a query.
    this.#queries.push(
      epochs === undefined
        ? { genotype: text, accuracyPct, usedSeconds }
        : { genotype: text, accuracyPct, epochs, usedSeconds },
    )
    this.#answeredSeconds = usedSeconds
    this.#chargedSeconds = 0
    const handled = this.#onAnswer()
    if (handled !== undefined) await handled
    return answer
  }

  /**
   * Throws for answers with which a search might never end: an accuracy that is NaN, since comparisons with it are
   * false, or a training time of 0 under a budget of simulated time.
   */
  #check(genotype: Genotype, accuracyPct: number, seconds: number): void {
    const isCharged = seconds > 0 || (seconds === 0 && this.budgetSeconds === Number.POSITIVE_INFINITY)
    if (Number.isFinite(accuracyPct) && Number.isFinite(seconds) && isCharged) return
    const name = this.#space.format(genotype)
    requireFinite(accuracyPct, `the validation accuracy of ${name}`)
    requireFinite(seconds, `the training time of ${name}`)
    const message = `the training time of ${name} is ${seconds} s, by which a budget of ${this.budgetSeconds} s never ends`
    throw new BenchError('bad-input', `${message}; give a number of evaluations and no budget, or correct the table`)
  }
}
