/** `bench verify` */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { formatQualifier } from '../../core/metric.ts'
import { checkedFiles, differences, inOrder, parseRecipe } from '../../report/committed/committed.ts'
import { condensedSpace, expand } from '../../report/committed/condensed.ts'
import type { RunRecord } from '../../report/runRecord.ts'
import { tableIdentity } from '../../runner/job/lookup.ts'
import { runId } from '../../runner/planning/identity.ts'
import { Store } from '../../runner/store/store.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import { jsonOption, repeated } from '../options.ts'
import { referenceNames, spaceOf } from '../registered.ts'
import { readRun } from '../runSelection.ts'

interface VerifyFlags {
  readonly plugin?: readonly string[]
  readonly json?: boolean
}

interface Finding {
  readonly report: string
  readonly runs: number
  readonly files: number
  /** Architectures looked up again in the table itself; absent where the table is not here. */
  readonly lookedUpAgain?: number
  /** Empty where all is as committed. */
  readonly differences: readonly { readonly file: string; readonly lines: readonly string[] }[]
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('recompute committed reports from their records, and fail with a diff where a number differs')
    .description(
      'Recomputes the tables and figures of report folders from the records that lie in them. Needs neither a GPU nor ' +
        'the lookup table; where the table is here, the looked-up numbers are compared with it, too.',
    )
    .argument('<folders...>', 'report folders, or folders of them')
    .option('--plugin <file>', 'a plugin with spaces or algorithms of these runs', repeated)
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  bench verify reports\n  bench verify reports/table4 --json')
    .action(verify)
}

async function verify(folders: readonly string[], { plugin = [], json }: VerifyFlags): Promise<void> {
  const reports = folders.flatMap(reportsIn)
  const findings: Finding[] = []
  for (const report of reports) findings.push(await verifyReport(report, plugin))
  process.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : findings.map(described).join(''))
  if (findings.some(({ differences }) => differences.length > 0)) process.exitCode = 1
}

/** The folder itself, or the reports right inside it. @throws BenchError `missing` */
function reportsIn(folder: string): readonly string[] {
  if (existsSync(join(folder, 'report.json'))) return [folder]
  const inside = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).sort() : []
  const reports = inside.map((name) => join(folder, name)).filter((path) => existsSync(join(path, 'report.json')))
  if (reports.length > 0) return reports
  throw new BenchError('missing', `${folder} holds no report (no report.json); \`bench report --folder\` writes one`)
}

async function verifyReport(report: string, plugins: readonly string[]): Promise<Finding> {
  const path = join(report, 'report.json')
  const recipe = parseRecipe(readFileSync(path, 'utf8'), path)
  const { runs: found, space } = await recordsIn(report, plugins)
  const runs = inOrder(found, recipe)
  const files = await checkedFiles(runs, recipe, { space, references: await referenceNames(plugins) })
  const changed = [...files].flatMap(([file, recomputed]) => {
    const committed = existsSync(join(report, file)) ? readFileSync(join(report, file), 'utf8') : ''
    const lines = differences(file, committed, recomputed)
    return lines.length === 0 ? [] : [{ file, lines }]
  })
  const again = await lookUpAgain(runs)
  return {
    report,
    runs: runs.length,
    files: files.size,
    ...(again && { lookedUpAgain: again.architectures }),
    differences: [...contradictory(runs), ...changed, ...(again?.differences ?? [])],
  }
}

/** The records, kept as run folders or condensed. @throws BenchError `missing` */
async function recordsIn(report: string, plugins: readonly string[]) {
  const text = (name: string) => {
    const path = join(report, name)
    if (existsSync(path)) return readFileSync(path, 'utf8')
    throw new BenchError('missing', `${path} does not exist; without it the report cannot be recomputed`)
  }
  if (existsSync(join(report, 'runs.csv'))) {
    const files = { 'jobs.json': text('jobs.json'), 'runs.csv': text('runs.csv'), 'lookups.csv': text('lookups.csv') }
    const space = await spaceOf(condensedSpace(files), plugins)
    return { runs: expand(files, space), space }
  }
  const runs = new Store(join(report, 'runs')).runs().map(readRun)
  if (runs.length === 0) throw new BenchError('missing', `${report} has no records in runs/; it cannot be recomputed`)
  return { runs, space: await spaceOf(runs[0].manifest.job.space, plugins) }
}

/** A run is named by the hash of its job, so an edited job no longer has its name; and its result repeats the job. */
function contradictory(runs: readonly RunRecord[]): Finding['differences'] {
  return runs.flatMap(({ manifest: { id, job }, result }) => {
    const told = result && [result.id, result.algorithm, result.space, result.dataset, result.protocol, result.seed]
    const planned = [id, job.algorithm.name, job.space, job.dataset.name, job.protocol.name, job.seed]
    return [
      ...contradiction(`runs/${id}/run.json`, id, runId(job)),
      ...(told ? contradiction(`runs/${id}/result.json`, told.join(' '), planned.join(' ')) : []),
    ]
  })
}

const contradiction = (file: string, committed: string, expected: string): Finding['differences'] =>
  committed === expected ? [] : [{ file, lines: [`- ${committed}`, `+ ${expected}`] }]

/** Undefined where no run's table is here with the same content. */
async function lookUpAgain(runs: readonly RunRecord[]) {
  const names = await listTables()
  const open = new Map<string, Awaited<ReturnType<typeof openTable>>>()
  for (const name of new Set(runs.flatMap(({ manifest }) => manifest.job.table?.name ?? []))) {
    if (names.includes(name)) open.set(name, await openTable(name))
  }
  const known = runs.flatMap(({ manifest: { job }, result }) => {
    const table = open.get(job.table?.name ?? '')
    const same = table !== undefined && tableIdentity(table.manifest).sha256 === job.table?.sha256
    const index = same && result ? table.find(result.genotype) : undefined
    return same && result && index !== undefined ? [{ id: result.id, result, metrics: table.metrics(index) }] : []
  })
  if (known.length === 0) return undefined
  const differences = known.flatMap(({ id, result, metrics }) => {
    const now = new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct]))
    const lines = result.metrics.flatMap((metric) => {
      const qualifier = formatQualifier(metric)
      return now.get(qualifier) === metric.accuracyPct
        ? []
        : [`- ${qualifier} ${metric.accuracyPct}`, `+ ${qualifier} ${now.get(qualifier) ?? 'missing'}`]
    })
    return lines.length === 0 ? [] : [{ file: `runs/${id}/result.json`, lines }]
  })
  return { architectures: new Set(known.map(({ result }) => result.genotype)).size, differences }
}

function described({ report, runs, files, lookedUpAgain, differences }: Finding): string {
  const table = lookedUpAgain === undefined ? 'table not here' : `${lookedUpAgain} architectures looked up again`
  const head = `${differences.length === 0 ? 'ok  ' : 'FAIL'} ${report}: ${files} files recomputed from ${runs} runs; ${table}\n`
  return (
    head +
    differences
      .map(({ file, lines }) => `${[`  ${file}`, ...lines.map((line) => `    ${line}`)].join('\n')}\n`)
      .join('')
  )
}
