/** `bench status`: lists runs with their states, such as finished, running or failed. */
import { dirname } from 'node:path'
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { TableFormat } from '../../report/formats/renderTable.ts'
import { statusTable } from '../../report/listings/statusTable.ts'
import { type RunRecord, readRuns } from '../../report/runRecord.ts'
import { LiveProgressReaders } from '../../runner/liveProgress.ts'
import { type RunStatus, storeStatus, trainingOf } from '../../runner/status.ts'
import { Store } from '../../runner/store/store.ts'
import { addExperimentFlags, type ExperimentFlags } from '../experimentFlags.ts'
import { jsonOption, outOption, positiveNumber, reuseOption, storeOption, typedOption } from '../options.ts'
import { printAsideLine, tableFormat, tableFormatOption, writeTable } from '../output.ts'
import { isExperimentFile, type Place, selectedPlaces } from '../places.ts'
import { referenceNames } from '../pluginRegistry.ts'
import { readReused } from '../reuseRuns.ts'
import { narrow, recordsAt, SELECTION_HELP, selectedStores } from '../runSelection.ts'
import type { StoredRun } from '../watchStatus.ts'

interface StatusFlags extends ExperimentFlags {
  readonly store?: string
  readonly reuse?: readonly string[]
  readonly format?: TableFormat
  readonly json?: boolean
  readonly out?: string
  readonly watch?: boolean
  /** Seconds between two updates of the printed states, with `--watch`. */
  readonly interval?: number
}

export function statusCommand(): Command {
  const command = new Command('status')
    .summary('list runs with their states: finished, running, failed, missing')
    .description(
      'Lists runs with their states. For an experiment, named by a file or by --algo as for bench run, it also lists runs ' +
        'that were never begun. Otherwise --algo, --dataset, --space, --protocol and --table narrow the list.',
    )
    .argument('[items...]', SELECTION_HELP)
  return addExperimentFlags(command)
    .addOption(storeOption())
    .addOption(reuseOption())
    .addOption(tableFormatOption())
    .addOption(jsonOption())
    .addOption(outOption())
    .option('--watch', 'show running jobs with epoch, loss, accuracy and time left, until all are done')
    .option('--interval <seconds>', 'with --watch: seconds between two looks (default: 2)', positiveNumber)
    .addHelpText('after', '\nExamples:\n  bench status --watch\n  bench status configs/nb201-table4.yaml --store runs')
    .action(status)
}

async function status(items: readonly string[], flags: StatusFlags): Promise<void> {
  const format = tableFormat(flags)
  refuseIdle(flags, format)
  const isPlanned = items.some(isExperimentFile) || (items.length === 0 && flags.algo !== undefined)
  const readers = new LiveProgressReaders()
  if (flags.watch) {
    const { watchRuns } = await import('../watchStatus.ts')
    const look = isPlanned ? await plannedRuns(items, flags, readers) : () => storedRuns(items, flags, readers)
    const stores = await selectedStores(items, flags)
    const isAtWork = () => stores.some((store) => store.isAtWork())
    return watchRuns(look, { isAtWork, readers, intervalSeconds: flags.interval ?? 2, json: flags.json === true })
  }
  const runs = await (isPlanned ? (await plannedRuns(items, flags, readers))() : storedRuns(items, flags, readers))
  const isTrained = runs.some(({ training }) => training !== undefined)
  // Loading the algorithms takes longer than reading thousands of runs.
  const references = isTrained ? await referenceNames(flags.plugin ?? []) : undefined
  writeTable(statusTable(runs, references), format, flags.out)
}

/** Throws if an option has no effect together with the other options given. @throws BenchError `bad-input` */
function refuseIdle({ watch, interval, out }: StatusFlags, format: TableFormat): void {
  if (interval !== undefined && !watch) throw new BenchError('bad-input', '--interval is for --watch; add it')
  if (!watch) return
  if (out !== undefined) throw new BenchError('bad-input', '--watch prints again and again; leave out --out')
  if (format !== 'text' && format !== 'json') {
    throw new BenchError('bad-input', `--watch prints text, or with --json a line for each look; leave out --format`)
  }
}

/**
 * Returns a function that reads the present states of all runs of an experiment, including those not yet begun. The
 * experiment is given by an experiment file or by flags.
 */
async function plannedRuns(
  [path, ...rest]: readonly string[],
  flags: StatusFlags,
  readers: LiveProgressReaders,
): Promise<() => Promise<readonly StoredRun[]>> {
  if (rest.length > 0) {
    throw new BenchError(
      'bad-input',
      `an experiment file must be the only argument; leave out the other ${pluralize(rest.length, 'argument')}`,
    )
  }
  const [{ builtins }, { resolveExperiment }, { jobsToRead }, { queuedJobs }] = await Promise.all([
    import('../../builtins.ts'),
    import('../resolveExperiment.ts'),
    import('../../runner/plan/plan.ts'),
    import('../../runner/slurm/arrays.ts'),
  ])
  const { experiment, registered, file } = await resolveExperiment(builtins, flags, path)
  const store = new Store(flags.store ?? file.store)
  const { reusable } = await import('../../report/committed/reuse.ts')
  const sources = flags.reuse === undefined ? [] : await readReused(flags.reuse, flags)
  const known = new Set(sources.flatMap(({ runs }) => runs.map(({ manifest }) => manifest.id)))
  for (const id of queuedJobs(store).keys()) known.add(id)
  const isThere = (id: string) => known.has(id) || store.run(id).exists()
  const jobs = await jobsToRead(experiment, registered, { isThere, report: printAsideLine })
  const elsewhere = new Map(sources.flatMap((source) => [...reusable(jobs, source)]))
  return async () =>
    storeStatus(store, jobs, readers.of(store)).map((run) => {
      const record = run.state === 'finished' ? undefined : elsewhere.get(run.id)
      return record === undefined ? { ...run, store } : statusOfRecord(record)
    })
}

/** Flags of `bench status` that describe an experiment and cannot select among stored runs. */
const EXPERIMENT_FLAGS = [
  'seeds',
  'runs',
  'budget',
  'option',
  'earlyStop',
  'select',
  'probe',
  'evaluate',
  'backend',
  'executor',
  'fastMath',
  'metric',
  'reuse',
] as const

/** Returns the states of those runs in stores and reports that the flags, such as `--algo`, select. */
async function storedRuns(
  items: readonly string[],
  flags: StatusFlags,
  readers: LiveProgressReaders,
): Promise<readonly StoredRun[]> {
  const idle = EXPERIMENT_FLAGS.find((flag) => flags[flag] !== undefined)
  if (idle !== undefined) {
    throw new BenchError('bad-input', `${typedOption(idle)} describes an experiment; add --algo or the experiment file`)
  }
  const places = selectedPlaces(items, flags.store)
  const found = (await Promise.all(places.map((place) => statusAt(place, flags, readers)))).flat()
  const runs = [...new Map(found.map((run) => [run.id, run])).values()]
  return narrow(runs, ({ job }) => job, flags)
}

async function statusAt(place: Place, flags: StatusFlags, readers: LiveProgressReaders): Promise<readonly StoredRun[]> {
  const at = (store: Store, planned?: Parameters<typeof storeStatus>[1]) =>
    storeStatus(store, planned, readers.of(store)).map((run) => ({ ...run, store }))
  if (place.kind === 'store') return at(place.store)
  if (place.kind === 'run') {
    const { id, path } = place.run
    return at(new Store(dirname(path)), [{ id, job: place.run.manifest().job }])
  }
  return (await recordsAt(place, flags, readRuns)).map(statusOfRecord)
}

/**
 * Returns the state of a run that was read from a report folder; such a run is finished, failed or interrupted, never
 * running.
 */
function statusOfRecord({ manifest: { id, job }, epochs, result, failure }: RunRecord): RunStatus {
  const known = { id, job, epochs: result?.epochs ?? epochs.length, ...trainingOf(job, result?.trainings?.length) }
  if (result !== undefined) return { ...known, state: 'finished' }
  if (failure === undefined) return { ...known, state: 'interrupted' }
  return { ...known, state: 'failed', failure: failure.message }
}
