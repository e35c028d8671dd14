/**
 * One question to a table, in this fresh process: `open`, `scan` of COUNT rows, a `million` lookups, or COUNT runs of `rea`.
 * Prints one JSON line: seconds of the work itself, and peak memory. Run from the built package by lookup.ts.
 */
const began = performance.now()
const [built, name, task, count] = process.argv.slice(2)
const { openTable } = await import(`${built}/tables/openTable.js`)
const table = await openTable(name)
const qualifier = { dataset: 'cifar100', split: 'x-test', epochs: 200, seed: 'mean' }
table.value(0, qualifier)
const answered = performance.now()
const queries = await { open: () => undefined, scan, million, rea }[task as 'open']?.()
console.log(
  JSON.stringify({
    open_seconds: (answered - began) / 1000,
    task_seconds: (performance.now() - answered) / 1000,
    queries: queries ?? null,
    process_seconds: cpuSeconds(),
    peak_mb: process.resourceUsage().maxRSS / 1024,
  }),
)

function scan(): undefined {
  for (let index = 0; index < Number(count); index++) table.metrics(index)
}

function million(): undefined {
  for (let i = 0; i < 1_000_000; i++) table.value(i % table.rows, qualifier)
}

/** Regularised evolution: population 10, sample 3, 20,000 simulated seconds on CIFAR-10. @returns queries */
async function rea(): Promise<number> {
  const { tableEvaluator } = await import(`${built}/tables/tableEvaluator.js`)
  const { nb201 } = await import(`${built}/spaces/nb201/index.js`)
  const { sample, mutate } = await import(`${built}/core/space.js`)
  const { random } = await import(`${built}/core/random.js`)
  const oracle = tableEvaluator(table, nb201, 'cifar10')
  let queries = 0
  for (let seed = 0; seed < Number(count); seed++) {
    const stream = random(seed, 'benchmark')
    const population: { genotype: unknown; accuracyPct: number }[] = []
    for (let used = 0; used < 20_000; queries++) {
      const chosen = stream.permutation(population.length).slice(0, 3)
      const best = [...chosen].map((i) => population[i]).sort((a, b) => b.accuracyPct - a.accuracyPct)[0]
      const genotype = population.length < 10 ? sample(nb201, stream) : mutate(nb201, best.genotype, stream)
      const { accuracyPct, seconds } = await oracle.validate(genotype)
      if (population.length === 10) population.shift()
      population.push({ genotype, accuracyPct })
      used += seconds
    }
  }
  return queries
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
