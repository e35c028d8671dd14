/** `bench tables`: imports, fetches and describes lookup tables; `tablesBuild.ts` builds and merges them. */
import { Command } from 'commander'
import { manifestTable } from '../../report/listings/queryTables.ts'
import { openSpaces } from '../../spaces/index.ts'
import { cores } from '../../system/cores.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { manifestPath, verifyTable } from '../../tables/openTable.ts'
import { spaceIndex } from '../../tables/spaceIndex.ts'
import { importProgress, transferProgress } from '../amountProgress.ts'
import { jsonOption, outOption, positiveInteger, quietOption, repeated } from '../options.ts'
import { printAsideLine, tableFormat, writeOutput, writeTable } from '../output.ts'
import { buildCommand, mergeCommand } from './tablesBuild.ts'

export function tablesCommand(): Command {
  return new Command('tables')
    .summary('import, fetch, build and merge lookup tables')
    .description('Lookup tables: Arrow files with a manifest, made from published sources or from your own trainings.')
    .addCommand(importCommand())
    .addCommand(fetchCommand())
    .addCommand(infoCommand())
    .addCommand(buildCommand())
    .addCommand(mergeCommand())
    .addHelpText('after', '\nExamples:\n  bench tables info nb201-micro\n  bench tables import nb201.csv.gz --as nb201')
}

interface ImportFlags {
  readonly as: string
  readonly space?: string
  readonly plugin?: readonly string[]
  readonly mapping?: string
  readonly partial?: boolean
  readonly curves: boolean
  readonly jobs: number
  readonly json?: boolean
  readonly quiet?: boolean
}

const importOptions = (command: Command): Command =>
  command
    .option('--space <name>', 'search space of the architectures (default: the mapping’s, else nb201)')
    .option('--plugin <file>', 'plugin that brings the space', repeated)
    .option('--mapping <file>', 'YAML file with what the source leaves open: columns, splits, seeds')
    .option('--partial', 'accept fewer architectures than the space has')
    .option('--no-curves', 'leave out the curves of every epoch')
    .option('--jobs <n>', 'threads', positiveInteger, cores())
    .addOption(jsonOption())
    .addOption(quietOption())

function importCommand(): Command {
  const command = new Command('import')
    .summary('make a table from a published source')
    .description(
      'Makes a table from a published source, whose format is detected: a folder or tar archive of NATS-Bench records, a ' +
        '.pth file of NAS-Bench-201, a pickle of NASLib, a flat CSV or Parquet file.\n' +
        'After an interruption, the same command continues.',
    )
    .argument('<source>', 'folder or file')
    .requiredOption('--as <name>', 'name of the table')
    .addHelpText(
      'after',
      '\nExamples:\n  bench tables import NATS-tss-v1_0-3ffb9-simple.tar --as nb201\n' +
        '  bench tables import mine.csv --as mine --mapping mine.yaml --partial',
    )
    .action(importSource)
  return importOptions(command)
}

async function importSource(source: string, flags: ImportFlags): Promise<void> {
  const { importTable } = await import('../../tables/importTable.ts')
  const progress = showsProgress(flags) ? importProgress(process.stderr) : undefined
  const options = { ...(await importSettings(flags)), as: flags.as, ...(progress && { onProgress: progress.show }) }
  const manifest = await importTable(source, options).finally(() => progress?.end())
  await printManifest(manifest, flags.json)
}

const showsProgress = ({ quiet = false, json = false }: ImportFlags): boolean => !quiet && !json

async function importSettings({ space: name, plugin = [], mapping: path, partial, curves, jobs }: ImportFlags) {
  const { identityMapping, readMapping } = await import('../../tables/importers/mapping.ts')
  const mapping = path === undefined ? identityMapping : await readMapping(path)
  const space = (await openSpaces(plugin)).space(name ?? mapping.space ?? 'nb201')
  return { space: spaceIndex(space), plugins: plugin, partial, curves, jobs, mapping }
}

interface FetchFlags extends Omit<ImportFlags, 'as'> {
  readonly as?: string
  readonly url?: string
  readonly sha256?: string
}

function fetchCommand(): Command {
  const command = new Command('fetch')
    .summary('download a published source and make a table from it')
    .description(
      'Downloads a published source, checks its hash and imports it. After an interruption, the same command continues.\n' +
        'The known sources are listed in tables/sources.yaml.',
    )
    .argument('<name>', 'nb201, or any name with --url')
    .option('--as <name>', 'name of the table (default: the same)')
    .option('--url <address>', 'file to fetch in place of the published one')
    .option('--sha256 <hash>', 'expected SHA-256 of the file')
    .addHelpText(
      'after',
      '\nExamples:\n  bench tables fetch nb201\n  bench tables fetch mine --url https://host/mine.csv.gz --sha256 5f3a…',
    )
    .action(fetchSource)
  return importOptions(command)
}

async function fetchSource(name: string, flags: FetchFlags): Promise<void> {
  const { fetchTable } = await import('../../tables/importTable.ts')
  const { as = name, url, sha256 } = flags
  const named = { ...flags, as }
  const bytes = showsProgress(named) ? transferProgress(process.stderr) : undefined
  const architectures = showsProgress(named) ? importProgress(process.stderr) : undefined
  const manifest = await fetchTable(name, {
    ...(await importSettings(named)),
    as,
    ...(url === undefined ? {} : { url }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(bytes && { onDownload: bytes.show, onWait: printAsideLine }),
    ...(architectures && { onImport: architectures.show }),
  }).finally(() => {
    bytes?.end()
    architectures?.end()
  })
  await printManifest(manifest, flags.json)
}

function infoCommand(): Command {
  return new Command('info')
    .summary('describe a table, and check its file')
    .description('Describes a table, and checks the file against its manifest.')
    .argument('<table>', 'name or path')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText('after', '\nExamples:\n  bench tables info nb201\n  bench tables info nb201 --json')
    .action(async (name: string, { json, out }: { json?: boolean; out?: string }) => {
      await printManifest(await verifyTable(name), json, out, name)
    })
}

async function printManifest(manifest: Manifest, json = false, out?: string, name = manifest.name): Promise<void> {
  const path = await manifestPath(name, {})
  const format = tableFormat({ json, out })
  const content = manifestTable(manifest, path)
  if (format === 'json') writeOutput(`${JSON.stringify(manifest, null, 2)}\n`, out)
  else writeTable(content, format, out)
}
