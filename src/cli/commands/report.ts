/** `bench report`: writes an HTML page about runs, or a report folder to be committed. */
import { Command } from 'commander'
import { pluralize } from '../../core/plainText.ts'
import { writeReport } from '../../report/committed/reportFolder.ts'
import { figuresOf, tablesOf } from '../../report/content.ts'
import { type FigureKind, type FigureOptions, figureKinds, makeFigure } from '../../report/figures/index.ts'
import { downloadsOf } from '../../report/page/figureHtml.ts'
import { renderPage } from '../../report/page/page.ts'
import type { RunRecord } from '../../report/runRecord.ts'
import { writeNamedFile } from '../../system/namedFile.ts'
import { commaList, jsonOption, oneOf } from '../options.ts'
import { outputFormat, print } from '../output.ts'
import {
  addSelectionFlags,
  claimsFor,
  recipeOf,
  referenceNames,
  SELECTION_HELP,
  type SelectionFlags,
  selectRuns,
  selectWholeRuns,
  spaceOf,
} from '../runSelection.ts'

interface ReportFlags extends SelectionFlags {
  readonly out: string
  readonly folder?: string
  readonly title: string
  readonly published: string
  readonly mix?: boolean
  readonly claims?: string
  readonly compact?: boolean
  readonly figures?: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
}

export function reportCommand(): Command {
  const command = new Command('report')
    .summary('one HTML page with tables, interactive figures, cells and configurations')
    .description(
      'Writes one self-contained HTML file. With --folder it writes a report to be committed: page, tables and figures ' +
        'with the records that they are computed from, which bench verify checks.',
    )
    .argument('[items...]', SELECTION_HELP)
  return addSelectionFlags(command)
    .option('--out <file>', 'path of the page', 'report.html')
    .option('--folder <dir>', 'write a report folder in place of a page')
    .option('--title <text>', 'title of the page', 'Architecture search')
    .option(
      '--published <id>',
      'published rows below the table: an id as drnas-table-4, none, or auto: rows that fit, unless the search is reduced',
      'auto',
    )
    .option('--mix', 'allow runs of different protocols in one table, marked')
    .option(
      '--claims <file>',
      'claims of papers with the rules of their verdicts (YAML; default: those of the experiment file or report)',
    )
    .option(
      '--compact',
      'with --folder: write what is worth committing: tables, and all records in one small file; no page, no pictures',
    )
    .option(
      '--figures <kinds>',
      'draw only these figures, as hessian,cells (default: all that the runs have numbers for; with --compact none)',
      commaList,
    )
    .addOption(jsonOption())
    .option('--quiet', 'print nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  bench report --out report.html\n  bench report configs/nb201-table4.yaml --folder reports/table4',
    )
    .action(report)
}

/** What `bench report` has written: the page or folder, and the number of runs in it. */
interface Written {
  readonly path: string
  readonly runs: number
}

async function report(items: readonly string[], flags: ReportFlags, command: Command): Promise<void> {
  const { folder, title, published, mix = false, compact = false, plugin = [] } = flags
  const figures = flags.figures?.map(oneOf('kind of figure', Object.keys(figureKinds) as FigureKind[]))
  const claims = await claimsFor(items, flags)
  if (folder === undefined) outputFormat({ out: flags.out }, ['html'], 'html')
  const written = folder === undefined ? await page() : await wholeFolder(folder)
  if (flags.json) print(`${JSON.stringify(written, null, 2)}\n`)
  else if (!flags.quiet) print(`${written.path}: ${pluralize(written.runs, 'run')}\n`)

  async function page(): Promise<Written> {
    const isGiven = command.getOptionValueSource('title') === 'cli'
    const name = isGiven ? title : ((await recipeOf(items))?.title ?? title)
    const runs = await selectRuns(items, flags)
    const options = { ...(await context(runs)), published, mix, ...(claims && { claims }) }
    await requireNumbers(runs, options)
    const shown = await figuresOf(runs, options, (kind) => figures?.includes(kind) !== false)
    const { references } = options
    const downloads = downloadsOf(shown.map(({ figure }) => figure))
    const tables = tablesOf(runs, options)
    writeNamedFile(flags.out, renderPage({ title: name, runs, tables, figures: shown, references, downloads }))
    return { path: flags.out, runs: runs.length }
  }

  async function wholeFolder(path: string): Promise<Written> {
    const { runs, sources } = await selectWholeRuns(items, flags)
    const recipe = { schema: 1, title, published, mix, ...(claims && { claims }) } as const
    const isGiven = ([name]: readonly [string, unknown]) => command.getOptionValueSource(name) === 'cli'
    const given = {
      ...Object.fromEntries(Object.entries({ title, published, mix }).filter(isGiven)),
      ...(claims && { claims }),
    }
    const options = await context(runs)
    await requireNumbers(runs, options)
    const request = { folder: path, runs, sources, recipe, given, compact, figures, context: options }
    await writeReport(request, {
      spaceOf: (name) => spaceOf(name, plugin),
      references: await referenceNames(plugin),
    })
    return { path, runs: runs.length }
  }

  /**
   * Checks that the runs have the numbers for every figure that the user named.
   * @throws BenchError if they lack some
   */
  async function requireNumbers(runs: readonly RunRecord[], options: FigureOptions): Promise<void> {
    for (const kind of figures ?? []) await makeFigure(kind, runs, options)
  }

  async function context(runs: readonly RunRecord[]) {
    return { space: await spaceOf(runs[0].manifest.job.space, plugin), references: await referenceNames(plugin) }
  }
}
