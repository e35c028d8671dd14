/**
 * Finds the names that options and arguments of commands accept, for completion and for the errors about missing ones.
 * The modules that know the names are loaded only when names are asked for.
 */
import type { Argument, Command, Option } from 'commander'
import { namesFor } from './options.ts'

type Names = () => Promise<readonly string[]>
const nameOf = ({ name }: { readonly name: string }) => name

/** Returns the names that an option accepts; none if it takes free text, a number or a file. */
export async function namesOfOption(option: Option): Promise<readonly string[]> {
  return namesFor(option) ?? (await VALUES[option.long ?? '']?.()) ?? namedIn(option.description)
}

/** Returns the names that an argument of a command accepts; none if it takes free text or a file. */
export async function namesOfArgument(command: Command, argument: Argument): Promise<readonly string[]> {
  if (argument !== command.registeredArguments[0]) return []
  return namesFor(argument) ?? (await ARGUMENTS[pathOf(command)]?.()) ?? []
}

/** Returns a command as the user types it after `bench`: `data info`. */
export const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()

/** Returns the values that the description of an option lists, as in `on a broken file: fail, skip (default: fail)`. */
const namedIn = (description: string): readonly string[] => {
  const [, list] =
    /: ([\w.-]+(?:, [\w.-]+)+)(?: \(|$)/.exec(description) ?? /^([\w.-]+(?:, [\w.-]+)+) \(/.exec(description) ?? []
  return list?.split(', ') ?? []
}

const builtinNames =
  (kind: 'algorithms' | 'spaces' | 'scores'): Names =>
  async () =>
    ((await import('../builtins.ts')).builtins[kind] ?? []).map(nameOf)

const tables: Names = async () => (await import('../tables/openTable.ts')).listTables()
const datasets: Names = async () => (await import('../data/datasetNames.ts')).DATASETS.map(nameOf)

/** Returns the columns of numbers of all tables on this machine; those of single seeds come last. */
async function columns(): Promise<readonly string[]> {
  const { openManifest } = await import('../tables/openTable.ts')
  const manifests = await Promise.all((await tables()).map((name) => openManifest(name)))
  const names = [...new Set(manifests.flatMap((manifest) => manifest.columns.map(nameOf)))]
  const isOfSeed = (name: string) => /\/\d+$/.test(name)
  const numbers = names.filter((name) => !['index', 'arch'].includes(name))
  return [...numbers.filter((name) => !isOfSeed(name)), ...numbers.filter(isOfSeed)]
}

/** Returns the names of the architectures that papers have published. */
const genotypes: Names = async () => {
  const spaces = (await import('../builtins.ts')).builtins.spaces ?? []
  const families = new Set(spaces.flatMap(({ family }) => family ?? []))
  return [...families].flatMap(({ published = [] }) => published.map(nameOf))
}

/** For options whose parser and description do not list the accepted names: functions that return these names. */
const VALUES: Readonly<Record<string, Names>> = {
  '--algo': builtinNames('algorithms'),
  '--space': builtinNames('spaces'),
  '--score': builtinNames('scores'),
  '--dataset': datasets,
  '--genotype': genotypes,
  '--table': tables,
  '--x': columns,
  '--y': columns,
  '--by': columns,
  '--protocol': async () => (await import('../protocols/index.ts')).presets.map(nameOf),
  '--preset': async () => (await import('../retrain/presets.ts')).retrainingPresets.map(nameOf),
  '--probe': async () => (await import('../analysis/probes/index.ts')).probes.map(nameOf),
  '--evaluate': async () => ['retrain'],
  '--class-weights': async () => ['balanced', 'none'],
  '--to': async () => (await import('../export/formats.ts')).exportFormatNames,
  '--figures': async () => Object.keys((await import('../report/figures/index.ts')).figureKinds),
  '--log': async () => (await import('../system/progressLog.ts')).LOG_FORMATS,
}

/** The options whose value may be several names, separated by commas. */
export const LISTS: ReadonlySet<string> = new Set(['--algo', '--dataset', '--score', '--to', '--figures', '--log'])

/** Returns the ids of the runs in the default store. */
const runs: Names = async () => {
  const { Store } = await import('../runner/store/store.ts')
  return new Store().runs().map(({ id }) => id)
}

/** For each command path, such as `data info`: the function that returns the names its first argument can be. */
const ARGUMENTS: Readonly<Record<string, Names>> = {
  evaluate: runs,
  export: runs,
  list: async () => (await import('./commands/list.ts')).subjectNames,
  predict: runs,
  'data fetch': async () => (await import('../data/fetchDataset.ts')).fetchableDatasets(),
  'data info': datasets,
  'genotype show': genotypes,
  'tables fetch': async () => Object.keys((await import('../tables/sources.ts')).tableSources()),
  'tables info': tables,
  'tables merge': tables,
}
