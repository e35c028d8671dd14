/** `bench report`: writes an HTML page about runs, or a report folder to be committed. */
import { basename, resolve } from 'node:path'
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { COMPACT_RECORDS, isCompact, RECIPE, type ReportRecipe } from '../../report/committed/records.ts'
import { writeReport } from '../../report/committed/reportFolder.ts'
import { figuresOf, tablesOf } from '../../report/content.ts'
import { type FigureKind, type FigureOptions, figureKinds, makeFigure } from '../../report/figures/index.ts'
import { type ChecklistName, checklists, checklistText } from '../../report/kit/checklist.ts'
import { tableMeans } from '../../report/kit/improvement.ts'
import { computeOf, type PreliminaryCompute } from '../../report/kit/ledger.ts'
import { downloadsMaker } from '../../report/page/downloadsThread.ts'
import { renderPage } from '../../report/page/page.ts'
import type { RunRecord } from '../../report/runRecord.ts'
import { writeNamedFile } from '../../system/namedFile.ts'
import { commaList, jsonOption, oneOf, positiveNumber, repeated } from '../options.ts'
import { outputFormat, print, printAsideLine, writeOutput } from '../output.ts'
import {
  addSelectionFlags,
  claimsFor,
  isNarrowed,
  readReused,
  recipeOf,
  referenceNames,
  SELECTION_HELP,
  type SelectionFlags,
  selectedFolders,
  selectedStores,
  selectRunsInParts,
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

/** Returns those settings of a report that are known, without the undefined ones. */
const known = ({ claims, planned }: Pick<Undefinable<ReportRecipe>, 'claims' | 'planned'>) => ({
  ...(claims && { claims }),
  ...(planned && { planned }),
})

type Undefinable<T> = { readonly [Key in keyof T]: T[Key] | undefined }

/** What `bench report` has written: the page or folder, and the number of runs in it. */
interface Written {
  readonly path: string
  readonly runs: number
}

async function report(items: readonly string[], flags: ReportFlags, command: Command): Promise<void> {
  const { folder, title, published, mix = false, compact = false, kit = false, plugin = [] } = flags
  const figures = flags.figures?.map(oneOf('kind of figure', Object.keys(figureKinds) as FigureKind[]))
  const asked = flags.checklist?.map(oneOf('checklist', Object.keys(checklists) as ChecklistName[]))
  const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli'
  if (folder !== undefined && asked !== undefined) {
    throw new BenchError('bad-input', '--checklist prints answers; --folder writes them with --kit')
  }
  if (flags.interval !== undefined && !flags.watch)
    throw new BenchError('bad-input', '--interval is for --watch; add it')
  if (flags.watch && (folder !== undefined || asked !== undefined)) {
    const other = folder === undefined ? '--checklist' : '--folder'
    throw new BenchError('bad-input', `--watch writes a page again and again; leave out ${other}`)
  }
  const idle = folder === undefined && (['kit', 'compact'] as const).find((name) => flags[name])
  if (idle) throw new BenchError('bad-input', `--${idle} is for a report folder; name it with --folder`)
  const earlier = await recipeOf(items)
  const claims = await claimsFor(items, flags)
  // Which runs are missing is kept for a report that is made from another one, if it shows all its runs.
  const plannedEarlier = isNarrowed(flags) ? undefined : earlier?.planned
  if (asked !== undefined) return printChecklists(asked)
  if (folder === undefined) outputFormat({ out: flags.out }, ['html'], 'html')
  if (flags.watch) return watchRuns(flags.interval ?? 10)
  const written = folder === undefined ? await page() : await wholeFolder(folder)
  if (flags.json) print(`${JSON.stringify(written, null, 2)}\n`)
  else tell(written)

  function tell({ path, runs }: Written, more = ''): void {
    if (!flags.quiet) print(`${path}: ${pluralize(runs, 'run')}${more}\n`)
  }

  /** Writes the report page anew whenever records of its runs changed, until no run is running or Ctrl-C is pressed. */
  async function watchRuns(seconds: number): Promise<void> {
    const [{ patientWithSlurm, pause, stopSignal }, { queuedJobs }] = await Promise.all([
      import('../watchStatus.ts'),
      import('../../runner/slurm/arrays.ts'),
    ])
    const stop = stopSignal()
    const stores = await selectedStores(items, flags)
    const look = patientWithSlurm(() => stores.some((store) => store.isAtWork() || queuedJobs(store).size > 0))
    let last = ''
    let reason = ''
    try {
      while (!stop.signal.aborted) {
        // Asked first, since the last run may end between the two.
        const isAtWork = (await look()) ?? true
        const folders = await selectedFolders(items, flags)
        const running = folders.filter((run) => run.state() === 'running').length
        const goesOn = isAtWork || running > 0
        const stamp = [goesOn, ...folders.map((run) => `${run.id} ${run.state()} ${run.epochCount()}`)].join('\n')
        if (stamp !== last && (await write(goesOn, running))) last = stamp
        if (!goesOn) return
        await pause(1000 * seconds, stop.signal)
      }
      // The page that is left behind has nothing to wait for.
      if (last !== '') await page()
    } finally {
      stop.end()
    }

    /** Writes the page, and tells whether it could: the first runs may have no numbers yet. */
    async function write(goesOn: boolean, running: number): Promise<boolean> {
      try {
        const written = await page(goesOn ? seconds : undefined)
        if (flags.json) print(`${JSON.stringify({ ...written, running })}\n`)
        else tell(written, `, ${running} running`)
        return true
      } catch (error) {
        if (!goesOn || !(error instanceof BenchError)) throw error
        if (error.message !== reason && !flags.quiet) printAsideLine(`waiting: ${error.message}`)
        reason = error.message
        return false
      }
    }
  }

  async function printChecklists(names: readonly ChecklistName[]): Promise<void> {
    const out = isTyped('out') ? flags.out : undefined
    const format = outputFormat({ out, json: flags.json }, ['md', 'json'], 'md')
    const { runs, planned = plannedEarlier } = await selectWholeRuns(items, flags)
    const preliminary = await preliminaryTo(runs)
    const files = earlier && new Set([RECIPE, isCompact(earlier) ? COMPACT_RECORDS : 'runs', ...(earlier.files ?? [])])
    const evidence = {
      runs,
      references: await referenceNames(plugin),
      preliminary,
      ...known({ claims, planned }),
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
  async function preliminaryTo(runs: readonly RunRecord[]): Promise<readonly PreliminaryCompute[]> {
    if (flags.preliminary === undefined) return earlier?.preliminary ?? []
    const shown = new Set(runs.map(({ manifest }) => manifest.id))
    const sources = await readReused(flags.preliminary, flags)
    return sources.map(({ name, runs: all }) => ({
      name: basename(resolve(name)),
      ...computeOf(all.filter(({ manifest }) => !shown.has(manifest.id))),
    }))
  }

  /**
   * Writes the report as one HTML page.
   * @param refreshSeconds seconds after which a browser reloads the page; absent: never
   */
  async function page(refreshSeconds?: number): Promise<Written> {
    const name = isTyped('title') ? title : (earlier?.title ?? title)
    const { runs, parts, planned = plannedEarlier } = await selectRunsInParts(items, flags)
    const preliminary = await preliminaryTo(runs)
    const options = {
      ...(await context(runs)),
      ...{ published, mix, kit: true, preliminary, experiments: parts, tableMeans: await meansOf(runs) },
      ...known({ claims, planned }),
    }
    await requireNumbers(runs, options)
    const maker = downloadsMaker(runs.length)
    const shown = await figuresOf(runs, options, (kind) => figures?.includes(kind) !== false, maker.add)
    const { references } = options
    const tables = tablesOf(runs, options)
    const downloads = await maker.finish()
    const content = { title: name, runs, tables, figures: shown, references, planned, downloads }
    writeNamedFile(flags.out, renderPage({ ...content, ...(refreshSeconds !== undefined && { refreshSeconds }) }))
    return { path: flags.out, runs: runs.length }
  }

  /** Returns the means of the installed lookup tables, or else those that the report on these runs states. */
  async function meansOf(runs: readonly RunRecord[]) {
    const means = await tableMeans(runs)
    return means.length > 0 ? means : (earlier?.tableMeans ?? [])
  }

  async function wholeFolder(path: string): Promise<Written> {
    const { runs, parts, sources, planned = plannedEarlier } = await selectWholeRuns(items, flags)
    const preliminary = await preliminaryTo(runs)
    const means = kit ? await meansOf(runs) : []
    const added = {
      ...(means.length > 0 && { tableMeans: means }),
      ...(parts.length > 1 && { experiments: parts }),
      ...known({ claims, planned }),
      ...(kit && { kit }),
      ...(preliminary.length > 0 && { preliminary }),
    }
    const recipe = { schema: 1, title, published, mix, ...added } as const
    const given = {
      ...Object.fromEntries(Object.entries({ title, published, mix }).filter(([name]) => isTyped(name))),
      ...added,
    }
    const options = await context(runs)
    await requireNumbers(runs, options)
    const request = { folder: path, runs, sources: sources(), recipe, given, compact, figures, context: options }
    await writeReport(request, {
      spaceOf: (name) => spaceOf(name, plugin),
      references: await referenceNames(plugin),
    })
    return { path, runs: runs.length }
  }

  /**
   * Checks that every figure the user named can be drawn from the runs.
   * @throws BenchError if the runs lack data for one
   */
  async function requireNumbers(runs: readonly RunRecord[], options: FigureOptions): Promise<void> {
    for (const kind of figures ?? []) await makeFigure(kind, runs, options)
  }

  async function context(runs: readonly RunRecord[]) {
    return { space: await spaceOf(runs[0].manifest.job.space, plugin), references: await referenceNames(plugin) }
  }
}
