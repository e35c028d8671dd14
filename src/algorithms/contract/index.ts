/**
 * The contract suite for algorithms, which every built-in algorithm passes and which `bench check plugin` runs on the
 * algorithms of a plugin. An algorithm runs on the smallest task of each space that it works on.
 */
import { fileURLToPath } from 'node:url'
import type { Algorithm } from '../../core/algorithm.ts'
import type { Executor } from '../../core/executor.ts'
import type { SearchSpace } from '../../core/space.ts'
import { darts } from '../../spaces/darts/index.ts'
import { nb201 } from '../../spaces/nb201/index.ts'
import { observe, type Subject } from './observation.ts'
import { difference, rules } from './rules.ts'

/** The result of one rule on one space. */
export interface RuleResult {
  readonly algorithm: string
  readonly space: string
  readonly rule: string
  /** Describes what broke the rule; absent if the rule is kept. */
  readonly seen?: string
  /** Why the algorithm breaks the rule on purpose; then `seen` is absent. */
  readonly excepted?: string
}

/** Options of the contract suite for algorithms. */
export interface ContractOptions {
  readonly executor: () => Promise<Executor>
  /** Options of the algorithm, as typed; absent: its defaults. */
  readonly options?: Readonly<Record<string, unknown>>
  /** Weight steps of each of the two epochs; absent: 25. */
  readonly stepsPerEpoch?: number
  /** Spaces to try if the algorithm does not name its own; absent: nb201 and darts. */
  readonly spaces?: readonly SearchSpace[]
}

/** The spaces on which the suite runs an algorithm that does not name its own spaces. */
export const usualSpaces: readonly SearchSpace[] = [nb201, darts] as readonly SearchSpace[]

const RUNS = 'it works on this space, or says on which spaces it does'

/** Runs the suite on an algorithm. → one result for each rule and space, in order */
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
  if (typeof observed === 'string') return [{ rule: RUNS, seen: observed }]
  const judged = rules.map(({ name, broken }) => {
    const seen = broken({ algorithm, space, ...observed })
    const excepted = algorithm.exceptions?.[name]
    return { rule: name, ...(seen !== undefined && (excepted === undefined ? { seen } : { excepted })) }
  })
  return [{ rule: RUNS }, ...judged]
}

/**
 * Runs the search as often as the rules need; returns a description of the error if a run fails. If an interrupted run
 * ends like the first, no further uninterrupted run is needed.
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

/** Returns the line of the plugin's own files in which an unexpected error was thrown, as text for a message. */
function placeOf({ name, stack = '' }: Error): string {
  const frame = stack.split('\n').find((line) => /:\d+:\d+\)?$/.test(line) && !line.includes(PACKAGE))
  return name === 'BenchError' || frame === undefined ? '' : `, ${frame.trim()}`
}

export { checkSpace, type SpaceRuleResult } from './space.ts'
