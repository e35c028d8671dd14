/**
 * One question to a table, in this fresh process: `open`, `scan` of COUNT rows, a `million` lookups, what a search asks
 * of one architecture COUNT times (`again`), or COUNT searches by regularised evolution (`rea`). Prints one JSON line:
 * wall and processor time of opening and of the work itself, the time of each search, and peak memory. Run from the
 * built package by lookup.ts.
 */
import { readFileSync } from 'node:fs'

const began = performance.now()
const startedWith = process.cpuUsage()
const [built, path, task, count] = process.argv.slice(2)
const { openTable } = await import(`${built}/tables/openTable.js`)
const table = await openTable(path)
const qualifier = { dataset: 'cifar100', split: 'x-test', epochs: 200, seed: 'mean' }
table.value(0, qualifier)
const answered = performance.now()
const openUsage = process.cpuUsage(startedWith)
const answeredWith = process.cpuUsage()
const searches = await { open: none, scan, million, again, rea }[task as 'open']()
console.log(
  JSON.stringify({
    open_seconds: (answered - began) / 1000,
    task_seconds: (performance.now() - answered) / 1000,
    open_cpu_seconds: cpuSeconds(openUsage),
    task_cpu_seconds: cpuSeconds(process.cpuUsage(answeredWith)),
    searches,
    peak_mb: peakMb(),
  }),
)

interface Search {
  readonly seconds: number
  readonly queries: number
}

async function none(): Promise<Search[]> {
  return []
}

async function scan(): Promise<Search[]> {
  for (let index = 0; index < Number(count); index++) table.metrics(index)
  return []
}

async function million(): Promise<Search[]> {
  for (let i = 0; i < 1_000_000; i++) table.value(i % table.rows, qualifier)
  return []
}

async function again(): Promise<Search[]> {
  const { tableEvaluator } = await import(`${built}/tables/tableEvaluator.js`)
  const { nb201: space } = await import(`${built}/spaces/nb201/index.js`)
  const evaluator = tableEvaluator(table, space, 'cifar10')
  const genotype = space.parse(table.arch(0))
  await evaluator.validate(genotype)
  const started = performance.now()
  for (let i = 0; i < Number(count); i++) await evaluator.validate(genotype)
  return [{ seconds: (performance.now() - started) / 1000, queries: Number(count) }]
}

/** The built-in search on the simulated clock: population 10, sample 3, 20,000 simulated seconds on CIFAR-10. */
async function rea(): Promise<Search[]> {
  const { tableEvaluator } = await import(`${built}/tables/tableEvaluator.js`)
  const { nb201: space } = await import(`${built}/spaces/nb201/index.js`)
  const { SimulatedOracle } = await import(`${built}/runner/run/oracle.js`)
  const { regularisedEvolution } = await import(`${built}/algorithms/regularisedEvolution.js`)
  const { random } = await import(`${built}/core/random.js`)
  const evaluator = tableEvaluator(table, space, 'cifar10')
  const searches: Search[] = []
  for (let seed = 0; seed < Number(count); seed++) {
    const started = performance.now()
    const oracle = new SimulatedOracle(evaluator, space, 20_000)
    const stream = (...names: readonly (string | number)[]) => random(seed, ...names)
    const context = { space, seed, oracle, random: stream }
    const search = await regularisedEvolution.search(context, regularisedEvolution.options.parse({}))
    await search.epoch(0)
    searches.push({ seconds: (performance.now() - started) / 1000, queries: oracle.queries.length })
  }
  return searches
}

/** User and system time, in seconds. */
function cpuSeconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6
}

/** Of this program: the process's own count begins with what its parent had when it forked. */
function peakMb(): number {
  return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024
}
