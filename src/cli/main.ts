#!/usr/bin/env node
/** The table of contents of `bench`. A command's module is loaded when the command is given, and not before. */
import { Command } from 'commander'
import { packageVersion } from '../runner/environment.ts'
import { reportFailure, throwUsageErrors } from './failures.ts'

const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  run: {
    summary: 'run searches over seeds, look their architectures up, print mean ± std',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  status: {
    summary: 'what is finished, running, failed or missing in a store',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  query: {
    summary: 'look architectures up in a table: numbers, ranks, best, neighbours, correlations',
    load: async () => (await import('./query.ts')).queryCommand(),
  },
  tables: {
    summary: 'import lookup tables, and say what is in one',
    load: async () => (await import('./tables.ts')).tablesCommand(),
  },
  list: {
    summary: 'list algos, spaces, datasets, tables, backends, protocols or probes',
    load: async () => (await import('./list.ts')).listCommand(),
  },
  genotype: {
    summary: 'show an architecture: its cells, parameters and multiply-accumulates',
    load: async () => (await import('./genotype.ts')).genotypeCommand(),
  },
  doctor: {
    summary: 'what is installed on this machine, and what is missing',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
}

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('bench')
    .description('Compare neural-architecture-search algorithms fairly and fast.')
    .version(packageVersion)
    .addHelpText('after', '\nExamples:\n  bench run --algo drnas --space nb201 --seeds 4\n  bench run --help')
  for (const [name, { summary, load }] of Object.entries(commands)) {
    program.addCommand(name === argv[0] ? await load() : new Command(name).summary(summary).description(summary))
  }
  throwUsageErrors(program)
  await program.parseAsync(argv, { from: 'user' })
}

main(process.argv.slice(2)).catch(reportFailure)
