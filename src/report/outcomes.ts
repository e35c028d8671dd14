/** What `bench run` prints of its runs. */
import { join } from 'node:path'
import type { ResultRecord } from '../core/result.ts'
import { describeEnvironment } from '../runner/environment.ts'
import type { Outcome } from '../runner/runPlan.ts'
import { compare } from './comparison/comparison.ts'
import { comparisonTable } from './comparison/comparisonTable.ts'
import { renderTable, type TableFormat } from './formats/renderTable.ts'
import { count, type Tabular, word } from './formats/tabular.ts'
import { areRetrained } from './retrained/rows.ts'
import { retrainedTable } from './retrained/table.ts'
import type { RunRecord } from './runRecord.ts'

/**
 * Mean ± std of each algorithm; in JSON with each run's architecture.
 * @param store folder of the runs, for people
 * @param published rows of papers beside full trainings: an id, `auto` or `none`
 */
export function renderOutcomes(
  outcomes: readonly Outcome[],
  format: TableFormat,
  store: string,
  published = 'auto',
): string {
  const table = outcomesTable(outcomes, store, published)
  if (format !== 'json') return renderTable(table, format)
  const runs = outcomes.map(({ planned: { id, job }, result, failure }) => ({
    id,
    algorithm: job.algorithm.name,
    dataset: job.dataset.name,
    seed: job.seed,
    genotype: result?.genotype ?? null,
    ...(result?.trainings && trainingsOf(result)),
    ...(failure && { failure: failure.message }),
  }))
  return `${JSON.stringify({ ...JSON.parse(renderTable(table, format)), runs }, null, 2)}\n`
}

/** What the table of full trainings has means of. */
function trainingsOf({ parameters, macs, trainings, timing }: ResultRecord) {
  return { parameters, macs, trainings, timing }
}

function outcomesTable(outcomes: readonly Outcome[], store: string, published: string): Tabular {
  const environment = describeEnvironment()
  const records = outcomes.map(
    ({ planned: { id, job }, result, failure }): RunRecord => ({
      manifest: { schema: 1, id, job, environment },
      epochs: [],
      ...(result && { result }),
      ...(failure && { failure: { schema: 1, id, epoch: 0, message: failure.message } }),
    }),
  )
  if (areRetrained(records)) return retrainedTable(records, published)
  // One command, one preset: where it differs by algorithm or dataset, the papers do.
  const comparison = { ...compare(records, { mix: true }), mixed: [] }
  if (comparison.columns.length > 0) return comparisonTable(comparison)
  return genotypesTable(
    outcomes.flatMap(({ result }) => result ?? []),
    store,
  )
}

/** Where nothing is looked up, the architectures are the result. */
function genotypesTable(results: readonly ResultRecord[], store: string): Tabular {
  return {
    columns: [
      { title: 'Method', key: 'method' },
      { title: 'Seed', key: 'seed' },
      { title: 'Architecture', key: 'genotype' },
    ],
    rows: results.map(({ algorithm, seed, genotype }) => [word(algorithm), count(seed), word(genotype)]),
    notes: results.map(
      ({ id, dataset }) =>
        `To train it in full: bench retrain --genotype ${join(store, id, 'result.json')} --dataset ${dataset}`,
    ),
  }
}
