/**
 * Words the errors about how a command is called: a missing argument with the names to choose from and an example, an
 * unknown option or command, a value of the wrong form.
 */
import type { EventEmitter } from 'node:events'
import { type Command, CommanderError } from 'commander'
import { BenchError } from '../core/errors.ts'
import { listed, nearestName, unknownName } from '../core/names.ts'
import { namesOfArgument, namesOfOption, pathOf } from './knownNames.ts'
import { print, printAside } from './output.ts'

/** An error of Commander, with the command that was called. */
class UsageError extends CommanderError {
  /** Private, so that no print of the error shows the whole program. */
  readonly #command: Command

  constructor(command: Command, { exitCode, code, message }: CommanderError) {
    super(exitCode, code, message)
    this.#command = command
  }

  get command(): Command {
    return this.#command
  }
}

/** Makes a command and its subcommands throw usage errors instead of printing them and exiting. */
export function throwUsageErrors(command: Command): void {
  command
    .exitOverride((error) => {
      throw new UsageError(command, error)
    })
    .configureOutput({ writeOut: print, writeErr: printAside, outputError: () => {} })
  for (const subcommand of command.commands) throwUsageErrors(subcommand)
}

/**
 * Throws a usage error again in our own words, and any other error as it is. Where Commander has printed the help text,
 * nothing is thrown; the exit status is 2 if the user did not ask for it.
 */
export async function explainUsage(error: unknown): Promise<void> {
  if (!(error instanceof UsageError)) throw error
  const isHelp = error.exitCode === 0 || error.code === 'commander.help'
  if (!isHelp) throw await (FAULTS[error.code] ?? otherFault)(error)
  process.exitCode = error.exitCode === 0 ? 0 : 2
}

/** For each code of Commander's errors: the function that words the error. */
const FAULTS: Readonly<Record<string, (error: UsageError) => BenchError | Promise<BenchError>>> = {
  'commander.missingArgument': missingArgument,
  'commander.missingMandatoryOptionValue': missingOption,
  'commander.optionMissingArgument': missingOption,
  'commander.excessArguments': excessArguments,
  'commander.unknownCommand': ({ command, message }) =>
    unknownName(
      command.parent ? `command of bench ${pathOf(command)}` : 'command',
      quotedIn(message),
      namesIn(command),
    ),
  'commander.unknownOption': ({ command, message }) => unknownOption(command, quotedIn(message)),
}

function unknownOption(command: Command, flag: string): BenchError {
  const near = nearestName(flag, ['--help', ...command.options.flatMap(({ long }) => long ?? [])])
  const help = `\`bench ${command.parent ? `${pathOf(command)} ` : ''}--help\` lists the options`
  return new BenchError('bad-input', `unknown option '${flag}'; ${near === undefined ? help : `did you mean ${near}?`}`)
}

async function missingArgument({ command, message }: UsageError): Promise<BenchError> {
  const argument = command.registeredArguments.find((each) => each.name() === quotedIn(message))
  if (argument === undefined) return new BenchError('bad-input', plain(message))
  // The ids of runs would not help to choose one; the description names the command that tells more.
  const names = argument.name() === 'run' ? [] : await namesOfArgument(command, argument)
  const what = `<${argument.name()}>: ${argument.description}`
  return missing(`${pathOf(command)} needs ${what}`, argument.description, names, examplesOf(command))
}

async function missingOption({ command, code, message }: UsageError): Promise<BenchError> {
  const option = command.options.find(({ flags }) => flags === quotedIn(message))
  if (option === undefined) return new BenchError('bad-input', plain(message))
  // Commander looks for missing options before it looks for misspelt ones, which may be the same.
  const unknown = command.args.find((word) => word.startsWith('--'))
  if (unknown !== undefined) return unknownOption(command, unknown)
  const { long, flags, description } = option
  const examples = examplesOf(command).filter((example) => example.includes(`${long} `))
  const problem =
    code === 'commander.optionMissingArgument' ? `${long} has no value` : `${pathOf(command)} needs ${flags}`
  return missing(`${problem}: ${description}`, description, await namesOfOption(option), examples)
}

/**
 * Returns the error for a missing part of a command, with the names to choose from, unless its description has them, and
 * an example.
 */
function missing(
  problem: string,
  description: string,
  names: readonly string[],
  [example]: readonly string[],
): BenchError {
  const known = names.every((name) => description.includes(name)) ? '' : ` (known: ${listed(names)})`
  const forExample = example === undefined ? '' : `; for example: ${example}`
  return new BenchError('bad-input', `${problem}${known}${forExample}`)
}

function excessArguments({ command }: UsageError): BenchError {
  const { registeredArguments: taken, args } = command
  const expected = taken.length === 0 ? 'no argument' : `only ${taken.map((each) => `<${each.name()}>`).join(' ')}`
  return new BenchError(
    'bad-input',
    `${pathOf(command)} takes ${expected}; leave out ${args.slice(taken.length).join(' ')}`,
  )
}

/** Returns Commander's message in the form of our own messages: `--jobs 0: expected …`. */
function otherFault({ message }: UsageError): BenchError {
  const words = plain(message)
    .replace(/^option '(?:-\w, )?(--[\w-]+).*?' argument '(.*)' is invalid\. (.*)$/s, '$1 $2: $3')
    .replace(/^option '(--[\w-]+).*' cannot be used with option '(--[\w-]+).*'$/, '$1 and $2 are given; leave one out')
  return new BenchError('bad-input', words)
}

/** Returns a message of Commander on one line, without the word `error`. */
const plain = (message: string): string => message.replace(/^error: /, '').replace(/\n/g, ' ')

/** Returns what a message of Commander names in quotes. */
const quotedIn = (message: string): string => /'(.*?)'/s.exec(message)?.[1] ?? ''

/** Returns the names of a command's subcommands. */
const namesIn = (command: Command): string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name())

/** Returns the examples at the end of a command's help text. */
function examplesOf(command: Command): string[] {
  const texts: string[] = []
  const { emit } = command as unknown as EventEmitter
  emit.call(command, 'afterHelp', { error: false, command, write: (text: string) => texts.push(text) })
  return texts.flatMap((text) => [...text.matchAll(/^ {2}(bench .*)$/gm)].map(([, example]) => example))
}
