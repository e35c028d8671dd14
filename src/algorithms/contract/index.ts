/**
 * The contract suite for algorithms, which every built-in algorithm passes and which `bench check plugin` runs on the
 * algorithms of a plugin. The suite runs an algorithm on a tiny training task in each search space that it supports.
 */
import { fileURLToPath } from 'node:url'
import type { Algorithm } from '../../core/algorithm.ts'
import type { Executor } from '../../core/executor.ts'
import type { SearchSpace } from '../../core/space.ts'
import { darts } from '../../spaces/darts/index.ts'
import { nb201 } from '../../spaces/nb201/index.ts'
import { observe, type Subject } from './observation.ts'
import { difference, programRule, rules } from './rules.ts'

/** The result of checking one rule of the contract on one algorithm in one search space. */
export interface RuleResult {
  readonly algorithm: string
  readonly space: string
  readonly rule: string
  /** Description of what the algorithm did against the rule; absent if it keeps the rule. */
  readonly seen?: string
  /** Reason that the algorithm's author gives for breaking the rule on purpose; then `seen` is absent. */
  readonly excepted?: string
}

/** Options of `checkAlgorithm`, which runs the contract suite on an algorithm. */
export interface ContractOptions {
  readonly executor: () => Promise<Executor>
  /** Options of the checked algorithm, as typed by the user; absent: the algorithm's defaults. */
  readonly options?: Readonly<Record<string, unknown>>
  /** Number of weight steps in each of the two epochs of a checked search; absent: 25. */
  readonly stepsPerEpoch?: number
  /** Search spaces to check an algorithm in that does not name the spaces it supports; absent: nb201 and darts. */
  readonly spaces?: readonly SearchSpace[]
}

/** The search spaces in which the suite runs an algorithm that does not name the spaces it supports. */
export const usualSpaces: readonly SearchSpace[] = [nb201, darts] as readonly SearchSpace[]

const RUNS = 'it works on this space, or says on which spaces it does'

/** Runs the contract suite on an algorithm. → one result for each search space and rule, in order */
export async function checkAlgorithm(algorithm: Algorithm, given: ContractOptions): Promise<RuleResult[]> {
  const { executor, stepsPerEpoch = 25, spaces = usualSpaces } = given
  const options = algorithm.options.parse(given.options ?? {})
  const tried = spaces.filter(({ name }) => algorithm.spaces?.includes(name) ?? true)
  if (tried.length === 0) return [unknownSpaces(algorithm, spaces)]
  const results: RuleResult[] = []
  for (const space of tried) {
    const seen = await checkOnSpace({ algorithm, options, space, executor, stepsPerEpoch })
    results.push(...seen.map((result) => ({ algorithm: algorithm.name, space: space.name, ...result })))
  }
  return results
}

function unknownSpaces({ name, spaces = [] }: Algorithm, known: readonly SearchSpace[]): RuleResult {
  const names = known.map((space) => space.name).join(', ')
  return {
    algorithm: name,
    space: spaces.join(', '),
    rule: RUNS,
    seen: `none of its spaces is known; known are ${names}`,
  }
}

async function checkOnSpace(subject: Subject): Promise<Pick<RuleResult, 'rule' | 'seen' | 'excepted'>[]> {
  const { algorithm, space } = subject
  const observed = await observations(subject)
  if (typeof observed === 'string') {
    const excepted = algorithm.exceptions?.[RUNS]
    return [{ rule: RUNS, ...(excepted === undefined ? { seen: observed } : { excepted }) }]
  }
  const applied = algorithm.program ? [...rules.filter((rule) => rule.forPrograms !== false), programRule] : rules
  const judged = applied.map(({ name, broken }) => {
    const seen = broken({ algorithm, space, ...observed })
    const excepted = algorithm.exceptions?.[name]
    return { rule: name, ...(seen !== undefined && (excepted === undefined ? { seen } : { excepted })) }
  })
  return [{ rule: RUNS }, ...judged]
}

/**
 * Runs the same search several times, so that the rules can compare the runs; returns a description of the error if a
 * run fails. A search that ends the same when it is saved and restored need not be repeated without interruption.
 */
async function observations(subject: Subject) {
  try {
    const whole = await observe(subject, 0)
    const interrupted = await observe(subject, 0, true)
    const again = difference(whole, interrupted) === undefined ? interrupted : await observe(subject, 0)
    return { whole, again, interrupted, otherSeed: await observe(subject, 1) }
  } catch (error) {
    return `it fails: ${error instanceof Error ? error.message + placeOf(error) : String(error)}`
  }
}

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url))

/** Finds in a stack trace the line of the plugin's files that threw an unexpected error. → text for an error message */
function placeOf({ name, stack = '' }: Error): string {
  const frame = stack
    .split('\n')
    .find((line) => /:\d+:\d+\)?$/.test(line) && !line.includes(PACKAGE) && !line.includes('(node:'))
  return name === 'BenchError' || frame === undefined ? '' : `, ${frame.trim()}`
}

export { checkScore, type ScoreRuleResult } from './score.ts'
export { checkSpace, type SpaceRuleResult } from './space.ts'
