/** `bench export`: writes a trained network in formats that other programs read. */
import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { builtins } from '../../builtins.ts'
import { BenchError } from '../../core/errors.ts'
import {
  type Exportable,
  exportableModel,
  exportedFiles,
  untrainedModel,
  writeExport,
} from '../../export/exportModel.ts'
import { type ExportFormatName, exportFormatNames, exportFormats } from '../../export/formats.ts'
import { trainCommand } from '../../export/trainedModel.ts'
import { isArchitecture, readArchitecture } from '../../retrain/genotypeArgument.ts'
import { Store } from '../../runner/store/store.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { statIfThere } from '../../system/readable.ts'
import { type ModelFlags, openModel, RUN_HELP, withModelOptions } from '../modelOptions.ts'
import { commaList, jsonOption, oneOf, placeOptions, quietOption } from '../options.ts'
import { print } from '../output.ts'

interface ExportFlags extends ModelFlags {
  readonly to: readonly string[]
  readonly out?: string
  readonly licence?: string
  readonly untrained?: boolean
  readonly dataset?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export function exportCommand(): Command {
  const listed = exportFormatNames.map((name) => `${name} (${exportFormats[name].about})`).join('; ')
  const command = new Command('export')
    .summary(`write a trained network as ${exportFormatNames.slice(0, -1).join(', ')}, with a model card`)
    .description(
      `Writes the network of a full training for other programs. Formats: ${listed}. The files take RGB images of ` +
        'intensities 0 to 1. Auxiliary head and drop path, which only serve the training, are left out.',
    )
    .argument('<run>', RUN_HELP)
    .addOption(new Option('--to <formats>', 'formats, separated by commas').argParser(commaList).makeOptionMandatory())
    .option('--out <path>', 'file, or folder for several formats (default: net with the format’s ending)')
    .option('--licence <id>', 'licence of the weights in the model card, as mit (default: unknown)')
    .option('--untrained', 'take an architecture in place of a run, and random weights by --seed')
    .option('--dataset <name>', 'dataset of the untrained network’s size, as cifar10')
  return withModelOptions(command)
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bench export drnas-photos-seed0 --to onnx --out photos.onnx\n' +
        '  bench export DARTS_V2 --untrained --dataset cifar10 --to onnx,card --out darts',
    )
    .action(exportNamed)
}

async function exportNamed(run: string, flags: ExportFlags): Promise<void> {
  const { out, licence, json, quiet } = flags
  const formats = [...new Set(flags.to.map(oneOf('format', exportFormatNames)))]
  refuseIdle(flags, formats)
  const exportable = flags.untrained ? await untrained(run, flags) : exportableModel(await trained(run, flags))
  const files = await exportedFiles(exportable, { formats, out, licence })
  writeExport(files)
  const written = files.map(({ path, content }) => ({ path, bytes: Buffer.byteLength(content) }))
  if (json) print(`${JSON.stringify({ network: exportable.deployment.network.name, files: written }, null, 2)}\n`)
  else if (!quiet) print(written.map(({ path, bytes }) => `${path}  ${sizeText(bytes)}\n`).join(''))
}

/** Throws if an option has no effect together with the other options given. @throws BenchError `bad-input` */
function refuseIdle({ untrained, dataset, weights, licence }: ExportFlags, formats: readonly ExportFormatName[]): void {
  if (!untrained && dataset !== undefined) {
    throw new BenchError('bad-input', '--dataset is for --untrained; a trained network has a size already')
  }
  if (untrained && weights !== undefined) {
    throw new BenchError('bad-input', '--weights and --untrained contradict each other; leave one of them out')
  }
  if (licence !== undefined && !formats.includes('card')) {
    throw new BenchError('bad-input', '--licence is for the model card; add it with --to ...,card')
  }
}

/** Opens a trained network. @throws an error that names `--untrained` if the argument is an architecture */
async function trained(run: string, flags: ExportFlags) {
  try {
    return await openModel(run, flags)
  } catch (error) {
    if (!(error instanceof BenchError) || error.code !== 'missing' || !(await holdsArchitecture(run, flags)))
      throw error
    const train = trainCommand(run, placeOptions(flags))
    throw new BenchError(
      'missing',
      `${run} is an architecture without weights; train it (\`${train}\`) and name that run, or add --untrained`,
    )
  }
}

/**
 * Returns whether the argument is an architecture or a file with one, and no path of a run: the error about a run says
 * what it lacks.
 */
async function holdsArchitecture(argument: string, { plugin = [] }: ExportFlags): Promise<boolean> {
  if (basename(argument) === 'result.json' || statIfThere(argument)?.isDirectory()) return false
  const { registry } = await registerPlugins(builtins, plugin)
  return isArchitecture(argument, { spaces: registry.spaces })
}

async function untrained(text: string, { plugin = [], store, dataset, seed = 0 }: ExportFlags): Promise<Exportable> {
  const { registry } = await registerPlugins(builtins, plugin)
  const { space, genotype } = readArchitecture(text, { spaces: registry.spaces, store: new Store(store).folder })
  return untrainedModel({ space, genotype, dataset, seed })
}

const sizeText = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
