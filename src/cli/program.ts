/**
 * Defines the command-line program `bench` and its commands. The module of a command is loaded only when the user types
 * that command.
 */
import { Command, Help, type Option } from 'commander'
import { BenchError } from '../core/errors.ts'
import { packageVersion } from '../system/environment.ts'
import { raiseOption, takesOneValue } from './options.ts'

type Load = () => Promise<Command>

/** The commands of `bench`: name, summary for the help text, and function that loads the command's module. */
export const commands: readonly (readonly [name: string, summary: string, load: Load])[] = [
  ['run', 'run searches over seeds, print mean ± std', async () => (await import('./commands/run.ts')).runCommand()],
  ['retrain', 'train an architecture in full', async () => (await import('./commands/retrain.ts')).retrainCommand()],
  [
    'evaluate',
    'measure a trained network on any images',
    async () => (await import('./commands/evaluate.ts')).evaluateCommand(),
  ],
  [
    'export',
    'write a trained network as ONNX, PyTorch, TensorFlow.js, …',
    async () => (await import('./commands/export.ts')).exportCommand(),
  ],
  [
    'predict',
    'the classes of image files by a trained network',
    async () => (await import('./commands/predict.ts')).predictCommand(),
  ],
  [
    'status',
    'the state of runs: finished, running, failed, missing',
    async () => (await import('./commands/status.ts')).statusCommand(),
  ],
  ['table', 'a table of finished runs', async () => (await import('./commands/table.ts')).tableCommand()],
  ['plot', 'figures of finished runs', async () => (await import('./commands/plot.ts')).plotCommand()],
  [
    'report',
    'one page with all tables and figures',
    async () => (await import('./commands/report.ts')).reportCommand(),
  ],
  ['verify', 'recompute committed reports', async () => (await import('./commands/verify.ts')).verifyCommand()],
  ['query', 'look up architectures in a table', async () => (await import('./commands/query.ts')).queryCommand()],
  ['pareto', 'architectures on a Pareto front', async () => (await import('./commands/pareto.ts')).paretoCommand()],
  ['score', 'training-free scores of architectures', async () => (await import('./commands/score.ts')).scoreCommand()],
  [
    'tables',
    'lookup tables: import, fetch, build, merge, info',
    async () => (await import('./commands/tables.ts')).tablesCommand(),
  ],
  [
    'import',
    'take runs of other programs over: CSV, logs, NASLib',
    async () => (await import('./commands/import.ts')).importCommand(),
  ],
  ['data', 'image datasets: fetch, info', async () => (await import('./commands/data.ts')).dataCommand()],
  ['genotype', 'show an architecture', async () => (await import('./commands/genotype.ts')).genotypeCommand()],
  [
    'list',
    'names for the command line: algorithms, spaces, …',
    async () => (await import('./commands/list.ts')).listCommand(),
  ],
  ['new', 'start a new plugin', async () => (await import('./commands/new.ts')).newCommand()],
  ['check', 'check a plugin', async () => (await import('./commands/check.ts')).checkCommand()],
  [
    'completion',
    'completion of the command line by the tab key',
    async () => (await import('./commands/completion.ts')).completionCommand(),
  ],
  [
    'doctor',
    'backends, datasets and tables of this machine',
    async () => (await import('./commands/doctor.ts')).doctorCommand(),
  ],
]

/** Adds the option `--raise` to every command that has no subcommands. */
function acceptRaisedLimits(command: Command): void {
  if (command.commands.length === 0) command.addOption(raiseOption())
  for (const subcommand of command.commands) acceptRaisedLimits(subcommand)
}

/**
 * Makes the program refuse empty arguments and option values, as from an unset shell variable: an empty path would mean
 * the current folder.
 */
function refuseEmptyNames(program: Command): void {
  program.hook('preAction', (_, command) => {
    // The word at which the user presses the tab key may be empty.
    if (command.name() === 'complete') return
    const { options, args } = command
    const values = command.opts()
    const empty = options.find((option) => [values[option.attributeName()]].flat().includes(''))
    if (empty !== undefined)
      throw new BenchError('bad-input', `${empty.long} is empty; give it a value, or leave it out`)
    if (args.includes('')) throw new BenchError('bad-input', 'an argument is empty; give it a value, or leave it out')
  })
}

/**
 * Makes a command throw a usage error if an option with one value is given twice, since the first value would be
 * ignored.
 */
function refuseRepeatedOptions(command: Command): void {
  for (const option of command.options.filter(takesOneValue)) {
    let isGiven = false
    command.on(`option:${option.name()}`, () => {
      if (isGiven) throw new BenchError('bad-input', `${option.long} is given twice; give it once`)
      isGiven = true
    })
  }
  for (const subcommand of command.commands) refuseRepeatedOptions(subcommand)
}

/**
 * Returns whether a command-line option names an output file, which is checked before the command begins. Output
 * folders are checked later, when the work begins.
 */
const isOutputFile = ({ flags }: Option): boolean => ['--out <file>', '--picture <file>'].includes(flags)

/** Makes every command throw an error before its work if its output file could not be written. */
function checkOutputFiles(program: Command): void {
  program.hook('preAction', async (_, command) => {
    const given = command.options.filter(
      (option) => isOutputFile(option) && command.getOptionValueSource(option.attributeName()) === 'cli',
    )
    const files = given.flatMap((option): string | readonly string[] => command.opts()[option.attributeName()])
    if (files.length === 0) return
    const { checkNamedFile } = await import('../system/namedFile.ts')
    for (const file of files) checkNamedFile(file)
  })
}

/** Makes a command's help text keep every `bench` command in backquotes on one line. */
function keepCommandsWhole(command: Command): void {
  const usual = Help.prototype.boxWrap
  command.configureHelp({
    boxWrap(text, width) {
      const joined = text.replace(/`[^`]+`/g, (whole) => whole.replaceAll(' ', JOINT))
      return usual.call(this, joined, width).replaceAll(JOINT, ' ')
    },
  })
  for (const subcommand of command.commands) keepCommandsWhole(subcommand)
}

/** Makes a command's help text show default values as one types them: `(default: nb201)`, without quotes or brackets. */
function showPlainDefaults(command: Command): void {
  for (const option of command.options) {
    const { defaultValue, defaultValueDescription } = option
    if (defaultValue === undefined || typeof defaultValue === 'boolean') continue
    option.defaultValueDescription = defaultValueDescription ?? [defaultValue].flat().join(',')
  }
  for (const subcommand of command.commands) showPlainDefaults(subcommand)
}

/** Character that stands for a blank at which the help text must not be wrapped; replaced by a blank after wrapping. */
const JOINT = '\ue000'

/**
 * Returns the command line with `help run` rewritten to `run --help`, since Commander could not show the help of a
 * command whose module is not loaded.
 */
export function withoutHelp(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv
  if (first !== 'help' || rest.length === 0) return argv
  return commands.some(([name]) => name === rest[0]) ? [...rest, '--help'] : rest
}

/**
 * Returns the program with the command that the user typed loaded; the other commands have only a name and a summary.
 */
export async function programFor(argv: readonly string[]): Promise<Command> {
  const program = new Command('bench')
    .description('Compare neural-architecture-search algorithms fairly and fast.')
    .version(packageVersion)
    .addHelpText('after', '\nExamples:\n  bench run --algo drnas --space nb201 --seeds 4\n  bench run --help')
  for (const [name, summary, load] of commands) {
    program.addCommand(name === argv[0] ? await load() : new Command(name).summary(summary).description(summary))
  }
  // Hidden from the help text: Slurm calls it for the tasks of a job array.
  if (argv[0] === 'slurm-task') program.addCommand((await import('./commands/slurmTask.ts')).slurmTaskCommand())
  // Hidden, too: the scripts of `bench completion` call it.
  if (argv[0] === 'complete') program.addCommand((await import('./commands/completion.ts')).completeCommand())
  acceptRaisedLimits(program)
  keepCommandsWhole(program)
  showPlainDefaults(program)
  refuseEmptyNames(program)
  refuseRepeatedOptions(program)
  checkOutputFiles(program)
  return program
}
