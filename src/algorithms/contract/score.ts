/**
 * The contract suite for training-free scores: the promises that every built-in score keeps, and that `bench check
 * plugin` checks on the scores of a plugin. The rules are checked on small networks of NAS-Bench-201, one of which is
 * degenerate: its output does not depend on the image.
 */
import { Scorer } from '../../analysis/scores/input.ts'
import type { Executable, Executor } from '../../core/executor.ts'
import { random } from '../../core/random.ts'
import { DEGENERATE, type RankScore, type Score, type ScoreInput } from '../../core/score.ts'
import { nb201 } from '../../spaces/nb201/index.ts'
import { tinyData } from './tinyTask.ts'

/** The result of checking one rule on one score. */
export interface ScoreRuleResult {
  readonly score: string
  readonly rule: string
  /** Description of what the score does against the rule; absent if it keeps the rule. */
  readonly seen?: string
}

const CELLS = [
  '|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_1x1~2|',
  '|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_3x3~2|',
]
const DISCONNECTED = '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'

/** Runs the contract suite on a score. → one result per rule */
export async function checkScore(
  score: Score | RankScore,
  executor: () => Promise<Executor>,
): Promise<ScoreRuleResult[]> {
  const rules = 'parts' in score ? rankRules(score) : await networkRules(score, await executor())
  return rules.map(([rule, seen]) => ({ score: score.name, rule, ...(seen !== undefined && { seen }) }))
}

type Judged = readonly [rule: string, seen: string | undefined]

function rankRules({ combine, parts }: RankScore): Judged[] {
  const best = parts.map(() => 10)
  const worst = parts.map(() => 1)
  const [high, low] = [combine(best, 10), combine(worst, 10)]
  return [
    [
      'it gives finite numbers',
      Number.isFinite(high) && Number.isFinite(low) ? undefined : `it gave ${high} and ${low}`,
    ],
    ['better ranks give a higher number', high > low ? undefined : `the best ranks gave ${high}, the worst ${low}`],
  ]
}

async function networkRules(score: Score, executor: Executor): Promise<Judged[]> {
  let changed: string | undefined
  const computed: unknown[] = []
  const checked = watched(score, computed, (what) => {
    changed = what
  })
  const rate = async (arch: string, seed = 0) => {
    const [value] = await scorer(executor, seed).score([checked], (size) => nb201.network(nb201.parse(arch), size))
    return value
  }
  const runs = 'it works on a network with and without convolutions on every edge'
  const finite = 'it gives finite numbers for networks that work'
  try {
    const values = [await rate(CELLS[0]), await rate(CELLS[1])]
    const at = computed.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) {
      const seen = `it gave ${String(computed[at])}; return a number, and NaN only if the output ignores the image`
      return [
        [runs, undefined],
        [finite, seen],
      ]
    }
    const again = await rate(CELLS[0])
    const other = await rate(CELLS[0], 1)
    return [
      [runs, undefined],
      [finite, undefined],
      ['the same seed gives the same number', again === values[0] ? undefined : `it gave ${values[0]}, then ${again}`],
      ['it depends on what its field `reads` says', readsProblem(score, values[0], other)],
      ['it tells networks apart', values[0] === values[1] ? `it gave ${values[0]} for two networks` : undefined],
      ['it leaves the weights of the network as they were', changed],
      ['it gives a degenerate network a number that is not better', await degenerateProblem(score, rate, values)],
    ]
  } catch (error) {
    return [[runs, `it fails: ${error instanceof Error ? error.message : String(error)}`]]
  }
}

function readsProblem({ reads }: Score, first: number, other: number): string | undefined {
  if (reads === 'architecture') {
    return first === other ? undefined : `seeds 0 and 1 gave ${first} and ${other}, and it reads the architecture alone`
  }
  return first === other ? `seeds 0 and 1 both gave ${first}; set reads to architecture if that is meant` : undefined
}

async function degenerateProblem(
  { better }: Score,
  rate: (arch: string) => Promise<number>,
  values: readonly number[],
): Promise<string | undefined> {
  const value = await rate(DISCONNECTED)
  const isBetter = values.every((other) => (better === 'higher' ? value > other : value < other))
  if (!isBetter || Math.abs(value) === DEGENERATE) return undefined
  return `it gave ${value}, and ${values.join(' and ')} for networks that work; return NaN for such networks`
}

/**
 * Returns the score with a check: when it has computed, the executables that it opened must have their initial weights.
 * @param computed receives every value that the score computes @param onChange receives a description of a changed
 * weight
 */
function watched(score: Score, computed: unknown[], onChange: (what: string) => void): Score {
  return {
    ...score,
    async compute(input) {
      const opened = new Set<Executable>()
      const watchedInput = new Proxy(input, {
        get(target, property) {
          if (property !== 'open') return Reflect.get(target, property, target)
          return async (...args: Parameters<ScoreInput['open']>) => {
            const executable = await target.open(...args)
            opened.add(executable)
            return executable
          }
        },
      })
      const value = await score.compute(watchedInput)
      computed.push(value)
      for (const executable of opened) {
        const weights = await executable.weights.read()
        const at = weights.findIndex((weight, i) => weight !== input.weights[i])
        if (at >= 0) onChange(`weight ${at} was ${input.weights[at]} and is ${weights[at]}`)
      }
      return value
    },
  }
}

function scorer(executor: Executor, seed: number): Scorer {
  const { shape } = tinyData(seed, 1)
  const batchSize = 4
  const batches = new Map<number, ReturnType<typeof batchOf>>()
  const batchOf = (index: number) => {
    const stream = random(seed, 'contract score', index)
    const pixels = batchSize * shape.height * shape.width * shape.channels
    return {
      images: Float32Array.from({ length: pixels }, () => stream.normal()),
      labels: Int32Array.from({ length: batchSize }, () => stream.integer(shape.classes)),
      size: batchSize,
    }
  }
  return new Scorer({
    ...{ executor, batchSize, seed },
    size: { channels: 4, depth: 1, shape },
    initialisation: 'uniform',
    batch(index) {
      const batch = batches.get(index) ?? batchOf(index)
      batches.set(index, batch)
      return batch
    },
  })
}
