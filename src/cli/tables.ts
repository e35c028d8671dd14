/** `bench tables` */
import { Command } from 'commander'
import { unknownName } from '../core/names.ts'
import type { SearchSpace } from '../core/space.ts'
import { manifestTable } from '../report/queryTables.ts'
import { renderTable } from '../report/tabular.ts'
import { builtinSpaces } from '../spaces/index.ts'
import type { Manifest } from '../tables/manifest.ts'
import { manifestPath, verifyTable } from '../tables/openTable.ts'
import { spaceIndex } from '../tables/spaceIndex.ts'
import { jsonOption, outOption } from './options.ts'
import { writeOutput } from './output.ts'
import { buildCommand, mergeCommand } from './tablesBuild.ts'

export function tablesCommand(): Command {
  return new Command('tables')
    .summary('import lookup tables, and say what is in one')
    .description(
      'Lookup tables: Arrow files with a manifest, made from the published sources or from trainings of one’s own.',
    )
    .addCommand(importCommand())
    .addCommand(infoCommand())
    .addCommand(buildCommand())
    .addCommand(mergeCommand())
}

interface ImportFlags {
  readonly as: string
  readonly space: string
  readonly mapping?: string
  readonly partial?: boolean
  readonly json?: boolean
}

function importCommand(): Command {
  return new Command('import')
    .description('Makes a table from a published source. Its format is found by looking into it.')
    .argument('<source>', 'a flat CSV file, gzipped or not')
    .requiredOption('--as <name>', 'name of the table')
    .option('--space <name>', 'search space of the architectures', 'nb201')
    .option('--mapping <file>', 'YAML file that says which column of a flat file is what')
    .option('--partial', 'accept fewer architectures than the space has')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench tables import nb201.csv.gz --as nb201\n' +
        '  bench tables import mine.csv --as mine --mapping mine.yaml --partial',
    )
    .action(importSource)
}

async function importSource(source: string, { as, space, mapping, partial, json }: ImportFlags): Promise<void> {
  const { importTable } = await import('../tables/importTable.ts')
  const { readMapping } = await import('../tables/importers/mapping.ts')
  const manifest = await importTable(source, {
    as,
    space: spaceIndex(spaceNamed(space)),
    partial,
    ...(mapping === undefined ? {} : { mapping: await readMapping(mapping) }),
  })
  await show(manifest, json)
}

function infoCommand(): Command {
  return new Command('info')
    .description('Says what is in a table, and checks the file against its manifest.')
    .argument('<table>', 'name or path')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench tables info nb201\n  bench tables info nb201 --json')
    .action(async (name: string, { json, out }: { json?: boolean; out?: string }) => {
      await show(await verifyTable(name), json, out, name)
    })
}

async function show(manifest: Manifest, json = false, out?: string, name = manifest.name): Promise<void> {
  const path = await manifestPath(name, {})
  writeOutput(json ? `${JSON.stringify(manifest, null, 2)}\n` : renderTable(manifestTable(manifest, path), 'text'), out)
}

/** @throws BenchError `unknown-name` with the nearest space */
function spaceNamed(name: string): SearchSpace {
  const spaces: Readonly<Record<string, SearchSpace>> = builtinSpaces
  const space = spaces[name]
  if (space === undefined) throw unknownName('space', name, Object.keys(spaces))
  return space
}
