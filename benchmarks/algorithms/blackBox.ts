/**
 * How fast black-box searches are: 500 runs of each within 20,000 simulated seconds on CIFAR-10, lookup of the answer
 * included, in processor seconds of one core; with what they find, as a check that the searches are the real ones.
 *
 *     bench tables import …/nb201.csv.gz --as nb201
 *     npx jiti benchmarks/algorithms/blackBox.ts [ALGORITHM …]
 */
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import type { Algorithm, SearchContext } from '../../src/core/algorithm.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import { SimulatedOracle } from '../../src/runner/run/oracle.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { tableEvaluator } from '../../src/tables/tableEvaluator.ts'

const RUNS = 500
const BUDGET_SECONDS = 20_000
const TEST = { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 'mean' }

const space = nb201 as SearchSpace
const evaluator = tableEvaluator(await openTable('nb201'), space, 'cifar10')

async function search(algorithm: Algorithm, seed: number) {
  const oracle = new SimulatedOracle(evaluator, space, BUDGET_SECONDS)
  // Black-box searches read neither images nor protocol.
  const context = {
    space,
    seed,
    oracle,
    random: (...path: readonly (string | number)[]) => random(seed, ...path),
  } as unknown as SearchContext
  const run = await algorithm.search(context, algorithm.options.parse({}))
  await run.epoch(0)
  const { metrics } = await evaluator.evaluate(run.genotype())
  const test = metrics.find((metric) => Object.entries(TEST).every(([key, value]) => metric[key as 'seed'] === value))
  return { accuracyPct: test?.accuracyPct ?? Number.NaN, queries: oracle.queries.length }
}

const algorithms = Object.values(builtinAlgorithms as Record<string, Algorithm>).filter(
  ({ kind, name }) => kind === 'black-box' && (process.argv.length === 2 || process.argv.includes(name)),
)
for (const algorithm of algorithms) {
  const before = process.cpuUsage()
  const found: Awaited<ReturnType<typeof search>>[] = []
  for (let seed = 0; seed < RUNS; seed++) found.push(await search(algorithm, seed))
  const { user, system } = process.cpuUsage(before)
  const mean = (of: (run: (typeof found)[number]) => number) => found.reduce((sum, run) => sum + of(run), 0) / RUNS
  const accuracy = mean(({ accuracyPct }) => accuracyPct).toFixed(2)
  const queries = mean((run) => run.queries).toFixed(0)
  const seconds = ((user + system) / 1e6).toFixed(2)
  console.log(`${algorithm.name.padEnd(13)} ${seconds} s  ${queries} queries a run  ${accuracy} % test accuracy`)
}
