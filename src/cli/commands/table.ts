/** `bench table`: prints mean ± std of the accuracies of finished runs, one row for each method. */
import { Command, Option } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { againstTable } from '../../report/comparison/againstTable.ts'
import { type Claims, claimsTable } from '../../report/comparison/claims.ts'
import { type Comparison, compare } from '../../report/comparison/comparison.ts'
import { comparisonTable, type SummaryKind, summaries } from '../../report/comparison/comparisonTable.ts'
import { pairwiseTable } from '../../report/comparison/pairwiseTable.ts'
import { publishedBeside } from '../../report/comparison/published.ts'
import { areRetrained } from '../../report/comparison/retrainedRuns.ts'
import { retrainedTable } from '../../report/comparison/retrainedTable.ts'
import { sortedBy, withColumns } from '../../report/formats/arrange.ts'
import type { Tabular } from '../../report/formats/tabular.ts'
import { epochsTable } from '../../report/listings/epochsTable.ts'
import { commaList, jsonOption, oneOf, outOption } from '../options.ts'
import {
  FRAME_FORMATS,
  type FrameFormat,
  formatOption,
  outputFormat,
  requireFrameFile,
  writeFrame,
  writeOutput,
} from '../output.ts'
import { referenceNames, spaceOf } from '../pluginRegistry.ts'
import { publishedOption } from '../publishedOption.ts'
import { claimsFor, recipeOf, shownSettings } from '../reportSettings.ts'
import { addSelectionFlags, SELECTION_HELP, type SelectionFlags, selectRuns, selectWholeRuns } from '../runSelection.ts'

interface TableFlags extends SelectionFlags {
  readonly format?: FrameFormat | 'optuna'
  readonly summary: SummaryKind
  readonly published?: string
  readonly tests?: string | boolean
  readonly columns?: readonly string[]
  readonly sort?: string
  readonly claims?: string | boolean
  readonly mix?: boolean
  readonly epochs?: boolean
  readonly json?: boolean
  readonly out?: string
}

/** Output formats of `bench table`. `optuna` writes the evaluations of black-box searches instead of a table. */
const FORMATS = [...FRAME_FORMATS, 'optuna'] as const

const summaryNames = Object.keys(summaries)

export function tableCommand(): Command {
  const command = new Command('table')
    .summary('mean ± std of finished runs as text, Markdown, CSV, JSON or LaTeX')
    .description(
      'Compares finished runs in one table. Runs nothing: the same store gives the same table, byte for byte. ' +
        'The format optuna is a journal with the queries of black-box searches, for optuna-dashboard.',
    )
    .argument('[items...]', SELECTION_HELP)
  return addSelectionFlags(command)
    .addOption(formatOption('table', FORMATS).argParser(oneOf('format', FORMATS)))
    .option(
      '--summary <name>',
      `summary of the seeds: ${summaryNames.join(', ')}`,
      oneOf('summary', summaryNames),
      'std',
    )
    .addOption(publishedOption('as the report has them, or auto'))
    .addOption(
      new Option('--epochs', 'one row for each epoch of each run: losses, accuracies, probes').conflicts([
        'tests',
        'claims',
      ]),
    )
    .option('--columns <names>', 'only these columns, in this order, as "CIFAR-10 test,Seeds"', commaList)
    .option('--sort <column>', 'sort the searches by a column: numbers from the greatest on, texts by the alphabet')
    .option(
      '--tests [against=name]',
      'print paired tests of every search against the best one, or against the named one, with effect sizes',
    )
    .option(
      '--claims [file]',
      'print claims of papers with their verdicts (YAML; default: those of the experiment file or report)',
    )
    .option('--mix', 'allow runs of different protocols in one table, marked')
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench table --format md\n  bench table configs/nb201-table4.yaml --out table4.tex',
    )
    .action(table)
}

async function table(items: readonly string[], flags: TableFlags, command: Command): Promise<void> {
  const format = outputFormat<FrameFormat | 'optuna'>(flags, FORMATS, 'text')
  if (format === 'optuna') refuseIdle(command, 'optuna')
  else if (flags.epochs) refuseIdle(command, 'epochs')
  else if (flags.claims) refuseIdle(command, 'claims')
  else if (flags.tests) refuseIdle(command, 'tests')
  if (format === 'optuna') return writeOptunaJournal(items, flags)
  requireFrameFile(format, flags.out)
  const write = (content: Tabular) => {
    const sorted = flags.sort === undefined ? content : sortedBy(content, flags.sort)
    return writeFrame(flags.columns === undefined ? sorted : withColumns(sorted, flags.columns), format, flags.out)
  }
  if (flags.epochs) return write(epochsTable((await selectWholeRuns(items, flags)).runs))
  const runs = await selectRuns(items, flags)
  const references = await referenceNames(flags.plugin ?? [])
  if (flags.claims) return write(claimsTable(runs, await requiredClaims(items, flags), references))
  const { published, mix } = shownSettings(flags, await recipeOf(items))
  if (areRetrained(runs)) {
    refuseIdle(command, 'trained')
    return write(retrainedTable(runs, published))
  }
  const comparison = compare(runs, { mix })
  if (comparison.columns.length === 0) {
    throw new BenchError(
      'missing',
      'these runs have no looked-up numbers to compare; `bench retrain --help` says how to train what they found',
    )
  }
  if (flags.tests) return write(requiredTests(comparison, references, flags.tests))
  const content = comparisonTable(comparison, {
    summary: flags.summary,
    published: publishedBeside(comparison, published),
    references,
  })
  await write(content)
}

/** For each kind of output in which some options have no effect: these options, and why. */
const IDLE = {
  optuna: {
    why: '--format optuna writes no table',
    options: ['epochs', 'tests', 'claims', 'columns', 'sort', 'summary', 'published', 'mix'],
  },
  epochs: { why: '--epochs lists every epoch of each run', options: ['summary', 'published', 'mix'] },
  claims: { why: '--claims prints verdicts alone', options: ['tests', 'summary', 'published', 'mix'] },
  tests: { why: '--tests compares the runs seed by seed', options: ['summary', 'published'] },
  trained: {
    why: 'these are full trainings, which have one table of test errors',
    options: ['tests', 'summary', 'mix'],
  },
} as const satisfies Readonly<Record<string, { why: string; options: readonly (keyof TableFlags)[] }>>

/** Throws if the user typed an option that has no effect in this kind of output. @throws BenchError `bad-input` */
function refuseIdle(command: Command, kind: keyof typeof IDLE): void {
  const { why, options } = IDLE[kind]
  const idle = options.find((name) => command.getOptionValueSource(name) === 'cli' && !asksForNothing(command, name))
  if (idle !== undefined) throw new BenchError('bad-input', `${why}; leave out --${idle}`)
}

/** Returns whether an option asks for what the output is without it: no published rows. */
const asksForNothing = (command: Command, name: string): boolean =>
  name === 'published' && command.getOptionValue(name) === 'none'

/** Writes the evaluations of black-box searches as an Optuna journal. */
async function writeOptunaJournal(items: readonly string[], flags: TableFlags): Promise<void> {
  const { optunaJournal } = await import('../../report/listings/optunaJournal.ts')
  const { runs } = await selectWholeRuns(items, flags)
  writeOutput(await optunaJournal(runs, (name) => spaceOf(name, flags.plugin ?? [])), flags.out)
}

async function requiredClaims(items: readonly string[], flags: TableFlags): Promise<Claims> {
  const claims = await claimsFor(items, flags)
  if (claims !== undefined) return claims
  throw new BenchError('missing', 'there are no claims here; name their file with --claims FILE')
}

/**
 * Returns the table of paired significance tests between searches.
 * @param asked value of `--tests`: true, or `against=NAME`
 * @throws BenchError `missing` if the runs are too few, `bad-input` if they follow different protocols
 */
function requiredTests(comparison: Comparison, references: ReadonlySet<string>, asked: string | boolean): Tabular {
  if (comparison.mixed.length > 0) {
    const found = '--tests compares searches under one protocol, and these runs follow different ones'
    throw new BenchError('bad-input', `${found}; choose with --protocol, and leave out --mix`)
  }
  if (typeof asked === 'string') {
    const [, name] = /^against=(.+)$/s.exec(asked) ?? []
    if (name !== undefined) return againstTable(comparison, references, name)
    throw new BenchError('bad-input', `--tests ${asked}: expected --tests, or --tests against=NAME of a search`)
  }
  const tests = pairwiseTable(comparison, references)
  if (tests !== undefined) return tests
  throw new BenchError(
    'missing',
    'paired tests need two searches and a seed that all searches finished; run more of them, or choose with --algo',
  )
}
