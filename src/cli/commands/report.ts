/** `bench report`: writes an HTML page about runs, or a report folder to be committed. */
import { basename, resolve } from 'node:path'
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { COMPACT_RECORDS, isCompact, RECIPE, type ReportRecipe } from '../../report/committed/records.ts'
import { writeReport } from '../../report/committed/reportFolder.ts'
import type { Claims } from '../../report/comparison/claims.ts'
import { areRetrained } from '../../report/comparison/retrainedRuns.ts'
import { figuresOf, requireComparable, tablesOf } from '../../report/content.ts'
import { type FigureKind, figureKinds, makeFigure } from '../../report/figures/index.ts'
import { type ChecklistName, checklists, checklistText } from '../../report/kit/checklist/index.ts'
import { tableMeans } from '../../report/kit/improvement.ts'
import { computeOf, type PreliminaryCompute } from '../../report/kit/ledger.ts'
import { downloadsMaker } from '../../report/page/downloadsThread.ts'
import { renderPage } from '../../report/page/page.ts'
import type { PlannedRuns } from '../../report/plannedRuns.ts'
import type { RunRecord } from '../../report/runRecord.ts'
import { writeNamedFile } from '../../system/namedFile.ts'
import { commaList, jsonOption, oneOf, positiveNumber, repeated } from '../options.ts'
import { outputFormat, print, writeOutput } from '../output.ts'
import { referenceNames, spaceOf } from '../pluginRegistry.ts'
import { publishedOption } from '../publishedOption.ts'
import { claimsFor, DEFAULT_TITLE, recipeOf, shownSettings } from '../reportSettings.ts'
import { readReused } from '../reuseRuns.ts'
import {
  addSelectionFlags,
  isNarrowed,
  SELECTION_HELP,
  type SelectionFlags,
  selectRunsInParts,
  selectWholeRuns,
} from '../runSelection.ts'

interface ReportFlags extends SelectionFlags {
  readonly out: string
  readonly folder?: string
  readonly title?: string
  readonly published?: string
  readonly mix?: boolean
  readonly claims?: string
  readonly checklist?: readonly ChecklistName[]
  readonly kit?: boolean
  readonly preliminary?: readonly string[]
  readonly compact?: boolean
  readonly figures?: readonly string[]
  readonly watch?: boolean
  /** Seconds between two checks for new epochs or runs, with `--watch`. */
  readonly interval?: number
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
    .option('--title <text>', `title of the page (default: as the report has it, or "${DEFAULT_TITLE}")`)
    .addOption(publishedOption('as the report has them, or auto'))
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
    .option(
      '--checklist <names>',
      `print answers to checklists: ${Object.keys(checklists).join(', ')} (Markdown; --out FILE.md writes them)`,
      commaList,
    )
    .option('--kit', 'with --folder: add what a paper needs: checklists, compute, sources of settings, reproduce.sh')
    .option('--preliminary <store>', 'other runs that were made for the report, counted in its compute', repeated)
    .option('--watch', 'write the page anew as runs proceed, until none runs; the open page refreshes itself')
    .option('--interval <seconds>', 'with --watch: seconds between two looks (default: 10)', positiveNumber)
    .addOption(jsonOption())
    .option('--quiet', 'print nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  bench report --out report.html\n  bench report configs/nb201-table4.yaml --folder reports/table4 --kit',
    )
    .action(report)
}

/** What a call of `bench report` asks for, with what the report or experiment file that it names adds. */
interface Request {
  readonly items: readonly string[]
  readonly flags: ReportFlags
  /** The only figures to draw; absent: all that the runs have numbers for. */
  readonly figures?: readonly FigureKind[]
  /** The settings of the report that is read, if only one is. */
  readonly earlier?: ReportRecipe
  readonly claims?: Claims
  /** The planned runs that the report that is read states, if all its runs are shown. */
  readonly planned?: PlannedRuns
  /** Whether the user typed `--out`. */
  readonly namesFile: boolean
}

/** What `bench report` has written: the page or folder, and the number of runs in it. */
interface Written {
  readonly path: string
  readonly runs: number
}

async function report(items: readonly string[], flags: ReportFlags, command: Command): Promise<void> {
  const figures = flags.figures?.map(oneOf('kind of figure', Object.keys(figureKinds) as FigureKind[]))
  const names = flags.checklist?.map(oneOf('checklist', Object.keys(checklists) as ChecklistName[]))
  const namesFile = command.getOptionValueSource('out') === 'cli'
  refuseIdle(flags, namesFile)
  const earlier = await recipeOf(items)
  const claims = await claimsFor(items, flags)
  const planned = isNarrowed(flags) ? undefined : earlier?.planned
  const request: Request = {
    ...{ items, flags, namesFile },
    ...(figures && { figures }),
    ...(earlier && { earlier }),
    ...(claims && { claims }),
    ...(planned && { planned }),
  }
  if (names !== undefined) return printChecklists(request, names)
  if (flags.folder === undefined) outputFormat({ out: flags.out }, ['html'], 'html')
  if (flags.watch) return watchPage(request)
  const written = flags.folder === undefined ? await writePage(request) : await writeFolder(request, flags.folder)
  if (flags.json) print(`${JSON.stringify(written, null, 2)}\n`)
  else if (!flags.quiet) print(`${summaryOf(written)}\n`)
}

/** Throws if an option has no effect together with the other options given. @throws BenchError `bad-input` */
function refuseIdle(flags: ReportFlags, namesFile: boolean): void {
  const { folder, checklist, watch, interval, kit, compact } = flags
  if (folder !== undefined && checklist !== undefined) {
    throw new BenchError('bad-input', '--checklist prints answers; --folder writes them with --kit')
  }
  if (interval !== undefined && !watch) throw new BenchError('bad-input', '--interval is for --watch; add it')
  if (watch && (folder !== undefined || checklist !== undefined)) {
    const other = folder === undefined ? '--checklist' : '--folder'
    throw new BenchError('bad-input', `--watch writes a page again and again; leave out ${other}`)
  }
  if (folder !== undefined && namesFile) {
    throw new BenchError('bad-input', '--folder writes the page into the folder; leave out --out')
  }
  const idle = OF_PAGES.find((name) => checklist !== undefined && flags[name] !== undefined)
  if (idle !== undefined) {
    throw new BenchError('bad-input', `--checklist prints answers, no page; leave out --${idle}`)
  }
  if (folder !== undefined || !(kit || compact)) return
  throw new BenchError('bad-input', `--${kit ? 'kit' : 'compact'} is for a report folder; name it with --folder`)
}

/** Options that change pages and report folders, and not the answers to checklists. */
const OF_PAGES = ['title', 'published', 'mix', 'figures', 'quiet'] as const

/** @throws BenchError `bad-input` if the user typed `--mix` for full trainings, which are listed with their settings */
function refuseIdleMix(runs: readonly RunRecord[], { mix }: ReportFlags): void {
  if (mix && areRetrained(runs)) {
    throw new BenchError('bad-input', 'these are full trainings, which need no --mix; leave it out')
  }
}

const summaryOf = ({ path, runs }: Written): string => `${path}: ${pluralize(runs, 'run')}`

/** Writes the report page anew as its runs proceed, and prints that it did. */
async function watchPage(request: Request): Promise<void> {
  const { items, flags } = request
  const { watchReport } = await import('../watchReport.ts')
  await watchReport(items, flags, {
    write: (refreshSeconds) => writePage(request, refreshSeconds),
    tell(written, running) {
      if (flags.json) print(`${JSON.stringify({ ...written, running })}\n`)
      else if (!flags.quiet) print(`${summaryOf(written)}, ${running} running\n`)
    },
  })
}

async function printChecklists(request: Request, names: readonly ChecklistName[]): Promise<void> {
  const { items, flags, earlier, claims, namesFile } = request
  const out = namesFile ? flags.out : undefined
  const format = outputFormat({ out, json: flags.json }, ['md', 'json'], 'md')
  const { runs, planned = request.planned } = await selectWholeRuns(items, flags)
  const files = earlier && new Set([RECIPE, isCompact(earlier) ? COMPACT_RECORDS : 'runs', ...(earlier.files ?? [])])
  const evidence = {
    runs,
    references: await referenceNames(flags.plugin ?? []),
    preliminary: await preliminaryTo(request, runs),
    ...(claims && { claims }),
    ...(planned && { planned }),
    ...(files && { files }),
  }
  const texts = names.map((name) => [name, checklistText(name, evidence)] as const)
  const text = format === 'json' ? `${JSON.stringify(Object.fromEntries(texts), null, 2)}\n` : undefined
  writeOutput(text ?? texts.map(([, markdown]) => markdown).join('\n'), out)
}

/**
 * Returns the compute spent on the runs in each store or report that `--preliminary` names, without runs that this
 * report shows.
 */
async function preliminaryTo(
  { flags, earlier }: Request,
  runs: readonly RunRecord[],
): Promise<readonly PreliminaryCompute[]> {
  if (flags.preliminary === undefined) return earlier?.preliminary ?? []
  const shown = new Set(runs.map(({ manifest }) => manifest.id))
  const sources = await readReused(flags.preliminary, flags)
  return sources.map(({ name, runs: all }) => ({
    name: basename(resolve(name)),
    ...computeOf(all.filter(({ manifest }) => !shown.has(manifest.id))),
  }))
}

/** Returns the means of the installed lookup tables, or else those that the report on these runs states. */
async function meansOf({ earlier }: Request, runs: readonly RunRecord[]) {
  const means = await tableMeans(runs)
  return means.length > 0 ? means : (earlier?.tableMeans ?? [])
}

/**
 * Writes the report as one HTML page.
 * @param refreshSeconds seconds after which a browser reloads the page; absent: never
 */
async function writePage(request: Request, refreshSeconds?: number): Promise<Written> {
  const { items, flags, figures, earlier, claims } = request
  const { out } = flags
  const { title, published, mix } = shownSettings(flags, earlier)
  const { runs, parts, planned = request.planned } = await selectRunsInParts(items, flags)
  refuseIdleMix(runs, flags)
  const preliminary = await preliminaryTo(request, runs)
  const options = {
    ...(await figureContext(request, runs)),
    ...{ published, mix, kit: true, preliminary, experiments: parts, tableMeans: await meansOf(request, runs) },
    ...(claims && { claims }),
    ...(planned && { planned }),
  }
  requireComparable(runs, options)
  const maker = downloadsMaker(runs.length)
  try {
    const shown = await figuresOf(runs, options, (kind) => figures?.includes(kind) !== false, maker.add)
    const tables = tablesOf(runs, options)
    const content = {
      ...{ title, runs, planned },
      ...{ tables, figures: shown, references: options.references, downloads: await maker.finish() },
      ...(refreshSeconds !== undefined && { refreshSeconds }),
    }
    writeNamedFile(out, renderPage(content))
  } finally {
    await maker.close()
  }
  return { path: out, runs: runs.length }
}

/** Writes the report as a folder to be committed. */
async function writeFolder(request: Request, folder: string): Promise<Written> {
  const { items, flags, figures, earlier, claims } = request
  const { compact = false, kit = false, plugin = [] } = flags
  const { runs, parts, sources, planned = request.planned } = await selectWholeRuns(items, flags)
  refuseIdleMix(runs, flags)
  const preliminary = await preliminaryTo(request, runs)
  const means = kit ? await meansOf(request, runs) : []
  const added = {
    ...(means.length > 0 && { tableMeans: means }),
    ...(parts.length > 1 && { experiments: parts }),
    ...(claims && { claims }),
    ...(planned && { planned }),
    ...(kit && { kit }),
    ...(preliminary.length > 0 && { preliminary }),
  }
  const settings = shownSettings(flags, earlier ?? (await recipeOf([folder])))
  const context = await figureContext(request, runs)
  await writeReport(
    {
      ...{ folder, runs, sources: sources(), compact, figures, context },
      recipe: { schema: 1, ...settings, ...added },
    },
    { spaceOf: (name) => spaceOf(name, plugin), references: context.references },
  )
  return { path: folder, runs: runs.length }
}

/**
 * Returns what figures of these runs need beside them, after checking that every figure the user named can be drawn.
 * @throws BenchError if the runs lack data for one
 */
async function figureContext({ flags: { plugin = [] }, figures = [] }: Request, runs: readonly RunRecord[]) {
  const space = await spaceOf(runs[0].manifest.job.space, plugin)
  const context = { space, references: await referenceNames(plugin) }
  for (const kind of figures) await makeFigure(kind, runs, context)
  return context
}
