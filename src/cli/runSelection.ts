/**
 * Selects the runs that a command reads: from stores, run folders, report folders, experiment files or run ids,
 * narrowed by flags such as `--algo`. Also returns search spaces and names of reference algorithms, including those of
 * the plugins that the command names.
 */
import { lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { BenchError } from '../core/errors.ts'
import { isFileName, unknownName } from '../core/names.ts'
import { benchCommand, pluralize } from '../core/plainText.ts'
import type { Registry } from '../core/plugin.ts'
import type { Job } from '../core/result.ts'
import type { ReportRecipe } from '../report/committed/records.ts'
import type { Source } from '../report/committed/reportFolder.ts'
import type { ReusedSource } from '../report/committed/reuse.ts'
import type { Claims } from '../report/comparison/claims.ts'
import type { ExperimentRuns } from '../report/kit/ledger.ts'
import type { PlannedRuns } from '../report/plannedRuns.ts'
import { type RunRecord, readRun, readRuns, type WholeRun } from '../report/runRecord.ts'
import type { ExperimentFile } from '../runner/plan/experimentFile.ts'
import type { Plan, PlannedJob } from '../runner/plan/plan.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import { DEFAULT_STORE, Store } from '../runner/store/store.ts'
import { isThere, namesIfThere, readIfThere, statIfThere } from '../system/readable.ts'
import { commaList, repeated, storeOption } from './options.ts'
import { printAsideLine } from './output.ts'

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
  'stores, run folders, report folders, experiment files (YAML), or run ids; default: --store'

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

/** A source of runs that an argument names: an experiment file, a single run, a report folder or a store. */
export type Place =
  | { readonly kind: 'experiment'; readonly path: string }
  | { readonly kind: 'run'; readonly run: RunFolder }
  | { readonly kind: 'report'; readonly folder: string }
  | { readonly kind: 'store'; readonly store: Store }

/**
 * Returns the sources of runs that a command's argument names: an experiment file, a run, a report or a store by its
 * path, or a run by its id. A folder of reports stands for every report in it.
 *
 * @param store path of the store in which run ids are looked up
 * @throws BenchError `bad-input` for any other file, `unknown-name` for an id that is not in the store
 */
export function placesOf(item: string, store: string | undefined): readonly Place[] {
  if (isExperimentFile(item)) return [{ kind: 'experiment', path: item }]
  const found = item === '' ? undefined : statIfThere(item)
  if (found?.isDirectory()) return placesIn(item)
  if (found !== undefined) {
    const expected = 'expected an experiment file (.yaml), a store, a run folder, a report folder or a run id'
    throw new BenchError('bad-input', `${item} is a file that holds no runs; ${expected}`)
  }
  return [{ kind: 'run', run: runNamed(item, new Store(store)) }]
}

/** Returns whether an argument names an experiment file: its ending is .yaml or .yml. */
export const isExperimentFile = (item: string): boolean => ['.yaml', '.yml'].includes(extname(item))

function placesIn(folder: string): readonly Place[] {
  const path = resolve(folder)
  if (isThere(join(path, RUN))) return [{ kind: 'run', run: new Store(dirname(path)).run(basename(path)) }]
  if (isThere(join(path, REPORT))) return [{ kind: 'report', folder }]
  const reports = (namesIfThere(path) ?? [])
    .filter((name) => !RUN_NAME.test(name) && isThere(join(path, name, REPORT)))
    .sort()
    .map((name): Place => ({ kind: 'report', folder: join(folder, name) }))
  const store = new Store(folder)
  return reports.length > 0 && store.runs().length === 0 ? reports : [{ kind: 'store', store }, ...reports]
}

/**
 * Matches the names of run folders, so that the search for reports in a folder need not open them: a store may have
 * thousands.
 */
const RUN_NAME = /-[0-9a-f]{16}$/

/** Name of the file that marks a folder as a run. */
const RUN = 'run.json'
/** Name of the file that marks a folder as a report. */
const REPORT = 'report.json'

/** Returns the run with that id in a store. @throws BenchError `unknown-name` if the store has none */
function runNamed(id: string, store: Store): RunFolder {
  if (isFileName(id) && store.run(id).exists()) return store.run(id)
  const known = isThere(store.folder) ? store.runs().map((each) => each.id) : []
  throw unknownName(`path or run of ${store.folder}`, id, known)
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
  const places = items.length === 0 ? placesOfStore(flags.store) : named.flatMap((item) => placesOf(item, flags.store))
  const parts = await Promise.all(places.map((place) => partAt(place, flags, read)))
  const found = parts.flatMap(({ runs }) => runs)
  const records = [...new Map(found.map((record) => [record.manifest.id, record])).values()]
  for (const [i, place] of places.entries()) {
    if (place.kind === 'experiment') tellAbsent(place.path, parts[i].jobs ?? [], records)
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

/** Returns the name of a source of runs without its folder: `nb201-laptop`. */
function nameOfPlace(place: Place): string {
  if (place.kind === 'experiment') return basename(place.path, extname(place.path))
  if (place.kind === 'report') return basename(resolve(place.folder))
  return basename(resolve(place.kind === 'run' ? place.run.path : place.store.folder))
}

async function plannedAmong(jobs: readonly PlannedJob[], records: readonly RunRecord[]): Promise<PlannedRuns> {
  const { plannedRuns } = await import('../report/plannedRuns.ts')
  return plannedRuns(jobs, new Set(records.map(({ manifest }) => manifest.id)))
}

/** Returns the sources of runs that `--store` names: a store, which need not exist yet, or a run or report. */
export function placesOfStore(store: string = DEFAULT_STORE): readonly Place[] {
  return isThere(store) ? placesOf(store, undefined) : [{ kind: 'store', store: new Store(store) }]
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

/** The records of a source of runs, and all jobs of an experiment file. */
interface Part<Run> extends Selection<Run> {
  readonly jobs?: readonly PlannedJob[]
}

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
  const { folders, jobs }: RunPlaces =
    place.kind === 'experiment' ? await runsOfExperiment(place.path, flags) : { folders: await foldersAt(place, flags) }
  return {
    runs: read(folders),
    ...(jobs && { jobs }),
    sources: () => folders.filter((run) => run.exists()).flatMap(sourcesOf),
  }
}

/**
 * Returns the folders of the runs that arguments select, before any narrowing by flags; none for reports, since their
 * runs are over.
 */
export async function selectedFolders(items: readonly string[], flags: SelectionFlags): Promise<readonly RunFolder[]> {
  const places = items.length === 0 ? placesOfStore(flags.store) : items.flatMap((item) => placesOf(item, flags.store))
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
  const places = items.length === 0 ? placesOfStore(flags.store) : items.flatMap((item) => placesOf(item, flags.store))
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
}

/** Returns the folders of those runs of an experiment file that were begun, and all its jobs. */
async function runsOfExperiment(path: string, flags: SelectionFlags): Promise<RunPlaces> {
  const [{ builtins }, { resolveExperiment }, { jobsToRead }] = await Promise.all([
    import('../builtins.ts'),
    import('./resolveExperiment.ts'),
    import('../runner/plan/plan.ts'),
  ])
  const { experiment, registered, file } = await resolveExperiment(
    builtins,
    { plugin: flags.plugin, data: flags.data },
    path,
  )
  const store = new Store(flags.store ?? file.store)
  const isThere = (id: string) => store.run(id).exists()
  const jobs = await jobsToRead(experiment, registered, { isThere, report: printAsideLine })
  const begun = jobs.map(({ id }) => store.run(id)).filter((run) => run.exists())
  return { folders: begun, jobs }
}

const toldLines = new Set<string>()

/** Prints how many runs of an experiment file have no record, if some have none. */
function tellAbsent(path: string, jobs: readonly PlannedJob[], records: readonly RunRecord[]): void {
  const begun = new Set(records.map(({ manifest }) => manifest.id))
  const absent = jobs.filter(({ id }) => !begun.has(id)).length
  const told = `${absent} of the ${pluralize(jobs.length, 'run')} of ${path} were never begun; \`${benchCommand('run', path)}\` runs them`
  // A command that watches runs reads them again and again.
  if (absent > 0 && !toldLines.has(told)) printAsideLine(told)
  toldLines.add(told)
}

/**
 * Returns the runs of the reports and stores that `--reuse` names, each with the name that the user typed.
 * @throws BenchError as `placesOf`
 */
export const readReused = (
  names: readonly string[] = [],
  flags: Pick<SelectionFlags, 'plugin'>,
): Promise<readonly ReusedSource[]> =>
  Promise.all(
    names.map(async (name) => {
      const parts = await Promise.all(placesOf(name, undefined).map((place) => recordsAt(place, flags, readWholeRuns)))
      return { name, runs: parts.flat() }
    }),
  )

/**
 * Copies the finished runs of reports and stores that `--reuse` names into the store, as far as they are planned, and
 * prints for each how many.
 */
export async function reuseRuns(
  { jobs }: Pick<Plan, 'jobs'>,
  store: Store,
  flags: Pick<SelectionFlags, 'plugin'> & { readonly reuse?: readonly string[]; readonly quiet?: boolean },
): Promise<void> {
  if (flags.reuse === undefined) return
  const { takeOver } = await import('../report/committed/reuse.ts')
  const lines = takeOver(jobs, store, await readReused(flags.reuse, flags))
  if (!flags.quiet) for (const line of lines) printAsideLine(line)
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
    const wanted = [flags[flag as keyof typeof facets] ?? []].flat()
    if (wanted.length === 0) continue
    const known = [...new Set(left.map((run) => facet(jobOf(run))))]
    const unknown = wanted.find((name) => !known.includes(name))
    if (unknown !== undefined) throw unknownName(`${flag} among these runs`, unknown, known)
    left = left.filter((run) => wanted.includes(facet(jobOf(run))))
  }
  return left
}

type Narrowing = Pick<SelectionFlags, keyof typeof facets>

/** Returns whether a flag narrows the selected runs, such as `--algo`. */
export const isNarrowed = (flags: Narrowing): boolean =>
  Object.keys(facets).some((flag) => flags[flag as keyof typeof facets] !== undefined)

/** Returns whether a job matches all flags that narrow the selected runs. */
const isWanted = (job: Job, flags: Narrowing): boolean =>
  Object.entries(facets).every(([flag, facet]) => {
    const wanted = [flags[flag as keyof typeof facets] ?? []].flat()
    return wanted.length === 0 || wanted.includes(facet(job))
  })

const opened = new Map<string, Promise<Registry>>()

/**
 * Returns the registry of built-in algorithms and search spaces and those of the plugins. It is made once for each list
 * of plugins.
 */
function openRegistry(plugins: readonly string[]): Promise<Registry> {
  const key = plugins.join('\n')
  const registry = opened.get(key) ?? register(plugins)
  opened.set(key, registry)
  return registry
}

async function register(plugins: readonly string[]): Promise<Registry> {
  const [{ builtins }, { registerPlugins }] = await Promise.all([
    import('../builtins.ts'),
    import('../system/plugins.ts'),
  ])
  return (await registerPlugins(builtins, plugins)).registry
}

/** Returns the search space with a name, built in or from a plugin. @throws BenchError `unknown-name` */
export const spaceOf = async (name: string, plugins: readonly string[]) => (await openRegistry(plugins)).space(name)

/**
 * Returns the claims with which a command compares its runs: those in the file that `--claims` names, else those of the
 * only experiment file or report among the command's arguments, if it has some.
 * @throws BenchError as `readClaims`
 */
export async function claimsFor(
  items: readonly string[],
  { claims: named, plugin = [] }: { readonly claims?: string | boolean; readonly plugin?: readonly string[] },
): Promise<Claims | undefined> {
  const [experiment, ...others] = items.filter(isExperimentFile)
  const path = typeof named === 'string' ? named : others.length > 0 ? undefined : await claimsOfExperiment(experiment)
  if (path === undefined) return (await recipeOf(items))?.claims
  const [{ readClaims }, { algorithms }] = await Promise.all([
    import('../report/comparison/claims.ts'),
    openRegistry(plugin),
  ])
  return readClaims(
    path,
    algorithms.map(({ name }) => name),
  )
}

/** Returns the settings of the report that a command's only argument names; undefined if it names something else. */
export async function recipeOf(items: readonly string[]): Promise<ReportRecipe | undefined> {
  const path = items.length === 1 ? join(items[0], REPORT) : undefined
  const text = path === undefined ? undefined : readIfThere(path)?.toString('utf8')
  if (path === undefined || text === undefined) return undefined
  const { parseRecipe } = await import('../report/committed/records.ts')
  return parseRecipe(text, path)
}

async function claimsOfExperiment(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : (await readExperiment(path)).claims
}

async function readExperiment(path: string): Promise<ExperimentFile> {
  const [{ experimentPath }, { readExperimentFile }] = await Promise.all([
    import('./resolveExperiment.ts'),
    import('../runner/plan/experimentFile.ts'),
  ])
  return readExperimentFile(experimentPath(path))
}

/**
 * Returns the names of the reference algorithms, which answer with a fixed architecture, such as the table's best, and
 * do not search.
 */
export async function referenceNames(plugins: readonly string[]): Promise<ReadonlySet<string>> {
  const { algorithms } = await openRegistry(plugins)
  return new Set(algorithms.filter(({ kind }) => kind === 'reference').map(({ name }) => name))
}
