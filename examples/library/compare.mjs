/**
 * The package as a library: compares two algorithms on the embedded table, then reads the results back.
 *
 *     node examples/library/compare.mjs [STORE]
 */
import {
  builtins,
  experimentDefaults,
  formatQualifier,
  makePlan,
  openTable,
  parseQualifier,
  registerPlugins,
  runPlan,
  Store,
} from 'nas-bench-harness'

const [, , folder = 'runs'] = process.argv
// The built-in algorithms and spaces; file names of plugins go into the list.
const registered = await registerPlugins(builtins, [])
const store = new Store(folder)

// Two black-box searches with three seeds each, 60 simulated seconds a search.
const experiment = {
  ...experimentDefaults,
  algorithms: [
    { name: 'random', options: {} },
    { name: 'rea', options: { population: 5, tournament: 2 } },
  ],
  seeds: [0, 1, 2],
  budgetSeconds: 60,
}
const plan = await makePlan(experiment, registered)
store.prepare()
// Finished jobs are not run again: call this script twice to see it.
const outcomes = await runPlan(plan, store, {}, (event) => {
  if (event.kind === 'failed') console.error(event.message)
})

const test = 'shapes/x-test/4/mean'
for (const { name } of experiment.algorithms) {
  const accuracies = outcomes.flatMap(({ result }) =>
    result?.algorithm === name
      ? result.metrics.filter((metric) => formatQualifier(metric) === test).map(({ accuracyPct }) => accuracyPct)
      : [],
  )
  const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length
  console.log(`${name}: ${mean.toFixed(2)} % test accuracy over ${accuracies.length} seeds`)
}

// The table itself: the best architecture of all.
const table = await openTable('nb201-micro')
const column = table.accuracy(parseQualifier(test))
let best = 0
for (let row = 1; row < table.rows; row++) if (column.at(row) > column.at(best)) best = row
console.log(`best of ${table.rows}: ${column.at(best).toFixed(2)} %, ${table.arch(best)}`)
