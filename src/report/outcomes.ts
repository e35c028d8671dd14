/**
 * Renders the results that `bench run` and `bench retrain` print at their end: a table of means over seeds, and in JSON
 * also each run.
 */
import { join } from 'node:path'
import { benchCommand } from '../core/plainText.ts'
import type { Job, ResultRecord } from '../core/result.ts'
import { retrainCommand } from '../retrain/retrainCommand.ts'
import { FINAL_WEIGHTS } from '../retrain/trainingFolder.ts'
import type { Experiment } from '../runner/plan/experiment.ts'
import type { Outcome } from '../runner/processes/runPlan.ts'
import { builtinSpaces } from '../spaces/index.ts'
import { describeEnvironment } from '../system/environment.ts'
import { groupBy } from '../system/groupBy.ts'
import { contentName } from '../system/json.ts'
import { isThere } from '../system/readable.ts'
import { compare } from './comparison/comparison.ts'
import { comparisonTable } from './comparison/comparisonTable.ts'
import { areRetrained } from './comparison/retrainedRuns.ts'
import { METRIC_TITLES, retrainedTable } from './comparison/retrainedTable.ts'
import { renderTable, type TableFormat } from './formats/renderTable.ts'
import { absent, count, number, type Tabular, word } from './formats/tabular.ts'
import type { RunRecord } from './runRecord.ts'

export interface OutcomesOptions {
  /** Path of the store with the runs, as the printed commands shall name it. */
  readonly store: string
  /** Image folder of each dataset for which the user named one, for the printed commands. */
  readonly data: Experiment['data']
  /** Plugins that the user named, for the printed commands. */
  readonly plugins: Experiment['plugins']
  /** Width of the terminal on which the results are printed, in characters; absent if the output is not a terminal. */
  readonly width?: number
  /** Published table whose rows are shown below full trainings: its id; `auto` for the one that fits; or `none`. */
  readonly published?: string
}

/**
 * Returns the printed results of some runs: a table of mean ± std for each algorithm, in JSON together with the
 * architecture of each run.
 */
export async function renderOutcomes(
  outcomes: readonly Outcome[],
  format: TableFormat,
  options: OutcomesOptions,
): Promise<string> {
  const table = await outcomesTable(outcomes, options)
  if (format !== 'json') return renderTable(table, format, options.width)
  const runs = outcomes.map(({ planned: { id, job }, result, failure }) => ({
    id,
    algorithm: job.algorithm.name,
    dataset: job.dataset.name,
    seed: job.seed,
    genotype: result?.genotype ?? null,
    ...(result?.validMetricPct !== undefined && { validMetricPct: result.validMetricPct }),
    ...(result?.trainings && trainingsOf(result)),
    ...(failure && { failure: failure.message }),
  }))
  return `${JSON.stringify({ ...JSON.parse(renderTable(table, format)), runs }, null, 2)}\n`
}

/**
 * Returns, for JSON, the part of a run's result that the table of full trainings averages: network size, full trainings
 * and times.
 */
function trainingsOf({ parameters, macs, trainings, timing }: ResultRecord) {
  return { parameters, macs, trainings, timing }
}

async function outcomesTable(outcomes: readonly Outcome[], options: OutcomesOptions): Promise<Tabular> {
  const environment = describeEnvironment()
  const records = outcomes.map(
    ({ planned: { id, job, foundBy }, result, failure }): RunRecord => ({
      manifest: { schema: 1, id, job, ...(foundBy && { foundBy }), environment },
      epochs: [],
      ...(result && { result }),
      ...(failure && { failure: { schema: 1, id, epoch: 0, message: failure.message } }),
    }),
  )
  if (areRetrained(records)) {
    return { ...retrainedTable(records, options.published ?? 'auto'), ...exportCommands(outcomes, options) }
  }
  // The runs of one command follow one preset, which differs between algorithms and datasets only where the papers do.
  const comparison = { ...compare(records, { mix: true }), mixed: [] }
  if (comparison.columns.length > 0) return comparisonTable(comparison)
  return genotypesTable(
    outcomes.flatMap(({ planned, result }) => (result ? { job: planned.job, result } : [])),
    options,
  )
}

/**
 * Returns the commands that export trained networks as ONNX files: one for each method and dataset, for the first run
 * whose weights are stored. Runs that were taken over from a report have no weights.
 */
function exportCommands(
  outcomes: readonly Outcome[],
  { store, plugins }: OutcomesOptions,
): Pick<Tabular, 'commands'> | undefined {
  const trained = outcomes.flatMap(({ planned: { job }, result }) => {
    const [training, ...others] = result?.trainings ?? []
    if (training === undefined || !isThere(join(store, training.id, FINAL_WEIGHTS))) return []
    return [{ job, id: result?.id ?? '', seeds: others.length > 0 ? ['--seed', String(training.seed)] : [] }]
  })
  const groups = groupBy(trained, ({ job }) => contentName([job.algorithm, job.dataset.name, job.retraining?.settings]))
  const first = [...groups.values()].map(([one]) => one)
  const names = first.map(({ job }) => `${job.algorithm.name}-${job.dataset.name}`.replace(/[^\w.]+/g, '-'))
  const lines = first.map(({ id, seeds, job }, at) => {
    const isOnlyOne = names.filter((name) => name === names[at]).length === 1
    const plugin = job.spacePlugin === undefined ? [] : plugins.flatMap((file) => ['--plugin', file])
    const out = `${isOnlyOne ? names[at] : id}.onnx`
    return benchCommand('export', join(store, id), ...seeds, ...plugin, '--to', 'onnx', '--out', out)
  })
  if (lines.length === 0) return undefined
  const purpose = trained.length > lines.length ? 'To export the first network of each method' : 'To export the network'
  return { commands: { purpose, lines } }
}

/**
 * Returns the table of found architectures for searches without a lookup table, with commands that train them in full.
 */
async function genotypesTable(
  found: readonly { readonly job: Job; readonly result: ResultRecord }[],
  { store, data }: OutcomesOptions,
): Promise<Tabular> {
  const lines = found.flatMap(({ job: { space, spacePlugin, dataset, protocol }, result: { id, genotype } }) => {
    const family = spacePlugin === undefined ? builtinSpaces[space]?.family : undefined
    if (family === undefined) return []
    const file = join(store, id, 'result.json')
    return [retrainCommand({ file, genotype, family, dataset: dataset.name, folder: data[dataset.name], protocol })]
  })
  const [metric] = found.flatMap(({ job, result }) => (result.validMetricPct === undefined ? [] : job.protocol.metric))
  const measured = ({ validMetricPct: value }: ResultRecord) => (value === undefined ? absent : number(value, 2))
  return {
    columns: [
      { title: 'Method', key: 'method' },
      { title: 'Seed', key: 'seed' },
      ...(metric ? [{ title: `Validation ${METRIC_TITLES[metric]} (%)`, key: 'validMetricPct' }] : []),
      { title: 'Architecture', key: 'genotype' },
    ],
    rows: found.map(({ result }) => [
      word(result.algorithm),
      count(result.seed),
      ...(metric ? [measured(result)] : []),
      word(result.genotype),
    ]),
    notes: [],
    commands: { purpose: 'To train it in full', lines: await Promise.all(lines) },
  }
}
