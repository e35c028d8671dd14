/**
 * `bench completion`: prints the script by which a shell completes commands, options, algorithms, tables, protocols and
 * other names; and the hidden `bench complete`, which such a script calls at every press of the tab key.
 */
import { Command } from 'commander'
import { LISTS, namesOfArgument, namesOfOption } from '../knownNames.ts'
import { jsonOption, oneOf } from '../options.ts'
import { print } from '../output.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

/**
 * The completion script for each shell. It passes the words up to the cursor to `bench complete` and offers the lines
 * that this prints as completions; if it prints nothing, the script offers file names.
 */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_bench_complete() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _bench_complete bench nas-bench-harness
`,
  zsh: `#compdef bench nas-bench-harness
_bench_complete() {
  local -a names
  names=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${names[*]}" ]]; then
    compadd -- "\${names[@]}"
  else
    _files
  fi
}
compdef _bench_complete bench nas-bench-harness
`,
  fish: `function __bench_complete
    set -l words (commandline -opc)
    set -l names ($words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $names) -gt 0
        printf '%s\\n' $names
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c bench -f -a '(__bench_complete)'
complete -c nas-bench-harness -f -a '(__bench_complete)'
`,
}

const INSTALLATION: Readonly<Record<Shell, string>> = {
  bash: 'add to ~/.bashrc: eval "$(bench completion bash)"',
  zsh: 'add to ~/.zshrc, below compinit: eval "$(bench completion zsh)"',
  fish: 'bench completion fish > ~/.config/fish/completions/bench.fish',
}

export function completionCommand(): Command {
  return new Command('completion')
    .summary('print the completion script of a shell: bash, zsh, fish')
    .description(
      'Prints a script with which the tab key completes commands, options, algorithms, tables, protocols and other ' +
        'names. In ~/.bashrc and, below compinit, in ~/.zshrc the line `eval "$(bench completion bash)"` (or zsh) loads ' +
        'it; fish reads it from ~/.config/fish/completions/bench.fish.',
    )
    .argument('<shell>', SHELLS.join(', '), oneOf('shell', SHELLS))
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  bench completion bash\n  bench completion fish --json')
    .action((shell: Shell, { json }: { readonly json?: boolean }) => {
      const script = SCRIPTS[shell]
      print(json ? `${JSON.stringify({ shell, script, installation: INSTALLATION[shell] }, null, 2)}\n` : script)
    })
}

/**
 * Returns the hidden command `bench complete`, which prints the possible completions of the last word, one per line.
 */
export function completeCommand(): Command {
  return new Command('complete')
    .description('Prints the completions of the last word. The scripts of bench completion call it.')
    .argument('[words...]', 'words after the program’s name, up to the cursor')
    .action(async (words: readonly string[]) => {
      // A shell has no use for an error message at a press of the tab key.
      const found = await completions(words).catch(() => [])
      print(found.map((each) => `${each}\n`).join(''))
    })
}

/**
 * Returns the possible completions of the last word; none where a file name or free text is expected.
 * @param words words after the program's name, up to the cursor; the last one may be empty
 */
export async function completions(words: readonly string[]): Promise<readonly string[]> {
  const { commands, programFor } = await import('../program.ts')
  // Bash takes the equals sign of --option=value for a word of its own.
  const typed = words
    .filter((word, i) => word !== '=' || i === words.length - 1)
    .map((word) => (word === '=' ? '' : word))
  const last = typed.at(-1) ?? ''
  const earlier = typed.slice(0, -1)
  const matching = (names: readonly string[], start = last) =>
    [...new Set(names)].filter((name) => name.startsWith(start)).sort()
  if (earlier.length === 0) return matching([...commands.map(([name]) => name), '--help', '--version'])

  const program = await programFor([earlier[0]])
  const { command, args } = commandOf(program, earlier)
  if (args === undefined) return []
  const [, joined, value] = /^(--[\w-]+)=(.*)$/s.exec(last) ?? []
  const before = command.options.find(({ long, short }) => [long, short].includes(joined ?? earlier.at(-1)))
  if (before !== undefined && (before.required || (before.optional && joined !== undefined))) {
    const text = value ?? last
    const names = await namesOfOption(before)
    // The names of a list are completed one by one.
    const done = LISTS.has(before.long ?? '') ? text.slice(0, text.lastIndexOf(',') + 1) : ''
    return matching(names, text.slice(done.length)).map(
      (name) => `${joined === undefined ? '' : `${joined}=`}${done}${name}`,
    )
  }
  if (last.startsWith('-')) return matching([...command.options.flatMap(({ long }) => long ?? []), '--help'])
  if (command.commands.length > 0) return matching(command.commands.map((each) => each.name()))
  const [argument] = command.registeredArguments
  return argument === undefined || args.length > 0 ? [] : matching(await namesOfArgument(command, argument))
}

/**
 * Returns the command or subcommand that words on the command line name, and the arguments that follow its name;
 * arguments undefined if there is no such command.
 */
function commandOf(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly args?: string[] } {
  let command = program
  const args: string[] = []
  for (let i = 0; i < words.length; i++) {
    const option = command.options.find(({ long, short }) => [long, short].includes(words[i]))
    if (option?.required) i++
    if (option !== undefined || words[i].startsWith('-')) continue
    const next = command.commands.find((each) => each.name() === words[i])
    if (next !== undefined) command = next
    else if (command.commands.length > 0) return { command }
    else args.push(words[i])
  }
  return { command, args }
}
