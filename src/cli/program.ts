/** The table of contents of `bench`. A command's module is loaded when the command is given, and not before. */
import { Command, Help } from 'commander'
import { BenchError } from '../core/errors.ts'
import { packageVersion } from '../system/environment.ts'
import { raiseOption } from './options.ts'

type Load = () => Promise<Command>

/** Name, one line for help, and the module. */
export const commands: readonly (readonly [name: string, summary: string, load: Load])[] = [
  ['run', 'run searches over seeds, print mean ± std', async () => (await import('./commands/run.ts')).runCommand()],
  ['retrain', 'train an architecture in full', async () => (await import('./commands/retrain.ts')).retrainCommand()],
  [
    'status',
    'what a store holds, and what is missing',
    async () => (await import('./commands/status.ts')).statusCommand(),
  ],
  ['table', 'a table of finished runs', async () => (await import('./commands/table.ts')).tableCommand()],
  ['plot', 'figures of finished runs', async () => (await import('./commands/plot.ts')).plotCommand()],
  ['report', 'one page with everything', async () => (await import('./commands/report.ts')).reportCommand()],
  ['verify', 'recompute committed reports', async () => (await import('./commands/verify.ts')).verifyCommand()],
  ['query', 'look architectures up', async () => (await import('./commands/query.ts')).queryCommand()],
  ['pareto', 'architectures that no other beats', async () => (await import('./commands/pareto.ts')).paretoCommand()],
  [
    'tables',
    'lookup tables: import, fetch, build, merge, info',
    async () => (await import('./commands/tables.ts')).tablesCommand(),
  ],
  ['data', 'image datasets: fetch, info', async () => (await import('./commands/data.ts')).dataCommand()],
  ['genotype', 'show an architecture', async () => (await import('./commands/genotype.ts')).genotypeCommand()],
  ['list', 'what can be named on the command line', async () => (await import('./commands/list.ts')).listCommand()],
  ['new', 'start an algorithm of your own', async () => (await import('./commands/new.ts')).newCommand()],
  ['check', 'check an algorithm of your own', async () => (await import('./commands/check.ts')).checkCommand()],
  [
    'doctor',
    'what this machine has, and what is missing',
    async () => (await import('./commands/doctor.ts')).doctorCommand(),
  ],
]

/** Adds `--raise` to each command that does something itself. */
function acceptRaisedLimits(command: Command): void {
  if (command.commands.length === 0) command.addOption(raiseOption())
  for (const subcommand of command.commands) acceptRaisedLimits(subcommand)
}

/** An empty name, as of a variable of the shell that is not set, would otherwise mean the folder that one is in. */
function refuseEmptyNames(program: Command): void {
  program.hook('preAction', (_, command) => {
    const { options, args } = command
    const values = command.opts()
    const empty = options.find((option) => [values[option.attributeName()]].flat().includes(''))
    if (empty !== undefined)
      throw new BenchError('bad-input', `${empty.long} is empty; give it a value, or leave it out`)
    if (args.includes('')) throw new BenchError('bad-input', 'an argument is empty; give it a value, or leave it out')
  })
}

/** Commands in backquotes are not broken over the lines of a help text. */
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

/** Stands for a blank at which no line is broken. */
const JOINT = '\ue000'

/** `help run` is `run --help`: of a command whose module is not loaded there is nothing to show. */
export function withoutHelp(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv
  if (first !== 'help' || rest.length === 0) return argv
  return commands.some(([name]) => name === rest[0]) ? [...rest, '--help'] : rest
}

/** The program with the command that is given; of the others it has the name and a line for help. */
export async function programFor(argv: readonly string[]): Promise<Command> {
  const program = new Command('bench')
    .description('Compare neural-architecture-search algorithms fairly and fast.')
    .version(packageVersion)
    .addHelpText('after', '\nExamples:\n  bench run --algo drnas --space nb201 --seeds 4\n  bench run --help')
  for (const [name, summary, load] of commands) {
    program.addCommand(name === argv[0] ? await load() : new Command(name).summary(summary).description(summary))
  }
  // Not for people: the tasks of a job array begin with it.
  if (argv[0] === 'slurm-task') program.addCommand((await import('./commands/slurmTask.ts')).slurmTaskCommand())
  acceptRaisedLimits(program)
  keepCommandsWhole(program)
  refuseEmptyNames(program)
  return program
}
