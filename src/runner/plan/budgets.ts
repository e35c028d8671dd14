/** What black-box searches may spend, in simulated seconds. */
import { BenchError } from '../../core/errors.ts'
import { knownName } from '../../data/datasetNames.ts'
import type { Experiment } from './experiment.ts'

type Budget = NonNullable<Experiment['budgetSeconds']>

/**
 * The budget of each dataset, or undefined where there is none at all.
 * @throws BenchError `bad-input` where one dataset has a budget and another has none
 */
export function budgetsByDataset(
  datasets: readonly string[],
  budget: Budget | undefined,
): (dataset: string) => number | undefined {
  if (typeof budget !== 'object') return () => budget
  const seconds = new Map(Object.entries(budget).map(([name, value]) => [knownName(name), value]))
  const without = datasets.find((name) => !seconds.has(name))
  if (without !== undefined) {
    throw new BenchError(
      'bad-input',
      `the budget says nothing of ${without}; give seconds for every dataset, or one number`,
    )
  }
  return (dataset) => seconds.get(dataset)
}
