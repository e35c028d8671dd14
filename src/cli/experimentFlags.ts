/**
 * The command-line flags that describe an experiment, for `bench run` and `bench status`. `resolveExperiment.ts` combines
 * them with an experiment file; it loads much that `bench status` of a store does not need.
 */
import { type Command, Option } from 'commander'
import { BenchError } from '../core/errors.ts'
import { REPORTED_METRICS, type ReportedMetric } from '../core/metric.ts'
import { requireOnce } from '../core/names.ts'
import { type BackendName, type ExecutorOptions, executorNames } from '../engine/index.ts'
import { DEFAULTS, type Experiment } from '../runner/plan/experiment.ts'
import { backendOption } from './backendOption.ts'
import { commaList, fastMathOption, oneOf, positiveNumber, repeated, severalTimes } from './options.ts'

/** The parsed command-line flags that describe an experiment. */
export interface ExperimentFlags {
  readonly algo?: readonly string[]
  readonly space?: string
  readonly dataset?: readonly string[]
  readonly data?: readonly string[]
  readonly table?: string
  /** Text of `--evaluate`, which `resolveExperiment` parses. */
  readonly evaluate?: string
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
    .option('--evaluate <name>', 'retrain: train the found architectures in full, as retrain:preset=trial,epochs=2')
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
    .addOption(backendOption())
    .option('--executor <name>', `${executorNames.join(', ')} (default: auto)`, oneOf('executor', executorNames))
    .addOption(fastMathOption())
}

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
