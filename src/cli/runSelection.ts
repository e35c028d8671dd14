/** Which runs a command is about: those of a store, of an experiment, or named ones; narrowed by flags. */
import { lstatSync, realpathSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { BenchError } from '../core/errors.ts'
import { isFileName, unknownName } from '../core/names.ts'
import { benchCommand, pluralize } from '../core/plainText.ts'
import type { Registry } from '../core/plugin.ts'
import type { Job } from '../core/result.ts'
import type { Source } from '../report/committed/reportFolder.ts'
import { type RunRecord, readRun, readRuns, type WholeRun } from '../report/runRecord.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import { DEFAULT_STORE, Store } from '../runner/store/store.ts'
import { isThere, listIfThere, statIfThere } from '../system/readable.ts'
import { commaList, repeated, storeOption } from './options.ts'
import { printAsideLine } from './output.ts'

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

export const SELECTION_HELP =
  'stores, run folders, report folders, experiment files (YAML), or ids of runs; default: --store'

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

/** Where runs are, as a user names it. */
export type Place =
  | { readonly kind: 'experiment'; readonly path: string }
  | { readonly kind: 'run'; readonly run: RunFolder }
  | { readonly kind: 'report'; readonly folder: string }
  | { readonly kind: 'store'; readonly store: Store }

/**
 * Returns what an argument names: an experiment file, a run, a report or a store by its path, or a run by its id. A
 * folder of
 * reports names every report in it.
 *
 * @param store the store in which ids are looked up
 * @throws BenchError `bad-input` for any other file, `unknown-name` for an id that the store does not have
 */
export function placesOf(item: string, store: string | undefined): readonly Place[] {
  if (isExperimentFile(item)) return [{ kind: 'experiment', path: item }]
  const found = item === '' ? undefined : statIfThere(item)
  if (found?.isDirectory()) return placesIn(item)
  if (found !== undefined) {
    const expected = 'expected an experiment file (.yaml), a store, a run folder, a report folder or the id of a run'
    throw new BenchError('bad-input', `${item} is a file that holds no runs; ${expected}`)
  }
  return [{ kind: 'run', run: runNamed(item, new Store(store)) }]
}

export const isExperimentFile = (item: string): boolean => ['.yaml', '.yml'].includes(extname(item))

function placesIn(folder: string): readonly Place[] {
  const path = resolve(folder)
  if (isThere(join(path, RUN))) return [{ kind: 'run', run: new Store(dirname(path)).run(basename(path)) }]
  if (isThere(join(path, REPORT))) return [{ kind: 'report', folder }]
  const reports = (listIfThere(path) ?? [])
    .map(({ name }) => name)
    .sort()
    .filter((name) => !IS_RUN.test(name) && isThere(join(path, name, REPORT)))
    .map((name): Place => ({ kind: 'report', folder: join(folder, name) }))
  const store = new Store(folder)
  return reports.length > 0 && store.runs().length === 0 ? reports : [{ kind: 'store', store }, ...reports]
}

/** Names of runs, of which a store may have thousands. */
const IS_RUN = /-[0-9a-f]{16}$/

/** Files that tell what a folder is. */
const RUN = 'run.json'
const REPORT = 'report.json'

function runNamed(id: string, store: Store): RunFolder {
  if (isFileName(id) && store.run(id).exists()) return store.run(id)
  const known = isThere(store.folder) ? store.runs().map((each) => each.id) : []
  throw unknownName(`path or run of ${store.folder}`, id, known)
}

/** How runs are read from their folders. */
type Reader<Run extends RunRecord> = (folders: readonly RunFolder[]) => readonly Run[]

/** All that the files of runs say. */
export const readWholeRuns: Reader<WholeRun> = (folders) => folders.map(readRun)

/**
 * What tables and figures show of the selected runs: in the experiment's order, else by id; each once.
 * @throws BenchError `missing` where nothing is left, naming what the store has
 */
export const selectRuns = async (items: readonly string[], flags: SelectionFlags): Promise<readonly RunRecord[]> =>
  (await selected(items, flags, readRuns)).runs

/** The same runs with all that their files say, and the folders that they come from. */
export const selectWholeRuns = (items: readonly string[], flags: SelectionFlags): Promise<Selection<WholeRun>> =>
  selected(items, flags, readWholeRuns)

interface Selection<Run> {
  readonly runs: readonly Run[]
  /** Each once. */
  readonly sources: readonly Source[]
}

async function selected<Run extends RunRecord>(
  items: readonly string[],
  flags: SelectionFlags,
  read: Reader<Run>,
): Promise<Selection<Run | WholeRun>> {
  const named = items.length === 0 ? [flags.store ?? DEFAULT_STORE] : items
  const places = items.length === 0 ? placesOfStore(flags.store) : named.flatMap((item) => placesOf(item, flags.store))
  const parts = await Promise.all(places.map((place) => partAt(place, flags, read)))
  const found = parts.flatMap(({ runs }) => runs)
  const records = [...new Map(found.map((record) => [record.manifest.id, record])).values()]
  if (records.length === 0) {
    throw new BenchError(
      'missing',
      `there are no runs in ${named.join(', ')}; \`bench run --algo drnas\` makes some, --store names another store`,
    )
  }
  const sources = parts.flatMap((part) => part.sources)
  const runs = narrowed(records, ({ manifest }) => manifest.job, flags)
  return { runs, sources: [...new Map(sources.map((source) => [source.folder, source])).values()] }
}

/** What `--store` names: a store, though there may be none yet, or a run or a report. */
export function placesOfStore(store: string = DEFAULT_STORE): readonly Place[] {
  return isThere(store) ? placesOf(store, undefined) : [{ kind: 'store', store: new Store(store) }]
}

/** Every run of a place, read; those of a report always with all that is kept of them. */
export const recordsAt = async <Run extends RunRecord>(
  place: Place,
  flags: SelectionFlags,
  read: Reader<Run>,
): Promise<readonly (Run | WholeRun)[]> => (await partAt(place, flags, read)).runs

async function partAt<Run extends RunRecord>(
  place: Place,
  flags: SelectionFlags,
  read: Reader<Run>,
): Promise<Selection<Run | WholeRun>> {
  if (place.kind === 'report') {
    const { readReport } = await import('../report/committed/records.ts')
    const { runs } = await readReport(place.folder, (name) => spaceOf(name, flags.plugin ?? []))
    return { runs, sources: [{ kind: 'report', folder: place.folder }] }
  }
  const folders = await foldersAt(place, flags)
  return { runs: read(folders), sources: folders.flatMap(sourcesOf) }
}

async function foldersAt(
  place: Exclude<Place, { kind: 'report' }>,
  flags: SelectionFlags,
): Promise<readonly RunFolder[]> {
  if (place.kind === 'experiment') return runsOfExperiment(place.path, flags)
  return place.kind === 'run' ? [place.run] : place.store.runs()
}

/** The store of a run, and where the run itself lies if its folder is a link. */
function sourcesOf({ path }: RunFolder): Source[] {
  const store: Source = { kind: 'store', folder: dirname(path) }
  const isLink = lstatSync(path).isSymbolicLink()
  return isLink ? [store, { kind: 'store', folder: dirname(realpathSync(path)) }] : [store]
}

/** Runs that were begun; of the others it is said how many there are. */
async function runsOfExperiment(path: string, flags: SelectionFlags): Promise<readonly RunFolder[]> {
  const [{ builtins }, { resolveExperiment }, { makePlan }] = await Promise.all([
    import('../builtins.ts'),
    import('./experimentFlags.ts'),
    import('../runner/plan/plan.ts'),
  ])
  const { experiment, registered, file } = await resolveExperiment(
    builtins,
    { plugin: flags.plugin, data: flags.data },
    path,
  )
  const { jobs } = await makePlan(experiment, registered, printAsideLine)
  const store = new Store(flags.store ?? file.store)
  const begun = jobs.map(({ id }) => store.run(id)).filter((run) => run.exists())
  const absent = jobs.length - begun.length
  if (absent > 0)
    printAsideLine(
      `${absent} of the ${pluralize(jobs.length, 'run')} of ${path} were never begun; \`${benchCommand('run', path)}\` makes them`,
    )
  return begun
}

const facets = {
  algo: (job: Job) => job.algorithm.name,
  dataset: (job: Job) => job.dataset.name,
  space: (job: Job) => job.space,
  protocol: (job: Job) => job.protocol.name,
  table: (job: Job) => job.table?.name ?? 'none',
} as const

/**
 * Those whose job is what the flags name. @throws BenchError `unknown-name` where no run is left, naming what there is
 */
export function narrowed<Run>(
  runs: readonly Run[],
  jobOf: (run: Run) => Job,
  flags: Pick<SelectionFlags, keyof typeof facets>,
): readonly Run[] {
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

const opened = new Map<string, Promise<Registry>>()

/** Once for each list of plugins. */
function registered(plugins: readonly string[]): Promise<Registry> {
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

/** @throws BenchError `unknown-name` */
export const spaceOf = async (name: string, plugins: readonly string[]) => (await registered(plugins)).space(name)

/** The algorithms that answer with a fixed architecture, such as the optimum. */
export async function referenceNames(plugins: readonly string[]): Promise<ReadonlySet<string>> {
  const { algorithms } = await registered(plugins)
  return new Set(algorithms.filter(({ kind }) => kind === 'reference').map(({ name }) => name))
}
