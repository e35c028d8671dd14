/** The words of a command of bench, read as the program reads them. */
import type { Command } from 'commander'
import { programFor } from '../../src/cli/program.ts'
import { throwUsageErrors } from '../../src/cli/usageErrors.ts'
import { wordsOf } from './shell.ts'

/** Reads the words of a command as the program does, and does nothing. @throws what is wrong with them */
export async function parseCommand(line: string): Promise<void> {
  const [bench, ...argv] = wordsOf(line)
  if (bench !== 'bench') throw new Error(`${line} is no command of bench`)
  const program = await programFor(argv)
  throwUsageErrors(program)
  disarm(program)
  await program.parseAsync(argv, { from: 'user' }).catch((error: { code?: string }) => {
    if (!['commander.helpDisplayed', 'commander.version'].includes(error.code ?? '')) throw error
  })
}

function disarm(command: Command): void {
  if (command.commands.length === 0) command.action(() => {})
  command.configureOutput({ writeOut: () => {} })
  for (const subcommand of command.commands) disarm(subcommand)
}
