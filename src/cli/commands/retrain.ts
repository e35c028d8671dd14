/**
 * `bench retrain`: trains architectures of the DARTS space in full (stand-alone, from scratch) and prints their test
 * errors.
 */
import { basename, resolve } from 'node:path'
import { Command } from 'commander'
import { genotype as knownGenotype } from '../../algorithms/references.ts'
import { builtins } from '../../builtins.ts'
import { BenchError } from '../../core/errors.ts'
import { DATASETS, knownName } from '../../data/datasetNames.ts'
import { type BackendName, backendNames } from '../../engine/index.ts'
import type { TableFormat } from '../../report/formats/renderTable.ts'
import { finderOf, readGenotype } from '../../retrain/genotypeArgument.ts'
import { DEFAULT_PRESET, parseKeep, type RetrainingRequest } from '../../retrain/settings.ts'
import { type Experiment, parseSeeds } from '../../runner/plan/experiment.ts'
import { makePlan, type PlannedJob } from '../../runner/plan/plan.ts'
import type { SbatchOptions } from '../../runner/slurm/submit.ts'
import { Store } from '../../runner/store/store.ts'
import { dartsFamily, publishedName } from '../../spaces/darts/index.ts'
import { cores } from '../../system/cores.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { statIfThere } from '../../system/readable.ts'
import {
  brokenImagesOption,
  fastMathOption,
  jsonOption,
  oneOf,
  outOption,
  positiveInteger,
  quietOption,
  repeated,
  reuseOption,
  storeOption,
  threadsOption,
} from '../options.ts'
import { printAsideLine, tableFormat, tableFormatOption } from '../output.ts'
import { executePlan, retrainOpening, slurmOption } from '../planCommand.ts'
import { reuseRuns } from '../runSelection.ts'

interface RetrainFlags extends Omit<RetrainingRequest, 'seeds'> {
  readonly genotype: readonly string[]
  readonly dataset: string
  readonly data?: string
  readonly seeds: readonly number[]
  readonly backend?: BackendName
  readonly fastMath?: boolean
  readonly jobs?: number
  readonly threads?: number
  readonly slurm?: SbatchOptions
  readonly store?: string
  readonly reuse?: readonly string[]
  readonly published: string
  readonly format?: TableFormat
  readonly json?: boolean
  readonly quiet?: boolean
  readonly out?: string
}

export function retrainCommand(): Command {
  return new Command('retrain')
    .summary('train an architecture of the DARTS space in full, print its test error')
    .description(
      'Trains architectures of the DARTS space from scratch, as the papers do, and prints the test error of the final ' +
        'epoch. Finished trainings are not repeated; interrupted ones continue from their last epoch.',
    )
    .requiredOption(
      '--genotype <arch>',
      'published name, genotype text, or a file with one, as result.json of a search; several times',
      repeated,
    )
    .option('--dataset <name>', 'cifar10, cifar100, imagenet, or a folder with train/ and val/', 'cifar10')
    .option('--data <dir>', 'folder of the images')
    .option('--preset <name>', `settings: darts-paper, pcdarts-paper, drnas-paper, trial (default: ${DEFAULT_PRESET})`)
    .option('--seeds <list>', 'training seeds: 4 means 0 to 3; 0-3,777 the listed ones', parseSeeds, [0])
    .option('--epochs <n>', 'training epochs (default: the preset’s)', positiveInteger)
    .option('--channels <n>', 'initial channels C', positiveInteger)
    .option('--layers <n>', 'number of cells', positiveInteger)
    .option('--batch-size <n>', 'images per training step', positiveInteger)
    .option('--limit <n>', 'use only the first n training images', positiveInteger)
    .option('--image-size <n>', 'scale images to this side, in pixels', positiveInteger)
    .option('--no-auxiliary', 'leave the auxiliary head out')
    .option('--keep <weights>', 'weights kept beside the final ones: best, every:10, or both', parseKeep)
    .addOption(brokenImagesOption())
    .option('--backend <name>', `${backendNames.join(', ')} (default: auto)`, oneOf('backend', backendNames))
    .addOption(fastMathOption())
    .option('--jobs <n>', `worker processes (default: the cores, here ${cores()}; on GPUs, one each)`, positiveInteger)
    .addOption(threadsOption())
    .addOption(slurmOption())
    .addOption(storeOption())
    .addOption(reuseOption())
    .option('--published <id>', 'published rows below the table: an id as drnas-table-2, auto or none', 'none')
    .addOption(tableFormatOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addOption(outOption())
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bench retrain --genotype DRNAS --dataset cifar10 --preset drnas-paper --seeds 3\n' +
        '  bench retrain --genotype DARTS_V2 --dataset cifar10 --epochs 2 --channels 8 --layers 5 --limit 2000',
    )
    .action(retrain)
}

async function retrain(flags: RetrainFlags): Promise<void> {
  const format = tableFormat(flags)
  const quiet = flags.quiet === true || flags.json === true
  const registered = await registerPlugins(builtins, [])
  const plan = await makePlan(experimentOf(flags), registered, quiet ? undefined : printAsideLine)
  const { jobs, threads, slurm, json, out, published } = flags
  const processes = { jobs, threads, seedsPerDevice: 1 }
  const options = { ...processes, slurm, format, json, quiet, out, published, label, failsAtOnce: true }
  const store = new Store(flags.store)
  await reuseRuns(plan, store, { reuse: flags.reuse, quiet })
  await executePlan(plan, store, retrainOpening, options)
}

/**
 * Returns the experiment whose runs are the full trainings of the named architectures. Each run uses the algorithm
 * `genotype`, which answers with a given architecture in place of a search.
 */
function experimentOf(flags: RetrainFlags): Experiment {
  const given = flags.genotype.map(
    (argument) => [dartsFamily.format(readGenotype(argument)), finderOf(argument)] as const,
  )
  const { name, folder, family } = imagesOf(flags)
  const { preset, epochs, channels, layers, batchSize, limit, imageSize, brokenImages, keep } = flags
  // Commander sets `auxiliary: true` if --no-auxiliary is absent; the preset decides then.
  const auxiliary = flags.auxiliary === false ? false : undefined
  return {
    algorithms: [...new Map(given)].map(([genotype, foundBy]) => ({
      name: knownGenotype.name,
      options: { genotype },
      foundBy,
    })),
    space: dartsFamily.name,
    datasets: [name],
    data: folder === undefined ? {} : { [name]: folder },
    protocol: 'darts-paper',
    seeds: flags.seeds,
    probes: [],
    plugins: [],
    executor: { backend: flags.backend ?? 'auto', ...(flags.fastMath && { fastMath: true }) },
    retraining: {
      preset,
      epochs,
      channels,
      layers,
      batchSize,
      limit,
      imageSize,
      brokenImages,
      keep,
      auxiliary,
      family,
    },
  }
}

/**
 * Returns the name, image folder and family of the dataset for full trainings. `--dataset` may also be a folder of
 * photographs, which are decoded when they are needed.
 */
function imagesOf({ dataset, data }: RetrainFlags): Pick<RetrainingRequest, 'family'> & {
  readonly name: string
  readonly folder?: string
} {
  const isPath = /[/\\]/.test(dataset)
  if (isPath && data !== undefined) {
    throw new BenchError('bad-input', `--dataset ${dataset} is a folder already; leave out --data ${data}`)
  }
  if (data !== undefined || !(isPath || isUnknownFolder(dataset))) return { name: dataset, folder: data }
  return { name: basename(resolve(dataset)), folder: dataset, family: 'imagenet' }
}

/**
 * Returns whether a value of `--dataset` without a slash means a folder in the current directory: a folder of that name
 * exists and no known dataset has that name.
 */
function isUnknownFolder(name: string): boolean {
  const isKnown = name === 'imagenet' || DATASETS.some((dataset) => dataset.name === knownName(name))
  return !isKnown && statIfThere(name)?.isDirectory() === true
}

function label({ job }: PlannedJob): string {
  const name = publishedName(dartsFamily.parse(String(job.algorithm.options.genotype)))
  return `${name ?? knownGenotype.name} on ${job.dataset.name}, seed ${job.seed}`
}
