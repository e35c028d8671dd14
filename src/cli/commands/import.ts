/**
 * `bench import runs`: reads the results of other programs' searches from files and keeps them in the store as runs
 * marked as imported.
 */
import { Command, InvalidArgumentError } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { ImportedRuns } from '../../runner/imports/importRuns.ts'
import { DEFAULT_STORE, Store } from '../../runner/store/store.ts'
import { runProgress } from '../amountProgress.ts'
import { jsonOption, quietOption, seedNumber, storeOption } from '../options.ts'
import { print } from '../output.ts'

interface ImportFlags {
  readonly method?: string
  readonly seed?: number
  readonly dataset?: string
  readonly space: string
  readonly table?: string
  readonly answer?: number
  readonly skipUnknown?: boolean
  readonly store?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const EXAMPLES =
  '\nExamples:\n  bench import runs results.csv\n' +
  '  bench import runs search-*.log --method drnas --dataset cifar10 --answer epoch=49'

export function importCommand(): Command {
  const runs = new Command('runs')
    .summary('import runs from CSV, JSON lines, NASLib or logs')
    .description(
      'Reads what searches of other programs found, looks the architectures up in a table, and keeps them in the store as ' +
        'runs of the protocol "imported". The format is detected: CSV or JSON lines with method, seed, dataset, architecture ' +
        'and perhaps epoch and seconds; errors.json of NASLib; a log with an architecture in each epoch.\n' +
        'Importing a file again changes nothing.',
    )
    .argument('<files...>', 'files, gzipped or not')
    .option('--method <name>', 'name of the method (default: as in the file)')
    .option('--seed <n>', 'seed of a single run (default: as in the file, or in its name)', seedNumber)
    .option('--dataset <name>', 'dataset that was searched on (default: as in the file)')
    .option('--space <name>', 'search space of the architectures', 'nb201')
    .option('--table <name>', 'table to look architectures up in (default: one with the space and the dataset)')
    .option(
      '--answer <which>',
      'answer of the search: last, or epoch=N in the file’s numbering (default: last)',
      answer,
    )
    .option('--skip-unknown', 'leave out lines with architectures that space or table do not have')
    .addOption(storeOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', EXAMPLES)
    .action(importFiles)
  return new Command('import')
    .summary('take runs of other programs over')
    .description('Takes over what other programs made. For lookup tables, see `bench tables import FILE --as NAME`.')
    .addCommand(runs)
    .addHelpText('after', EXAMPLES)
}

/**
 * Parses `--answer`, the epoch whose architecture is taken as the search's result: `epoch=N` gives N, `last` undefined.
 */
function answer(text: string): number | undefined {
  if (text === 'last') return undefined
  const [, epoch] = /^epoch=(\d{1,6})$/.exec(text) ?? []
  if (epoch !== undefined) return Number(epoch)
  throw new InvalidArgumentError('expected last, or an epoch such as epoch=49')
}

async function importFiles(files: readonly string[], flags: ImportFlags): Promise<void> {
  const { space: name, answer: answerEpoch, json = false, quiet = false, store: folder, ...given } = flags
  const [{ openSpaces }, { importRuns }] = await Promise.all([
    import('../../spaces/index.ts'),
    import('../../runner/imports/importRuns.ts'),
  ])
  const space = (await openSpaces([])).space(name)
  const store = new Store(folder)
  const progress = quiet || json ? undefined : runProgress(process.stderr)
  const { method, seed, dataset, table, skipUnknown } = given
  const done = await importRuns(files, {
    space,
    store,
    ...(method !== undefined && { method }),
    ...(seed !== undefined && { seed }),
    ...(dataset !== undefined && { dataset }),
    ...(table !== undefined && { table }),
    ...(answerEpoch !== undefined && { answerEpoch }),
    ...(skipUnknown && { skipUnknown }),
    ...(progress && { onProgress: progress.show }),
  }).finally(() => progress?.end())
  if (json) print(`${JSON.stringify({ store: store.folder, ...done }, null, 2)}\n`)
  else print(`${sentences(done, folder ?? DEFAULT_STORE).join('\n')}\n`)
  if (done.imported.length + done.known.length === 0) {
    throw new BenchError(
      'bad-input',
      'all runs were left out, since none of their answers is an architecture of the table',
    )
  }
}

/** Returns the lines that are printed after an import: numbers of imported, already known and skipped runs. */
function sentences({ imported, known, skipped, skippedRuns, methods }: ImportedRuns, store: string): string[] {
  return [
    ...(imported.length > 0
      ? [`imported ${pluralize(imported.length, 'run')} of ${methods.join(', ')} into ${store}`]
      : []),
    ...(known.length > 0
      ? [`${pluralize(known.length, 'run')} imported before, with the same content: nothing to do`]
      : []),
    ...(skipped > 0
      ? [
          `left out ${pluralize(skipped, 'line')} with unknown architectures, and ${pluralize(skippedRuns, 'run')} with such an answer`,
        ]
      : []),
  ]
}
