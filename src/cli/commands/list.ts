/**
 * `bench list`: lists the names that can be used on the command line, such as those of algorithms, search spaces and
 * protocols.
 */
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import { BenchError } from '../../core/errors.ts'
import type { Tabular } from '../../report/formats/tabular.ts'
import {
  algorithmList,
  backendList,
  datasetList,
  figureList,
  genotypeList,
  limitList,
  optionList,
  probeList,
  protocolList,
  protocolSources,
  retrainingPresetList,
  retrainingPresetSources,
  scoreList,
  spaceList,
  tableList,
} from '../../report/listings/list.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { jsonOption, oneOf, outOption, repeated } from '../options.ts'
import { tableFormat, writeOutput, writeTable } from '../output.ts'

interface ListFlags {
  readonly json?: boolean
  readonly out?: string
  readonly plugin?: readonly string[]
}

/**
 * For each subject of `bench list`, such as `algos`, the function that makes its table. Each loads only the modules it
 * needs.
 */
const subjects: Readonly<Record<string, (plugins: readonly string[], json: boolean) => Promise<Tabular>>> = {
  algos: async (plugins, json) => algorithmList((await registerPlugins(builtins, plugins)).registry.algorithms, json),
  options: async (plugins, json) => optionList((await registerPlugins(builtins, plugins)).registry.algorithms, json),
  scores: async (plugins, json) => scoreList((await registerPlugins(builtins, plugins)).registry.scores, json),
  spaces: async (plugins) => spaceList((await registerPlugins(builtins, plugins)).registry.spaces),
  genotypes: async (plugins, json) => genotypeList((await registerPlugins(builtins, plugins)).registry.spaces, json),
  datasets: async () => datasetList((await import('../../data/datasetNames.ts')).DATASETS),
  async tables() {
    const { listTables, openManifest } = await import('../../tables/openTable.ts')
    return tableList(await Promise.all((await listTables()).map((name) => openManifest(name))))
  },
  backends: async () => backendList(await (await import('../../engine/index.ts')).backendReports()),
  protocols: async () => protocolList((await import('../../protocols/index.ts')).presets),
  presets: async () => retrainingPresetList((await import('../../retrain/presets.ts')).retrainingPresets),
  probes: async () => probeList((await import('../../analysis/probes/index.ts')).probes),
  figures: async () => figureList((await import('../../report/figures/index.ts')).figureKinds),
  limits: async () => limitList(),
}

/** The names of all subjects of `bench list`. */
export const subjectNames: readonly string[] = Object.keys(subjects)

/**
 * For subjects of which `bench list --json` prints more than the table (all settings of protocols or presets, each with
 * its source in the literature): the function that returns this content.
 */
const sourcesOf: Readonly<Record<string, () => Promise<unknown>>> = {
  protocols: async () => protocolSources((await import('../../protocols/index.ts')).presets),
  presets: async () => retrainingPresetSources((await import('../../retrain/presets.ts')).retrainingPresets),
}

export function listCommand(): Command {
  return new Command('list')
    .summary(`list ${subjectNames.slice(0, -1).join(', ')} or ${subjectNames.at(-1)}`)
    .description('Lists what can be named on the command line.')
    .argument('[subject]', Object.keys(subjects).join(', '), subjectOf)
    .option('--plugin <file>', 'also list what this plugin brings', repeated)
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench list options --plugin ./my-search.ts\n  bench list protocols --json')
    .action(list)
}

/** Returns the subject of `bench list` that the user typed; `algorithms` is accepted for `algos`. */
const subjectOf = (typed: string): string =>
  oneOf('subject', Object.keys(subjects))(typed === 'algorithms' ? 'algos' : typed)

async function list(subject: string | undefined, { json, out, plugin = [] }: ListFlags): Promise<void> {
  const format = tableFormat({ json, out })
  if (subject === undefined) throw new BenchError('bad-input', `name what to list: ${Object.keys(subjects).join(', ')}`)
  const sources = format === 'json' ? await sourcesOf[subject]?.() : undefined
  if (sources !== undefined) return writeOutput(`${JSON.stringify(sources, null, 2)}\n`, out)
  writeTable(await subjects[subject](plugin, format === 'json'), format, out)
}
