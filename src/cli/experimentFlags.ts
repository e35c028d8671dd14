/**
 * The command-line flags that describe an experiment (`bench run`, `bench status`), and their combination with the
 * settings of an experiment file.
 */

import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import type { Algorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { REPORTED_METRICS, type ReportedMetric } from '../core/metric.ts'
import { requireOnce } from '../core/names.ts'
import type { Plugin } from '../core/plugin.ts'
import { type BackendName, backendNames, type ExecutorOptions } from '../engine/index.ts'
import { parseEvaluate, type RetrainingRequest } from '../retrain/settings.ts'
import { distributeOptions, optionNames } from '../runner/plan/algorithmOptions.ts'
import { type AlgorithmRequest, DEFAULTS, type Experiment, parseSeeds } from '../runner/plan/experiment.ts'
import type { ExperimentFile } from '../runner/plan/experimentFile.ts'
import { isPluginFile, type Registered, registerPlugins } from '../system/plugins.ts'
import { commaList, fastMathOption, oneOf, positiveNumber, repeated, severalTimes } from './options.ts'
import { printAsideLine } from './output.ts'

const EXECUTORS = ['auto', 'static', 'tfjs'] as const

/** The parsed command-line flags that describe an experiment. */
export interface ExperimentFlags {
  readonly algo?: readonly string[]
  readonly space?: string
  readonly dataset?: readonly string[]
  readonly data?: readonly string[]
  readonly table?: string
  readonly evaluate?: RetrainingRequest
  readonly protocol?: string
  readonly metric?: ReportedMetric
  readonly seeds?: string
  readonly runs?: string
  readonly budget?: Experiment['budgetSeconds']
  readonly option?: readonly string[]
  readonly earlyStop?: string
  readonly select?: string
  readonly probe?: readonly string[]
  readonly plugin?: readonly string[]
  readonly backend?: BackendName
  readonly executor?: ExecutorOptions['executor']
  readonly fastMath?: boolean
}

/** Adds the flags that describe an experiment, such as `--algo`, to a command. */
export function addExperimentFlags(command: Command): Command {
  return command
    .option(
      '--algo <names>',
      'algorithms, separated by commas (`bench list algos`); or a program, as ./my_method.py',
      commaList,
    )
    .option('--space <name>', `search space (default: ${DEFAULTS.space})`)
    .option(
      '--dataset <names>',
      `datasets to search on, separated by commas (default: ${DEFAULTS.datasets})`,
      commaList,
    )
    .option('--data <dir>', 'folder of the images; with several datasets name=DIR for each', repeated)
    .option('--table <name>', 'lookup table, by name or path (default: the one with this space and dataset)')
    .option(
      '--evaluate <name>',
      'retrain: train the found architectures in full, as retrain:preset=trial,epochs=2',
      parseEvaluate,
    )
    .option(
      '--protocol <name>',
      `search settings, as micro or micro:epochs=5,batchSize=32 (default: ${DEFAULTS.protocol})`,
    )
    .option(
      '--metric <name>',
      `what validation and full trainings report: ${REPORTED_METRICS.join(', ')} (default: top1)`,
      oneOf('metric', REPORTED_METRICS),
    )
    .option(
      '--seeds <list>',
      '4 means seeds 0 to 3; 0-3,777 the listed ones; "777," (with a comma) the seed 777 (default: 4)',
    )
    .addOption(new Option('--runs <n>', 'another name for --seeds, as black-box papers say').conflicts('seeds'))
    .option('--budget <seconds>', 'simulated seconds of a black-box search; name=seconds for each dataset', budgetEntry)
    .option(
      '--option <key=value>',
      'set an option of the algorithms, or of one by algorithm.key=value (`bench list options`)',
      repeated,
    )
    .option(
      '--early-stop <rule>',
      'eigenvalue, skips or ranks: short for --option earlyStop=RULE, of every search that learns α',
    )
    .option(
      '--select <rule>',
      'perturbation: select the architecture as DARTS-PT, after any search that learns α (--option select=RULE)',
    )
    .option('--probe <name>', 'measurement after epochs, as hessian or hessian:every=2 (`bench list probes`)', repeated)
    .option('--plugin <file>', 'TypeScript or JavaScript file, or package, that brings algorithms or spaces', repeated)
    .option('--backend <name>', `${backendNames.join(', ')} (default: auto)`, oneOf('backend', backendNames))
    .option('--executor <name>', `${EXECUTORS.join(', ')} (default: auto)`, oneOf('executor', EXECUTORS))
    .addOption(fastMathOption())
}

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

/**
 * Returns the experiment that flags and an experiment file describe together. Flags win over the file, the file over
 * the defaults.
 * @throws BenchError if a flag or the file is invalid
 */
export async function resolveExperiment(
  builtins: Plugin,
  flags: ExperimentFlags,
  path: string | undefined,
): Promise<ResolvedExperiment> {
  const file: ExperimentFile =
    path === undefined
      ? { experiment: {} }
      : (await import('../runner/plan/experimentFile.ts')).readExperimentFile(experimentPath(path))
  const written = file.experiment
  const base = { ...DEFAULTS, ...written }
  const given = { ...base, ...settingsOf(flags, base) }
  const named = flags.algo?.map((name): AlgorithmRequest => ({ name, options: {} })) ?? requestsOf(written, flags)
  const sources = named.map(({ name }) => name).filter(isPluginFile)
  const plugins = [...new Set([...given.plugins, ...sources])]
  const registered = await registerPlugins(builtins, plugins)
  const requests = named.flatMap((request) => algorithmsIn(request, registered))
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

/**
 * Returns the algorithms that a requested name stands for: the algorithm of that name or, for the path of a plugin or
 * program, all algorithms in it.
 * @throws BenchError `bad-input` if that plugin has no algorithms
 */
function algorithmsIn(request: AlgorithmRequest, { plugins }: Registered): readonly AlgorithmRequest[] {
  const { name: source } = request
  const plugin = isPluginFile(source) ? plugins.get(source) : undefined
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
  base: Pick<Experiment, 'datasets' | 'executor' | 'retraining'>,
): Partial<Experiment> {
  const seeds = flags.seeds ?? flags.runs
  return {
    ...(flags.space !== undefined && { space: flags.space }),
    ...(flags.dataset && { datasets: flags.dataset }),
    ...(flags.data && { data: foldersOf(flags.data, flags.dataset ?? base.datasets) }),
    ...(flags.table !== undefined && { table: flags.table }),
    ...(flags.evaluate && { retraining: { ...base.retraining, ...flags.evaluate } }),
    ...(flags.protocol !== undefined && { protocol: flags.protocol }),
    ...(flags.metric !== undefined && { metric: flags.metric }),
    ...(seeds !== undefined && { seeds: parseSeeds(seeds) }),
    ...(flags.budget !== undefined && { budgetSeconds: flags.budget }),
    ...(flags.probe && { probes: flags.probe }),
    ...(flags.plugin && { plugins: flags.plugin }),
    executor: { ...base.executor, ...pick(flags, ['backend', 'executor', 'fastMath']) },
  }
}

const pick = <T extends object, K extends keyof T>(record: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.filter((key) => record[key] !== undefined).map((key) => [key, record[key]])) as Pick<T, K>

/**
 * Parses the value of one `--budget`, simulated seconds of a black-box search: `20000` for all datasets or
 * `cifar10=20000` for one. Returns it together with the budgets of earlier `--budget` flags.
 */
const budgetEntry = severalTimes((text: string, earlier: Experiment['budgetSeconds']): Experiment['budgetSeconds'] => {
  const [, name, seconds] = /^(?:([^=]+)=)?(.*)$/s.exec(text) as RegExpExecArray
  const value = positiveNumber(seconds)
  if (earlier === undefined) return name === undefined ? value : { [name]: value }
  if (name === undefined || typeof earlier === 'number') {
    throw new BenchError('bad-input', '--budget is given twice; give one number, or --budget NAME=SECONDS by dataset')
  }
  requireOnce([...Object.keys(earlier), name], '--budget')
  return { ...earlier, [name]: value }
})

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
      `${found}: it needs a search that learns mixing weights, as darts-v1; leave it out, or add such an algorithm`,
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
