/**
 * `bench verify`: recomputes committed reports from their run records and compares every number with the committed
 * files.
 */
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { updateReport } from '../../report/committed/reportFolder.ts'
import { type Finding, type VerifyOptions, verifyRecords, verifyReport } from '../../report/committed/verify.ts'
import { jsonOption, repeated, storeOption } from '../options.ts'
import { print } from '../output.ts'
import { type Place, placesOf } from '../places.ts'
import { referenceNames, spaceOf } from '../pluginRegistry.ts'
import { readWholeRuns, recordsAt } from '../runSelection.ts'

interface VerifyFlags {
  readonly store?: string
  readonly plugin?: readonly string[]
  readonly update?: boolean
  readonly json?: boolean
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('recompute committed reports from their records, and fail with a diff if a number differs')
    .description(
      'Recomputes the tables and figures of report folders from the records in them, without a GPU or lookup table. If ' +
        'the table is on this machine, looked-up numbers are compared with it, too. For a store or a run, the records are ' +
        'checked. With --update, tables, figures and page of a report are written again first.',
    )
    .argument('<items...>', 'report folders, folders of reports, stores, run folders, experiment files, or run ids')
    .addOption(storeOption())
    .option('--plugin <file>', 'a plugin with spaces or algorithms of these runs', repeated)
    .option('--update', 'write the reports again from their records, then verify')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  bench verify reports\n  bench verify reports/table4 --update')
    .action(verify)
}

async function verify(items: readonly string[], flags: VerifyFlags): Promise<void> {
  const { plugin = [], update, json } = flags
  const known = { spaceOf: (name: string) => spaceOf(name, plugin), references: await referenceNames(plugin) }
  const places = items.flatMap((item) => placesOf(item, flags.store).map((place) => ({ item, place })))
  const other = places.find(({ place }) => place.kind !== 'report')
  if (update && other !== undefined) {
    throw new BenchError('bad-input', `--update writes reports again, and ${other.item} is not a report; leave it out`)
  }
  const findings: Finding[] = []
  for (const { item, place } of places) findings.push(await verifyPlace(item, place, flags, known))
  print(json ? `${JSON.stringify(findings, null, 2)}\n` : findings.map(findingText).join(''))
  if (findings.some(({ differences }) => differences.length > 0)) process.exitCode = 1
}

/**
 * Recomputes and compares a report, or checks the run records of a store or run. Returns the differences found.
 * @throws BenchError `missing` if there are no runs
 */
async function verifyPlace(item: string, place: Place, flags: VerifyFlags, known: VerifyOptions): Promise<Finding> {
  if (place.kind === 'report') {
    if (flags.update) await updateReport(place.folder, known)
    return verifyReport(place.folder, known)
  }
  const runs = await recordsAt(place, flags, readWholeRuns)
  if (runs.length > 0) return verifyRecords(item, runs)
  const remedy = '`bench run --help` and `bench report --help` say how they are made'
  throw new BenchError('missing', `${item} holds neither a report nor runs; ${remedy}`)
}

/** Returns the printed lines about one checked report, store or run: whether it is correct, and every difference. */
function findingText({ report, runs, files, lookedUpAgain, differences }: Finding): string {
  const table =
    lookedUpAgain === undefined ? 'table not here' : `${pluralize(lookedUpAgain, 'architecture')} looked up again`
  const what =
    files === undefined
      ? `records of ${pluralize(runs, 'run')} checked`
      : `${pluralize(files, 'file')} recomputed from ${pluralize(runs, 'run')}`
  const head = `${differences.length === 0 ? 'ok  ' : 'FAIL'} ${report}: ${what}; ${table}\n`
  return (
    head +
    differences
      .map(({ file, lines }) => `${[`  ${file}`, ...lines.map((line) => `    ${line}`)].join('\n')}\n`)
      .join('')
  )
}
