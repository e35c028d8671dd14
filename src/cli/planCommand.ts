/**
 * The common part of `bench run` and `bench retrain`. It prints the first lines, does the planned runs with a progress
 * display or submits them to Slurm, and reports failed runs.
 */

import { relative } from 'node:path'
import { Option } from 'commander'
import { BenchError } from '../core/errors.ts'
import { requireOnce } from '../core/names.ts'
import { benchCommand, pluralize } from '../core/plainText.ts'
import type { Job } from '../core/result.ts'
import { findPreset } from '../protocols/index.ts'
import { settingsText } from '../report/comparison/retrainedRuns.ts'
import type { TableFormat } from '../report/formats/renderTable.ts'
import { renderOutcomes } from '../report/outcomes.ts'
import { runLabel } from '../runner/plan/identity.ts'
import type { Plan, PlannedJob } from '../runner/plan/plan.ts'
import type { Processes } from '../runner/processes/orders.ts'
import { type Outcome, prepareToRun, runPlan, unfinished } from '../runner/processes/runPlan.ts'
import { parseSbatchOptions, type SbatchOptions, type Submission, submit } from '../runner/slurm/submit.ts'
import type { Store } from '../runner/store/store.ts'
import { LOG_FORMATS, type LogFormat, parseLogFormats } from '../system/progressLog.ts'
import { isInputFault, onInterrupt } from './failures.ts'
import { commaList, severalTimes } from './options.ts'
import { print, printAside, wrapToTerminal, writeOutput } from './output.ts'
import { noProgress, showProgress } from './progressDisplay.ts'

export interface ExecutionOptions extends Processes {
  /** Options for Slurm's `sbatch` from `--slurm`; undefined: the planned runs are done on this machine. */
  readonly slurm: SbatchOptions | undefined
  readonly format: TableFormat
  readonly quiet: boolean
  readonly out?: string
  /**
   * Id of the published table whose rows are printed below the rows of these runs; `auto`: the table that fits the
   * runs; `none`: no table.
   */
  readonly published?: string
  /** Returns the name of a planned run in progress lines and messages; absent: algorithm, dataset and seed. */
  readonly label?: (planned: PlannedJob) => string
  /**
   * Whether the command prints only an error message, and no table, if all runs failed because of the same invalid
   * input.
   */
  readonly failsAtOnce?: boolean
}

/**
 * Does the unfinished runs of a plan and prints the results, or submits the runs to Slurm. Sets the exit status if a
 * run fails.
 * @param opening returns the lines that the command prints first; with `--quiet` they are not printed
 */
export async function executePlan(
  plan: Plan,
  store: Store,
  opening: (plan: Plan, store: Store) => string,
  options: ExecutionOptions,
): Promise<void> {
  const { slurm, format, quiet, out, published, label = runName, jobs, threads, log, seedsPerDevice } = options
  const processes = { jobs, threads, log, seedsPerDevice }
  const submission = slurm && submit(plan, store, { ...processes, sbatch: slurm })
  if (submission === undefined) await prepareToRun(plan, store)
  if (!quiet) (format === 'text' ? print : printAside)(wrapToTerminal(opening(plan, store)))
  if (submission !== undefined) {
    reportSubmission(submission, store, { format, out })
    return
  }
  const outcomes = await runWithProgress(plan, store, processes, quiet, label)
  if (options.failsAtOnce) throwSharedFault(outcomes)
  const width = out === undefined ? process.stdout.columns : undefined
  const { data, plugins } = plan.experiment
  const rendering = { store: relative('', store.folder), data, plugins, width, published }
  writeOutput(await renderOutcomes(outcomes, format, rendering), out)
  reportFailedRuns(outcomes, label)
}

const runName = ({ job }: PlannedJob): string => runLabel(job)

async function runWithProgress(
  plan: Plan,
  store: Store,
  processes: Processes,
  quiet: boolean,
  label: (planned: PlannedJob) => string,
): Promise<readonly Outcome[]> {
  const labels = new Map(plan.jobs.map((planned) => [planned.id, label(planned)]))
  const progress = quiet ? noProgress : showProgress(process.stderr, (id) => labels.get(id) ?? id)
  const removeHandler = onInterrupt(() => progress.end())
  try {
    return await runPlan(plan, store, processes, (event) => progress.event(event))
  } finally {
    removeHandler()
    progress.end()
  }
}

/** Throws the first run's failure as an error if all runs failed with the same message because of invalid input. */
function throwSharedFault(outcomes: readonly Outcome[]): void {
  const [first] = outcomes.flatMap(({ failure }) => failure ?? [])
  const isShared = outcomes.every(({ failure }) => failure?.message === first?.message && isInputFault(failure?.code))
  if (first !== undefined && first.code !== 'unexpected' && isShared) throw new BenchError(first.code, first.message)
}

/** Prints one line for each failed run. Sets exit status 2 if invalid input made all of them fail, else 1. */
function reportFailedRuns(outcomes: readonly Outcome[], label: (planned: PlannedJob) => string): void {
  const failed = outcomes.filter(({ result }) => result === undefined)
  if (failed.length === 0) return
  for (const { planned, failure } of failed) {
    printAside(`bench: ${label(planned)} failed: ${failure?.message ?? 'it left no result'}\n`)
  }
  for (const stack of new Set(failed.flatMap(({ failure }) => failure?.stack ?? []))) printAside(`${stack}\n`)
  const count = `${failed.length} of ${pluralize(outcomes.length, 'run')}`
  printAside(`bench: ${count} failed; the same command tries them again\n`)
  process.exitCode = failed.every(({ failure }) => isInputFault(failure?.code)) ? 2 : 1
}

/** Returns the option `--log`, which may be given several times. */
export const logOption = () =>
  new Option(
    '--log <formats>',
    `log the numbers of each epoch as training goes, in the folder of each run: ${LOG_FORMATS.join(', ')}`,
  ).argParser(
    severalTimes((text: string, earlier: readonly LogFormat[] = []) => [
      ...new Set([...earlier, ...parseLogFormats(commaList(text, undefined))]),
    ]),
  )

/** Returns the option `--slurm`, which may be given several times: the Slurm options of all its values are merged. */
export const slurmOption = () =>
  new Option(
    '--slurm <options>',
    'submit to Slurm, with options of sbatch: partition=gpu,gres=gpu:1,time=8:00:00',
  ).argParser(
    severalTimes((text: string, earlier: SbatchOptions = {}): SbatchOptions => {
      const added = parseSbatchOptions(text)
      requireOnce([...Object.keys(earlier), ...Object.keys(added)], '--slurm')
      return { ...earlier, ...added }
    }),
  )

/**
 * Reports a submission: with the format `json` as a record, else in sentences, which are never part of a table or of the
 * file that the same command writes when the runs are finished.
 */
function reportSubmission(
  submission: Submission,
  store: Store,
  { format, out }: Pick<ExecutionOptions, 'format' | 'out'>,
): void {
  if (format === 'json') {
    writeOutput(`${JSON.stringify(submissionRecord(submission), null, 2)}\n`, out)
    return
  }
  const report = format === 'text' || out !== undefined ? print : printAside
  report(submissionText(submission, store, out))
}

const submissionRecord = ({ array, submitted, queued }: Submission) => ({
  array: array ? { id: array.id, name: array.name, folder: array.folder, tasks: array.orders.length } : null,
  submitted: submitted.map(({ id }) => id),
  queued: queued.map(({ id }) => id),
})

function submissionText({ array, submitted, queued }: Submission, store: Store, out: string | undefined): string {
  return [
    ...(queued.length > 0 ? [`already in the queue: ${pluralize(queued.length, 'run')}`] : []),
    ...(array
      ? [`submitted: ${pluralize(submitted.length, 'run')}, as array ${array.id}; logs in ${array.folder}`]
      : []),
    `when they are finished, the same command ${out === undefined ? 'prints the table' : `writes ${out}`}; meanwhile their state is shown by`,
    `  ${benchCommand('status', '--store', store.folder)}`,
    '',
  ].join('\n')
}

/**
 * Returns the lines that `bench run` prints first: search space, dataset, lookup table, executor and protocol in use,
 * and how to get the full dataset or protocol if they are reduced.
 */
export function runOpening(plan: Plan, store: Store): string {
  const { experiment, space, jobs } = plan
  const missing = unfinished(plan, store).length
  return [
    `space ${space.name}; dataset ${experiment.datasets.join(', ')}; ${evaluationText(plan)}; ${executorsText(plan)}; ${protocolsText(plan)}`,
    ...upgradeHints(plan),
    `${pluralize(jobs.length, 'run')}, ${jobs.length - missing} finished; store ${store.folder}`,
    '',
    '',
  ].join('\n')
}

/**
 * Returns the lines that `bench retrain` prints first: preset, dataset and executor, and how many of the full trainings
 * are already finished.
 */
export function retrainOpening(plan: Plan, store: Store): string {
  const { experiment, jobs } = plan
  const executors = new Set(jobs.flatMap(({ job }) => executorName(job)))
  const missing = unfinished(plan, store).length
  return [
    `${trainingText(plan)}; dataset ${experiment.datasets.join(', ')}; executor ${[...executors].join(', ')}`,
    `${pluralize(jobs.length, 'training')}, ${jobs.length - missing} finished; store ${store.folder}`,
    '',
    '',
  ].join('\n')
}

function evaluationText(plan: Plan): string {
  const { retraining } = plan.experiment
  return retraining === undefined ? tablesText(plan) : `architectures found are trained in full, ${trainingText(plan)}`
}

/** Returns preset and sizes of a plan's full trainings as text, each distinct setting once. */
function trainingText({ jobs }: Plan): string {
  const texts = jobs.flatMap(({ job }) => (job.retraining ? settingsText(job.retraining.settings, job.space) : []))
  return [...new Set(texts)].join('; ')
}

function tablesText({ lookups }: Plan): string {
  const texts = [...lookups.values()].map(({ manifest }) => {
    if (manifest === undefined) return 'no table'
    const { name, rows, architectures, recipe } = manifest
    if (rows === architectures || architectures === null) return `table ${name}`
    const rest = recipe === undefined ? 'the others fail' : 'the others are trained when needed'
    return `table ${name} (${rows} of ${pluralize(architectures, 'architecture')}, ${rest})`
  })
  return [...new Set(texts)].join(', ')
}

function executorsText({ jobs }: Plan): string {
  const names = new Set(jobs.flatMap(({ job }) => executorName(job)))
  return names.size === 0 ? 'no network is trained' : `executor ${[...names].join(', ')}`
}

/**
 * Returns the name of the executor that a job trains with, such as `static/wasm`, or `static/wasm (fused)` with
 * `--fast-math`; empty if the job trains nothing.
 */
const executorName = ({ executor, arithmetic }: Job): string[] =>
  executor === undefined ? [] : [arithmetic === 'fused' ? `${executor} (fused)` : executor]

function protocolsText({ jobs }: Plan): string {
  const names = new Set(jobs.map(({ job }) => job.protocol.name))
  return `${names.size > 1 ? 'protocols' : 'protocol'} ${[...names].join(', ')}`
}

/**
 * Returns hints for users of the dataset that comes with the package or of a reduced protocol: how to get the dataset,
 * lookup table and protocol of published comparisons.
 */
function upgradeHints({ experiment, lookups }: Plan): string[] {
  const isEmbedded = lookups.get('shapes')?.manifest?.recipe !== undefined
  const name = experiment.protocol.split(':')[0]
  return [
    ...(isEmbedded
      ? [
          'shapes and its table are the embedded ones; `bench tables fetch nb201` and `bench data fetch cifar10` get the full ones, for --dataset cifar10',
        ]
      : []),
    ...(findPreset(name).reduced
      ? [
          `${name} is a reduced search for two cores; the papers’ settings: --protocol drnas-paper (\`bench list protocols\`)`,
        ]
      : []),
  ]
}
