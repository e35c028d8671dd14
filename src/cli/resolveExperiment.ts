/** Combines the command-line flags that describe an experiment with the settings of an experiment file. */
import { existsSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Algorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { requireOnce } from '../core/names.ts'
import type { Plugin } from '../core/plugin.ts'
import { parseEvaluate } from '../retrain/settings.ts'
import { distributeOptions, optionNames } from '../runner/plan/algorithmOptions.ts'
import { type AlgorithmRequest, DEFAULTS, type Experiment, parseSeeds } from '../runner/plan/experiment.ts'
import type { ExperimentFile } from '../runner/plan/experimentFile.ts'
import { isPluginFile, type Registered, registerPlugins } from '../system/plugins.ts'
import type { ExperimentFlags } from './experimentFlags.ts'
import { printAsideLine } from './output.ts'

/** An experiment as flags and file describe it, together with the algorithms and search spaces of its plugins. */
export interface ResolvedExperiment {
  readonly experiment: Experiment
  readonly registered: Registered
  /** Content of the experiment file, which may also name the store and the number of processes. */
  readonly file: ExperimentFile
}

/**
 * Returns the path of an experiment file. If the user's path does not exist, it is the file of that name that comes
 * with the package, and a message says so.
 */
export function experimentPath(path: string): string {
  const own = fileURLToPath(new URL(`../../configs/${basename(path)}`, import.meta.url))
  if (existsSync(path) || !['.', 'configs'].includes(dirname(path)) || !existsSync(own)) return path
  printAsideLine(`there is no ${path} here; using the package’s own file ${own}`)
  return own
}

/** Throws if the argument for an experiment file is the name of an algorithm. @throws BenchError `bad-input` */
function refuseAlgorithm(path: string, { algorithms = [] }: Plugin): void {
  if (existsSync(path) || !algorithms.some(({ name }) => name === path)) return
  throw new BenchError('bad-input', `${path} is an algorithm and no experiment file; write --algo ${path}`)
}

/**
 * Returns the experiment that flags and an experiment file describe together. Flags win over the file, the file over
 * the defaults. `--algo` selects entries of the file; `--data`, `--budget` by dataset and `--plugin` add to the file's.
 * @throws BenchError if a flag or the file is invalid
 */
export async function resolveExperiment(
  builtins: Plugin,
  flags: ExperimentFlags,
  path: string | undefined,
): Promise<ResolvedExperiment> {
  if (path !== undefined) refuseAlgorithm(path, builtins)
  const file: ExperimentFile =
    path === undefined
      ? { experiment: {} }
      : (await import('../runner/plan/experimentFile.ts')).readExperimentFile(experimentPath(path))
  const written = file.experiment
  const base = { ...DEFAULTS, ...written }
  const given = { ...base, ...settingsOf(flags, base) }
  const ofFile = requestsOf(written, flags)
  // A plugin of the file may be broken here, and is loaded only if the algorithms may be in it.
  const isBuiltin = (name: string) => builtins.algorithms?.some((algorithm) => algorithm.name === name)
  const needsFile = flags.algo?.some((name) => !isPluginFile(name) && !isBuiltin(name)) ?? true
  const named = [...(needsFile ? ofFile.map(({ name }) => name) : []), ...(flags.algo ?? [])].filter(isPluginFile)
  const plugins = withoutRepetitions([...given.plugins, ...named])
  const registered = await registerPlugins(builtins, plugins)
  const inFile = ofFile.flatMap((request) => algorithmsIn(request, registered))
  const requests = flags.algo?.flatMap((name) => requestsNamed(name, inFile, registered)) ?? inFile
  if (requests.length === 0) {
    throw new BenchError(
      'bad-input',
      'no algorithm is named; add --algo drnas, for example; `bench list algos` lists all',
    )
  }
  return {
    experiment: { ...given, plugins, algorithms: withOptions(requests, flags, registered) },
    registered,
    file,
  }
}

/** Returns sources of plugins without those that name a file again, by whatever path. */
function withoutRepetitions(sources: readonly string[]): readonly string[] {
  const keys = sources.map(pluginKey)
  return sources.filter((_, i) => keys.indexOf(keys[i]) === i)
}

/** Returns what two sources of a plugin have in common if they name the same file or package. */
const pluginKey = (source: string): string => (isPluginFile(source) ? resolve(source) : source)

/**
 * Returns the algorithms that a name after `--algo` stands for: the entries of the experiment file for this algorithm
 * with their settings, or the algorithm with its defaults if the file has none.
 */
function requestsNamed(
  name: string,
  inFile: readonly AlgorithmRequest[],
  registered: Registered,
): readonly AlgorithmRequest[] {
  return algorithmsIn({ name, options: {} }, registered).flatMap((request) => {
    const entries = inFile.filter((entry) => entry.name === request.name)
    return entries.length > 0 ? entries : [request]
  })
}

/**
 * Returns the algorithms that a requested name stands for: the algorithm of that name or, for the path of a plugin or
 * program, all algorithms in it.
 * @throws BenchError `bad-input` if that plugin has no algorithms
 */
function algorithmsIn(request: AlgorithmRequest, { plugins }: Registered): readonly AlgorithmRequest[] {
  const { name: source } = request
  const loaded = isPluginFile(source) && [...plugins.keys()].find((each) => pluginKey(each) === pluginKey(source))
  const plugin = loaded ? plugins.get(loaded) : undefined
  if (plugin === undefined) return [request]
  const { algorithms = [] } = plugin
  if (algorithms.length > 0) return algorithms.map(({ name }) => ({ ...request, name }))
  throw new BenchError('bad-input', `${source} has no algorithms; name it with --plugin, and an algorithm with --algo`)
}

/**
 * Returns the algorithms that an experiment file names. `--protocol` and `--probe` replace the settings that the file
 * gives for single algorithms.
 */
function requestsOf(
  { algorithms = [] }: Partial<Experiment>,
  { protocol, probe }: ExperimentFlags,
): readonly AlgorithmRequest[] {
  const overrides = { ...(protocol !== undefined && { protocol }), ...(probe && { probes: probe }) }
  return algorithms.map((request) => ({ ...request, ...overrides }))
}

/** Returns the experiment settings that the user's flags change. */
function settingsOf(
  flags: ExperimentFlags,
  base: Pick<Experiment, 'datasets' | 'data' | 'budgetSeconds' | 'plugins' | 'executor' | 'retraining'>,
): Partial<Experiment> {
  const seeds = flags.seeds ?? flags.runs
  return {
    ...(flags.space !== undefined && { space: flags.space }),
    ...(flags.dataset && { datasets: flags.dataset }),
    ...(flags.data && { data: { ...base.data, ...foldersOf(flags.data, flags.dataset ?? base.datasets) } }),
    ...(flags.table !== undefined && { table: flags.table }),
    ...(flags.evaluate !== undefined && { retraining: { ...base.retraining, ...parseEvaluate(flags.evaluate) } }),
    ...(flags.protocol !== undefined && { protocol: flags.protocol }),
    ...(flags.metric !== undefined && { metric: flags.metric }),
    ...(seeds !== undefined && { seeds: parseSeeds(seeds) }),
    ...(flags.budget !== undefined && { budgetSeconds: mergedBudget(base.budgetSeconds, flags.budget) }),
    ...(flags.probe && { probes: flags.probe }),
    ...(flags.plugin && { plugins: [...base.plugins, ...flags.plugin] }),
    executor: { ...base.executor, ...pick(flags, ['backend', 'executor', 'fastMath']) },
  }
}

/** Returns the budgets of the file with those by dataset of the flags in their place; a number replaces them all. */
function mergedBudget(
  ofFile: Experiment['budgetSeconds'],
  ofFlags: NonNullable<Experiment['budgetSeconds']>,
): Experiment['budgetSeconds'] {
  return typeof ofFile === 'object' && typeof ofFlags === 'object' ? { ...ofFile, ...ofFlags } : ofFlags
}

const pick = <T extends object, K extends keyof T>(record: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.filter((key) => record[key] !== undefined).map((key) => [key, record[key]])) as Pick<T, K>

/** Returns image folders by dataset name from the values of `--data`: `DIR` for a single dataset, else `name=DIR`. */
function foldersOf(entries: readonly string[], datasets: readonly string[]): Record<string, string> {
  const folders = entries.map((entry): readonly [name: string, folder: string] => {
    const named = datasets.find((name) => entry.startsWith(`${name}=`))
    if (named !== undefined) return [named, entry.slice(named.length + 1)]
    if (datasets.length === 1) return [datasets[0], entry]
    throw new BenchError('bad-input', `--data ${entry}: with several datasets write --data ${datasets[0]}=DIR`)
  })
  requireOnce(
    folders.map(([name]) => name),
    '--data',
  )
  return Object.fromEntries(folders)
}

/** Algorithm options that can also be set by a separate command-line flag, each with this flag. */
const OPTION_FLAGS = { earlyStop: '--early-stop', select: '--select' } as const

const optionLines = ({ option = [], ...flags }: ExperimentFlags): readonly string[] => [
  ...option,
  ...(['earlyStop', 'select'] as const).flatMap((name) =>
    flags[name] === undefined ? [] : [`${name}=${flags[name]}`],
  ),
]

/**
 * Checks that each given flag that sets an option of the algorithms has an effect on at least one algorithm.
 * @throws BenchError `bad-input` if no algorithm has the option
 */
function checkOptionFlags(flags: ExperimentFlags, algorithms: readonly Algorithm[]): void {
  for (const [name, flag] of Object.entries(OPTION_FLAGS)) {
    const value = flags[name as keyof typeof OPTION_FLAGS]
    if (value === undefined || algorithms.some((algorithm) => optionNames(algorithm).includes(name))) continue
    const names = algorithms.map((algorithm) => algorithm.name).join(', ')
    const found = `${flag} ${value} does nothing for ${names}`
    throw new BenchError(
      'bad-input',
      `${found}, which ${algorithms.length > 1 ? 'have' : 'has'} no option ${name}; leave it out, or add an algorithm that has it, as darts-v1`,
    )
  }
}

/**
 * Returns the experiment's algorithms with the options of `--option` added, which win over those in the experiment
 * file.
 */
function withOptions(
  requests: readonly AlgorithmRequest[],
  flags: ExperimentFlags,
  { registry }: Registered,
): readonly AlgorithmRequest[] {
  const algorithms = requests.map(({ name }) => registry.algorithm(name))
  checkOptionFlags(flags, algorithms)
  const typed = distributeOptions(algorithms, optionLines(flags))
  return requests.map((request, i) => ({ ...request, options: { ...request.options, ...typed[i].options } }))
}
