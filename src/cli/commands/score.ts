/**
 * `bench score`: computes training-free scores (zero-cost proxies) of architectures and writes them to a lookup table.
 */
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { BASELINES } from '../../analysis/scores/index.ts'
import type { BackendName } from '../../engine/index.ts'
import { DEFAULTS, parseSeeds } from '../../runner/plan/experiment.ts'
import { cores } from '../../system/cores.ts'
import { type Initialisation, initialisations } from '../../training/initialise.ts'
import { buildProgress } from '../amountProgress.ts'
import { backendOption } from '../backendOption.ts'
import { commaList, jobsOption, oneOf, positiveInteger, positiveNumber, repeated, stopCondition } from '../options.ts'
import { printAsideLine, type TableFlags, tableFormat, withTableOutput, writeOutput, writeTable } from '../output.ts'

interface ScoreFlags extends TableFlags {
  readonly score: readonly string[]
  readonly architectures: string
  readonly as: string
  readonly space: string
  readonly dataset: string
  readonly data?: string
  readonly table?: string
  readonly plugin?: readonly string[]
  readonly channels?: number
  readonly depth?: number
  readonly imageSize?: number
  readonly batch: number
  readonly init: Initialisation
  readonly seeds: readonly number[]
  readonly share: boolean
  readonly backend?: BackendName
  readonly jobs?: number
  readonly limitMinutes?: number
  readonly to?: string
}

export function scoreCommand(): Command {
  const command = new Command('score')
    .summary('training-free scores of untrained networks, as columns of a table')
    .description(
      'Computes training-free scores of untrained networks, writes them to a table, and prints how well they rank its ' +
        'accuracies. Every network is saved at once: after an interruption, the same command continues. Another command ' +
        'with the same --as adds scores, seeds or architectures.',
    )
    .requiredOption(
      '--score <names>',
      'scores, separated by commas; A+B adds the ranks (`bench list scores`)',
      commaList,
    )
    .option('--architectures <n>', 'how many, drawn at random; or all, or a file with one in each line', '100')
    .option('--as <name>', 'name of the table', 'scores')
    .option('--space <name>', 'search space', DEFAULTS.space)
    .option('--dataset <name>', 'dataset of the images; gaussian: random images without labels', 'shapes')
    .option('--data <folder>', 'the images, if the dataset is neither built in nor fetched')
    .option('--table <name>', 'table whose accuracies are copied (default: the only one of this space and dataset)')
    .option('--plugin <file>', 'plugin that brings the space or a score; several times', repeated)
    .option('--channels <n>', 'C, channels after the stem (default: the benchmark’s, 16 in nb201)', positiveInteger)
    .option('--depth <n>', 'N, cells per stage, or all cells (default: the benchmark’s, 5 in nb201)', positiveInteger)
    .option('--image-size <pixels>', 'side of the images (default: the benchmark’s, 32 in nb201)', positiveInteger)
    .option('--batch <n>', 'images in a batch', positiveInteger, 32)
    .option(
      '--init <name>',
      `initial weights: ${initialisations.join(', ')}`,
      oneOf('initialisation', initialisations),
      'uniform',
    )
    .addOption(
      new Option('--seeds <list>', '3 means seeds 0 to 2, each a column; their mean is another')
        .argParser(parseSeeds)
        .default([0], '1'),
    )
    .option('--no-share', 'score architectures separately even if they are the same network')
    .addOption(backendOption())
    .addOption(jobsOption())
    .option('--limit-minutes <n>', 'stop after n minutes, and write what was scored so far', positiveNumber)
    .option('--to <dir>', 'folder of the table and of its journal (default: the user’s tables)')
  return withTableOutput(command, 'answer')
    .addHelpText(
      'after',
      '\nExamples:\n  bench score --score synflow,naswot --architectures 1000\n' +
        '  bench score --score synflow+naswot,az-nas --dataset cifar10 --table nb201 --seeds 3 --as zero-cost',
    )
    .action(score)
}

async function score(flags: ScoreFlags): Promise<void> {
  const format = tableFormat(flags)
  const { scoreByName } = await import('../../tablebuild/scoreByName.ts')
  const { scoreAnswer } = await import('../../report/listings/scoreCorrelations.ts')
  const { batch, init, backend = 'auto', jobs = cores(), plugin = [], to, ...given } = flags
  const isQuiet = flags.quiet === true || format === 'json'
  const result = await scoreByName({
    ...given,
    ...{ name: flags.as, plugins: plugin, jobs, scores: [...new Set([...BASELINES, ...flags.score])] },
    ...{ batchSize: batch, initialisation: init, executor: { backend, threads: 1 } },
    ...(to !== undefined && { folder: resolve(to) }),
    ...(!isQuiet && { report: printAsideLine }),
    onProgress: isQuiet ? () => {} : buildProgress(process.stderr, 'network'),
    stopped: stopCondition(flags.limitMinutes),
  })
  const { tabular, content } = scoreAnswer(result)
  if (format === 'json') writeOutput(`${JSON.stringify(content, null, 2)}\n`, flags.out)
  else writeTable(tabular, format, flags.out)
}
