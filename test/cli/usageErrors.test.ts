import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { commands, programFor } from '../../src/cli/program.ts'
import { explainUsage, throwUsageErrors } from '../../src/cli/usageErrors.ts'

/** Returns what the program says about a command line that it refuses. */
async function refusal(...argv: readonly string[]): Promise<string> {
  const program = await programFor(argv)
  throwUsageErrors(program)
  const error = await program
    .parseAsync(argv, { from: 'user' })
    .catch(explainUsage)
    .catch((error) => error)
  return error.message
}

/** Yields the words of all commands without subcommands. */
async function* leaves(): AsyncGenerator<{ words: string[]; command: Command }> {
  for (const [name, , load] of commands) {
    const command = await load()
    if (command.commands.length === 0) yield { words: [name], command }
    for (const subcommand of command.commands) yield { words: [name, subcommand.name()], command: subcommand }
  }
}

test('every command that needs an argument or option says what it is, and gives an example', async () => {
  const needy: string[] = []
  for await (const { words, command } of leaves()) {
    const needs = command.options.some(({ mandatory }) => mandatory) || command.registeredArguments[0]?.required
    if (!needs) continue
    needy.push(words.join(' '))
    const message = await refusal(...words)
    expect(message).toMatch(new RegExp(`^${words.join(' ')} needs (<|--)[\\w <-]+>: \\w`))
    expect(message).toMatch(new RegExp(`; for example: bench ${words.join(' ')} \\S`))
  }
  expect(needy).toEqual(expect.arrayContaining(['plot', 'pareto', 'export', 'tables import', 'data fetch', 'new algo']))
})

test('every command refuses an unknown option with the command that lists its options', async () => {
  for await (const { words } of leaves()) {
    expect(await refusal(...words, '--xyzzy-x')).toBe(
      `unknown option '--xyzzy-x'; \`bench ${words.join(' ')} --help\` lists the options`,
    )
  }
})

test('a misspelt option is named before the missing one', async () => {
  expect(await refusal('retrain', '--genotpe', 'DARTS_V2')).toBe("unknown option '--genotpe'; did you mean --genotype?")
})

test('an argument too many is named with what the command takes', async () => {
  expect(await refusal('doctor', 'a', 'b')).toBe('doctor takes no argument; leave out a b')
  expect(await refusal('new', 'score', 'a', 'b')).toBe('new score takes only <name>; leave out b')
})
