/**
 * Selects the runs that a command reads: from stores, run folders, report folders, experiment files or run ids,
 * narrowed by flags such as `--algo`.
 */
import { lstatSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { onceEach } from '../core/onceEach.ts'
import { benchCommand, pluralize } from '../core/plainText.ts'
import type { Job } from '../core/result.ts'
import type { Source } from '../report/committed/reportFolder.ts'
import type { ExperimentRuns } from '../report/kit/ledger.ts'
import type { PlannedRuns } from '../report/plannedRuns.ts'
import { type RunRecord, readRun, readRuns, type WholeRun } from '../report/runRecord.ts'
import type { PlannedJob } from '../runner/plan/plan.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import { DEFAULT_STORE, Store } from '../runner/store/store.ts'
import type { Registered } from '../system/plugins.ts'
import { commaList, placeOptions, repeated, storeOption } from './options.ts'
import { printAsideLine } from './output.ts'
import { nameOfPlace, type Place, selectedPlaces } from './places.ts'
import { spaceOf } from './pluginRegistry.ts'
import { readExperiment } from './reportSettings.ts'

/** The parsed command-line flags that select runs. */
export interface SelectionFlags {
  readonly store?: string
  readonly algo?: readonly string[]
  readonly dataset?: readonly string[]
  readonly space?: string
  readonly protocol?: string
  readonly table?: string
  readonly plugin?: readonly string[]
  readonly data?: readonly string[]
}

/** Help text for the arguments of commands that read runs, such as `bench table`. */
export const SELECTION_HELP =
  'stores, run folders, report folders, experiment files (YAML), or run ids (a beginning is enough); default: --store'

/** Adds the flags that select runs, such as `--algo`, to a command. */
export function addSelectionFlags(command: Command): Command {
  return command
    .addOption(storeOption())
    .option('--algo <names>', 'only these algorithms', commaList)
    .option('--dataset <names>', 'only searches on these datasets', commaList)
    .option('--space <name>', 'only runs on this space')
    .option('--protocol <name>', 'only runs under this protocol')
    .option('--table <name>', 'only runs looked up in this table')
    .option('--plugin <file>', 'a plugin with spaces or algorithms of these runs', repeated)
    .option('--data <dir>', 'folder of the images, as in the experiment file', repeated)
}

/** Type of a function that returns the records of runs, read from their folders. Folders that hold no run are left out. */
type Reader<Run extends RunRecord> = (folders: readonly RunFolder[]) => readonly Run[]

/** Returns the complete records of runs, with all epochs and all evaluations of black-box searches. */
export const readWholeRuns: Reader<WholeRun> = (folders) => folders.filter((run) => run.exists()).map(readRun)

/**
 * Returns the records of the selected runs, without details that tables and figures do not need. Each run occurs once,
 * in the order of the experiment file, else sorted by id.
 * @throws BenchError `missing` if there are none
 */
export const selectRuns = async (items: readonly string[], flags: SelectionFlags): Promise<readonly RunRecord[]> =>
  (await selectRunsInParts(items, flags)).runs

/** Returns the runs as `selectRuns`, also those of each argument. */
export const selectRunsInParts = (
  items: readonly string[],
  flags: SelectionFlags,
): Promise<SelectionInParts<RunRecord>> => readSelection(items, flags, readRuns)

/** Returns the complete records of the selected runs, and the stores and reports that they come from. */
export const selectWholeRuns = (
  items: readonly string[],
  flags: SelectionFlags,
): Promise<SelectionInParts<RunRecord>> => readSelection(items, flags, readWholeRuns)

interface Selection<Run> {
  readonly runs: readonly Run[]
  /** The planned runs of the selected experiment files; absent if no experiment file was named. */
  readonly planned?: PlannedRuns
  /**
   * Returns the stores and reports that the selected runs were read from, each once. Resolves symbolic links of run
   * folders.
   */
  sources(): readonly Source[]
}

/** The selected runs, with those of each argument of the command. */
interface SelectionInParts<Run> extends Selection<Run> {
  /** The arguments that hold selected runs, each with their ids: one for each report in a folder of reports. */
  readonly parts: readonly ExperimentRuns[]
}

async function readSelection<Run extends RunRecord>(
  items: readonly string[],
  flags: SelectionFlags,
  read: Reader<Run>,
): Promise<SelectionInParts<Run | RunRecord>> {
  const named = items.length === 0 ? [flags.store ?? DEFAULT_STORE] : items
  const places = selectedPlaces(items, flags.store)
  const parts = await Promise.all(places.map((place) => partAt(place, flags, read)))
  const found = parts.flatMap(({ runs }) => runs)
  const records = [...new Map(found.map((record) => [record.manifest.id, record])).values()]
  for (const [i, place] of places.entries()) {
    if (place.kind !== 'experiment') continue
    const words = [place.path, ...(parts[i].changes ?? [])]
    tellAbsent({ words, options: placeOptions(flags) }, parts[i].jobs ?? [], records)
  }
  if (records.length === 0) {
    throw new BenchError(
      'missing',
      `there are no runs in ${named.join(', ')}; \`bench run --algo drnas\` makes some, --store names another store`,
    )
  }
  const runs = narrow(records, ({ manifest }) => manifest.job, flags)
  const sources = () => parts.flatMap((part) => part.sources())
  const jobs = new Map(parts.flatMap((part) => part.jobs ?? []).map((planned) => [planned.id, planned]))
  const wanted = [...jobs.values()].filter(({ job }) => isWanted(job, flags))
  const planned = wanted.length === 0 ? undefined : await plannedAmong(wanted, records)
  const selected = new Set(runs.map(({ manifest }) => manifest.id))
  const ofParts = parts.flatMap((part, i) => {
    const ids = part.runs.flatMap(({ manifest: { id } }) => (selected.has(id) ? [id] : []))
    // A run that is named by its id is no experiment of its own.
    return ids.length === 0 || places[i].kind === 'run' ? [] : [{ name: nameOfPlace(places[i]), runs: ids }]
  })
  return {
    runs,
    ...(planned && { planned }),
    parts: ofParts,
    sources: () => [...new Map(sources().map((source) => [source.folder, source])).values()],
  }
}

async function plannedAmong(jobs: readonly PlannedJob[], records: readonly RunRecord[]): Promise<PlannedRuns> {
  const { plannedRuns } = await import('../report/plannedRuns.ts')
  return plannedRuns(jobs, new Set(records.map(({ manifest }) => manifest.id)))
}

/**
 * Returns the records of all runs of a source, such as a store. `read` reads them from run folders; the runs of a
 * report are always read completely.
 */
export const recordsAt = async <Run extends RunRecord>(
  place: Place,
  flags: SelectionFlags,
  read: Reader<Run>,
): Promise<readonly (Run | RunRecord)[]> => (await partAt(place, flags, read)).runs

/** The records of a source of runs; of an experiment file also all its jobs, and the flags that changed them. */
interface Part<Run> extends Selection<Run>, Pick<RunPlaces, 'jobs' | 'changes'> {}

async function partAt<Run extends RunRecord>(
  place: Place,
  flags: SelectionFlags,
  read: Reader<Run>,
): Promise<Part<Run | RunRecord>> {
  if (place.kind === 'report') {
    const { readReport } = await import('../report/committed/records.ts')
    const { runs } = await readReport(place.folder, (name) => spaceOf(name, flags.plugin ?? []))
    return { runs, sources: () => [{ kind: 'report', folder: place.folder }] }
  }
  const { folders, jobs, changes }: RunPlaces =
    place.kind === 'experiment' ? await runsOfExperiment(place.path, flags) : { folders: await foldersAt(place, flags) }
  return {
    runs: read(folders),
    ...(jobs && { jobs }),
    ...(changes && { changes }),
    sources: () => folders.filter((run) => run.exists()).flatMap(sourcesOf),
  }
}

/**
 * Returns the folders of the runs that arguments select, before any narrowing by flags; none for reports, since their
 * runs are over.
 */
export async function selectedFolders(items: readonly string[], flags: SelectionFlags): Promise<readonly RunFolder[]> {
  const places = selectedPlaces(items, flags.store)
  const folders = places.map((place) => (place.kind === 'report' ? [] : foldersAt(place, flags)))
  return (await Promise.all(folders)).flat().filter((run) => run.exists())
}

/** Returns the folders of runs at a place; of a store, everything in it that may be the folder of a run. */
async function foldersAt(
  place: Exclude<Place, { kind: 'report' }>,
  flags: SelectionFlags,
): Promise<readonly RunFolder[]> {
  if (place.kind === 'experiment') return (await runsOfExperiment(place.path, flags)).folders
  return place.kind === 'run' ? [place.run] : place.store.folders()
}

/** Returns the stores that arguments name, in which further runs may begin. */
export async function selectedStores(items: readonly string[], flags: SelectionFlags): Promise<readonly Store[]> {
  const places = selectedPlaces(items, flags.store)
  const stores = places.map(async (place) => {
    if (place.kind === 'experiment') return [new Store(flags.store ?? (await readExperiment(place.path)).store)]
    return place.kind === 'store' ? [place.store] : []
  })
  return (await Promise.all(stores)).flat()
}

/**
 * Returns the store of a run. If the run's folder is a symbolic link, returns also the store that the link leads to.
 */
function sourcesOf({ path }: RunFolder): Source[] {
  const store: Source = { kind: 'store', folder: dirname(path) }
  const isLink = lstatSync(path).isSymbolicLink()
  return isLink ? [store, { kind: 'store', folder: dirname(realpathSync(path)) }] : [store]
}

/** The folders of runs that were begun, and all jobs of the experiment file that planned them, if one did. */
interface RunPlaces {
  readonly folders: readonly RunFolder[]
  readonly jobs?: readonly PlannedJob[]
  /** The flags, with their values, that changed the settings of the experiment file; absent: none. */
  readonly changes?: readonly string[]
}

/** The selection flags that change an experiment file for `bench run`, too, where they name what the file does not. */
const CHANGES = ['algo', 'space', 'dataset', 'protocol', 'table'] as const

/**
 * Returns the folders of those runs of an experiment file that were begun, and all its jobs. A flag such as `--space`
 * that names something that the file does not have changes the experiment, as for `bench run`.
 */
async function runsOfExperiment(path: string, flags: SelectionFlags): Promise<RunPlaces> {
  const { registry, ...asWritten } = await plannedRunsOf(path, flags, {})
  // Other names may be those of imported runs in another place, which no experiment file can have.
  const isAlgorithm = (name: string) => registry.algorithms.some((algorithm) => algorithm.name === name)
  const algo = flags.algo?.filter(isAlgorithm)
  const asked = { ...flags, algo }
  const isForeign = (flag: (typeof CHANGES)[number]) =>
    wantedNames(asked, flag).some((name) => !asWritten.jobs.some(({ job }) => facets[flag](job) === name))
  const changed = CHANGES.filter(isForeign)
  if (changed.length === 0) return asWritten
  const changes = Object.fromEntries(changed.map((flag) => [flag, asked[flag]]))
  const words = changed.flatMap((flag) => [`--${flag}`, wantedNames(asked, flag).join(',')])
  const { folders, jobs } = await plannedRunsOf(path, flags, changes)
  return { folders, jobs, changes: words }
}

/** Changes some settings of an experiment file. Returns the jobs that it then plans, and the run folders that exist. */
async function plannedRunsOf(path: string, flags: SelectionFlags, changes: Changes) {
  const plans = plansFor(flags)
  const key = JSON.stringify([path, changes])
  const plan = plans.get(key) ?? (await planOf(path, flags, changes))
  const { store, jobs, registry } = plan
  const begun = jobs.map(({ id }) => store.run(id)).filter((run) => run.exists())
  // Before the first run exists, it is not known on which backend the runs will be.
  if (begun.length > 0) plans.set(key, plan)
  return { folders: begun, jobs, registry }
}

type Changes = Pick<SelectionFlags, (typeof CHANGES)[number]>

/** The jobs that an experiment file plans, the store of their runs, and what is registered for them. */
interface PlannedFile {
  readonly store: Store
  readonly jobs: readonly PlannedJob[]
  readonly registry: Registered['registry']
}

/** Returns the plans made so far for one call of a command, whose flags these are: it may read its runs many times. */
const plansFor = onceEach((_: SelectionFlags): Map<string, PlannedFile> => new Map())

async function planOf(path: string, flags: SelectionFlags, changes: Changes): Promise<PlannedFile> {
  const [{ builtins }, { resolveExperiment }, { jobsToRead }] = await Promise.all([
    import('../builtins.ts'),
    import('./resolveExperiment.ts'),
    import('../runner/plan/plan.ts'),
  ])
  const { experiment, registered, file } = await resolveExperiment(
    builtins,
    { plugin: flags.plugin, data: flags.data, ...changes },
    path,
  )
  const store = new Store(flags.store ?? file.store)
  const jobs = await jobsToRead(experiment, registered, {
    isThere: (id) => store.run(id).exists(),
    report: printAsideLine,
  })
  return { store, jobs, registry: registered.registry }
}

const toldLines = new Set<string>()

/** The words of a command that name an experiment file. */
interface ExperimentWords {
  /** Path of the file, and the flags that changed its settings. */
  readonly words: readonly string[]
  /** The flags that tell where its runs, images and plugins are. */
  readonly options: readonly string[]
}

/** Prints how many runs of an experiment file have no record, if some have none. */
function tellAbsent(
  { words, options }: ExperimentWords,
  jobs: readonly PlannedJob[],
  records: readonly RunRecord[],
): void {
  const begun = new Set(records.map(({ manifest }) => manifest.id))
  const absent = jobs.filter(({ id }) => !begun.has(id)).length
  const told = `${absent} of the ${pluralize(jobs.length, 'run')} of ${words.join(' ')} were never begun; \`${benchCommand('run', ...words, ...options)}\` runs them`
  // A command that watches runs reads them again and again.
  if (absent > 0 && !toldLines.has(told)) printAsideLine(told)
  toldLines.add(told)
}

/**
 * For each selection flag, such as `--algo`, the function that returns the name in a run's job with which the flag's
 * value is compared.
 */
const facets = {
  algo: (job: Job) => job.algorithm.name,
  dataset: (job: Job) => job.dataset.name,
  space: (job: Job) => job.space,
  protocol: (job: Job) => job.protocol.name,
  table: (job: Job) => job.table?.name ?? 'none',
} as const

/**
 * Returns the runs that match all selection flags. @throws BenchError `unknown-name` if no run matches a flag's value
 */
export function narrow<Run>(runs: readonly Run[], jobOf: (run: Run) => Job, flags: Narrowing): readonly Run[] {
  let left = runs
  for (const [flag, facet] of Object.entries(facets)) {
    const wanted = wantedNames(flags, flag)
    if (wanted.length === 0) continue
    const known = [...new Set(left.map((run) => facet(jobOf(run))))]
    const unknown = wanted.find((name) => !known.includes(name))
    if (unknown !== undefined) throw unknownName(`${flag} among these runs`, unknown, known)
    left = left.filter((run) => wanted.includes(facet(jobOf(run))))
  }
  return left
}

type Narrowing = Pick<SelectionFlags, keyof typeof facets>

/** Returns the values of a flag that narrows the selected runs; none if it is absent. */
const wantedNames = (flags: Narrowing, flag: string): readonly string[] =>
  [flags[flag as keyof typeof facets] ?? []].flat()

/** Returns whether a flag narrows the selected runs, such as `--algo`. */
export const isNarrowed = (flags: Narrowing): boolean =>
  Object.keys(facets).some((flag) => wantedNames(flags, flag).length > 0)

/** Returns whether a job matches all flags that narrow the selected runs. */
const isWanted = (job: Job, flags: Narrowing): boolean =>
  Object.entries(facets).every(([flag, facet]) => {
    const wanted = wantedNames(flags, flag)
    return wanted.length === 0 || wanted.includes(facet(job))
  })
