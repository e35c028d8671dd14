/** `bench retrain`: trains architectures in full (stand-alone, from scratch) and prints their test errors. */
import { basename, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { genotype as knownGenotype } from '../../algorithms/references.ts'
import { builtins } from '../../builtins.ts'
import { parseClassWeights } from '../../core/classWeights.ts'
import { BenchError } from '../../core/errors.ts'
import { REPORTED_METRICS } from '../../core/metric.ts'
import type { Finder } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { namesFolder, parseImageFolder } from '../../data/files/imageFolder.ts'
import type { BackendName } from '../../engine/index.ts'
import { finderOf, readArchitecture } from '../../retrain/genotypeArgument.ts'
import { retrainingPresets } from '../../retrain/presets.ts'
import { parseKeep, type RetrainingRequest } from '../../retrain/settings.ts'
import { type Experiment, parseSeeds } from '../../runner/plan/experiment.ts'
import { makePlan, type PlannedJob } from '../../runner/plan/plan.ts'
import { requireNamedBackend, type SbatchOptions } from '../../runner/slurm/submit.ts'
import { Store } from '../../runner/store/store.ts'
import { architectureName } from '../../spaces/index.ts'
import { type Registered, registerPlugins } from '../../system/plugins.ts'
import type { LogFormat } from '../../system/progressLog.ts'
import { backendOption } from '../backendOption.ts'
import {
  brokenImagesOption,
  fastMathOption,
  jobsOption,
  oneOf,
  positiveInteger,
  repeated,
  reuseOption,
  storeOption,
  threadsOption,
} from '../options.ts'
import { printAsideLine, type TableFlags, tableFormat, withTableOutput } from '../output.ts'
import { executePlan, logOption, retrainOpening, slurmOption } from '../planCommand.ts'
import { publishedOption } from '../publishedOption.ts'
import { reuseRuns } from '../reuseRuns.ts'

interface RetrainFlags extends Omit<RetrainingRequest, 'seeds'>, TableFlags {
  readonly genotype: readonly string[]
  readonly dataset: string
  readonly data?: string
  readonly seeds: readonly number[]
  readonly backend?: BackendName
  readonly fastMath?: boolean
  readonly jobs?: number
  readonly threads?: number
  readonly slurm?: SbatchOptions
  readonly plugin?: readonly string[]
  readonly store?: string
  readonly reuse?: readonly string[]
  readonly published?: string
  readonly log?: readonly LogFormat[]
}

export function retrainCommand(): Command {
  const command = new Command('retrain')
    .summary('train an architecture in full, print its test error')
    .description(
      'Trains architectures from scratch, as the papers do, and prints the test error of the final epoch. Finished ' +
        'trainings are not repeated; interrupted ones continue from their last epoch.',
    )
    .requiredOption(
      '--genotype <arch>',
      'published name, genotype text, index on nb201, run (by id, its beginning, or folder), or a file with one of these; several times',
      repeated,
    )
    .option('--dataset <name>', 'cifar10, cifar100, imagenet, or a folder with train/ and val/', 'cifar10')
    .option('--data <dir>', 'folder of the images')
    .option(
      '--preset <name>',
      `settings: ${retrainingPresets.map(({ name }) => name).join(', ')} (default: darts-paper; nb201-paper for nb201)`,
    )
    .addOption(
      new Option('--seeds <list>', 'training seeds: 4 means 0 to 3; 0-3,777 the listed ones')
        .argParser(parseSeeds)
        .default([0], '1'),
    )
    .option('--epochs <n>', 'training epochs (default: the preset’s)', positiveInteger)
    .option('--channels <n>', 'initial channels C', positiveInteger)
    .option('--layers <n>', 'number of cells (on nb201: cells per stage)', positiveInteger)
    .option('--batch-size <n>', 'images per training step', positiveInteger)
    .option('--limit <n>', 'use only the first n training images', positiveInteger)
    .option('--image-size <n>', 'scale images to this side, in pixels', positiveInteger)
    .option('--head <kind>', 'classifier: linear, or mlp:512,256,128 with hidden layers (default: the preset’s)')
    .option('--no-auxiliary', 'leave the auxiliary head out')
    .option('--keep <weights>', 'weights kept beside the final ones: best, every:10, or both', parseKeep)
    .addOption(brokenImagesOption())
    .option(
      '--metric <name>',
      `measured on the test images beside the accuracy: ${REPORTED_METRICS.join(', ')} (default: top1)`,
      oneOf('metric', REPORTED_METRICS),
    )
    .option(
      '--sampling <how>',
      'balanced: each class equally often in every epoch; uniform: each image once (default: uniform)',
      oneOf('sampling', ['uniform', 'balanced'] as const),
    )
    .option(
      '--class-weights <how>',
      'weights in the loss: balanced, by which every class counts alike; cat=2,dog=0.5 for all classes; or none ' +
        '(default: none)',
      parseClassWeights,
    )
    .addOption(backendOption())
    .addOption(fastMathOption())
    .addOption(jobsOption('; on GPUs, one each'))
    .addOption(threadsOption())
    .addOption(slurmOption())
    .option('--plugin <file>', 'plugin that brings the space of the architecture', repeated)
    .addOption(storeOption())
    .addOption(reuseOption())
    .addOption(publishedOption('none'))
    .addOption(logOption())
  return withTableOutput(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bench retrain --genotype 6111 --dataset cifar10 --seeds 3\n' +
        '  bench retrain --genotype DARTS_V2 --dataset cifar10 --epochs 2 --channels 8 --layers 5 --limit 2000',
    )
    .action(retrain)
}

async function retrain(flags: RetrainFlags): Promise<void> {
  const format = tableFormat(flags)
  const quiet = flags.quiet === true || flags.json === true
  const registered = await registerPlugins(builtins, flags.plugin ?? [])
  const store = new Store(flags.store)
  const { space, architectures } = architecturesOf(flags, registered, store)
  const experiment = experimentOf(flags, space, architectures)
  if (flags.slurm) requireNamedBackend(experiment, registered)
  const plan = await makePlan(experiment, registered, quiet ? undefined : printAsideLine)
  const { jobs, threads, log, slurm, out, published = 'none' } = flags
  const processes = { jobs, threads, log, seedsPerDevice: 1 }
  const options = { ...processes, slurm, format, quiet, out, published, label: labels(space), failsAtOnce: true }
  await reuseRuns(plan, store, { reuse: flags.reuse, quiet })
  await executePlan(plan, store, retrainOpening, options)
}

/**
 * The architectures to train: from the architecture string to the search that found it, if the user named its record.
 */
type Architectures = ReadonlyMap<string, Finder | undefined>

/**
 * Returns the architectures that the user names, and the search space that they share.
 * @throws BenchError `bad-input` if they are of different spaces, other error codes if one cannot be read
 */
function architecturesOf(
  { genotype: given }: Pick<RetrainFlags, 'genotype'>,
  { registry }: Registered,
  { folder: store }: Store,
): { readonly space: SearchSpace; readonly architectures: Architectures } {
  const places = { spaces: registry.spaces, store }
  const read = given.map((argument) => ({
    argument,
    foundBy: finderOf(argument, places),
    ...readArchitecture(argument, places),
  }))
  const [{ space, argument }] = read
  const other = read.find((one) => one.space !== space)
  if (other !== undefined) {
    const found = `--genotype ${shortened(argument)} is of ${space.name}, ${shortened(other.argument)} of ${other.space.name}`
    throw new BenchError('bad-input', `${found}; train them in two commands`)
  }
  const { format } = space.family ?? space
  return { space, architectures: new Map(read.map(({ genotype, foundBy }) => [format(genotype), foundBy])) }
}

const shortened = (argument: string): string => (argument.length > 30 ? `${argument.slice(0, 29)}…` : argument)

/**
 * Returns the experiment whose runs are the full trainings of the named architectures. Each run uses the algorithm
 * `genotype`, which answers with a given architecture in place of a search.
 */
function experimentOf(flags: RetrainFlags, space: SearchSpace, architectures: Architectures): Experiment {
  const { name, folder, family } = imagesOf(flags, space)
  const { preset, epochs, channels, layers, batchSize, limit, imageSize, brokenImages, sampling, metric, head, keep } =
    flags
  const { classWeights } = flags
  // Commander sets `auxiliary: true` if --no-auxiliary is absent; the preset decides then.
  const auxiliary = flags.auxiliary === false ? false : undefined
  return {
    algorithms: [...architectures].map(([genotype, foundBy]) => ({
      name: knownGenotype.name,
      options: { genotype },
      foundBy,
    })),
    space: space.name,
    datasets: [name],
    data: folder === undefined ? {} : { [name]: folder },
    protocol: 'darts-paper',
    seeds: flags.seeds,
    probes: [],
    plugins: flags.plugin ?? [],
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
      sampling,
      classWeights,
      metric,
      head,
      keep,
      auxiliary,
      family,
    },
  }
}

/**
 * Returns the name, image folder and dataset family for full trainings. If `--dataset` is a folder of photographs and
 * the search space has a network for them, the family is `imagenet` and images are decoded during training; else all
 * are scaled down and kept in memory.
 */
function imagesOf(
  { dataset, data }: RetrainFlags,
  space: SearchSpace,
): Pick<RetrainingRequest, 'family'> & {
  readonly name: string
  readonly folder?: string
} {
  const isPath = /[/\\]/.test(dataset)
  if (isPath && data !== undefined) {
    throw new BenchError('bad-input', `--dataset ${dataset} is a folder already; leave out --data ${data}`)
  }
  if (data !== undefined || !namesFolder(dataset)) return { name: dataset, folder: data }
  const name = basename(resolve(parseImageFolder(dataset).path))
  const { networkSettings } = space.family ?? {}
  const isStreamed = networkSettings === undefined || networkSettings.includes('family')
  return { name, folder: dataset, ...(isStreamed && { family: 'imagenet' }) }
}

const labels =
  (space: SearchSpace) =>
  ({ job }: PlannedJob): string =>
    `${architectureName(space, String(job.algorithm.options.genotype)) ?? knownGenotype.name} on ${job.dataset.name}, seed ${job.seed}`
