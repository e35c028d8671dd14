/** Writes `reproduce.sh`: the commands that repeat the runs of a report and compare the new report with the old one. */
import { classWeightsText } from '../../core/classWeights.ts'
import { benchCommand, naturalOrder, oneLine, shellWord } from '../../core/plainText.ts'
import type { Job } from '../../core/result.ts'
import { groupBy } from '../../system/groupBy.ts'
import { contentName } from '../../system/json.ts'
import type { ContentOptions } from '../content.ts'
import { flatten } from '../differences.ts'
import { hasFailed, type RunRecord } from '../runRecord.ts'

/** Settings of the report that the script makes again. */
export type ReproducedReport = Partial<Pick<ContentOptions, 'published' | 'mix' | 'claims' | 'preliminary'>> & {
  readonly title?: string
}

/**
 * Returns the shell script that repeats the runs, writes the report again and compares its tables with those beside the
 * script. Its arguments are the folder with the image folders of the datasets and, for tables that are not installed,
 * the folder with their sources.
 */
export function reproduceScript(runs: readonly RunRecord[], report: ReproducedReport = {}): string {
  const versions = [...new Set(runs.map(({ manifest }) => manifest.environment.version))].sort(naturalOrder)
  const commands = runCommands(runs)
  const repeated = runs.filter(({ manifest: { job } }) => whyNotRepeated(job) === undefined)
  const needsImages = commands.some((command) => command.includes('$IMAGES'))
  const ids = [...new Set(repeated.flatMap(({ manifest, result }) => (result ? [manifest.id] : [])))]
  const isExact = runs.every(({ manifest: { job } }) => (job.arithmetic ?? 'deterministic') === 'deterministic')
  return [
    '#!/usr/bin/env bash',
    '# Repeats the runs of this report in the current folder, writes the report again from them, and compares its tables',
    '# with those beside this file. Usage: bash reproduce.sh IMAGES TABLES',
    '#   IMAGES/NAME  images of each dataset NAME that is not built in: a folder, or a link to a tar archive',
    '#   TABLES/NAME  source of each lookup table NAME that is not installed; if it is not there, it is downloaded',
    ...(isExact
      ? [
          '# The arithmetic is deterministic: every accuracy is the same to the last bit; only times and machines differ.',
        ]
      : ['# The arithmetic may round differently on another machine, so that accuracies may differ.']),
    `# Computed by nas-bench-harness ${versions.join(' and ')}.`,
    'set -euo pipefail',
    'here=$(cd "$(dirname "$0")" && pwd)',
    ...(needsImages ? [`IMAGES=\${1:?name the folder with the image folders of the datasets}`] : []),
    `TABLES=\${2:-}`,
    `VERSION=${versions.at(-1)}`,
    '',
    PROGRAM_LINES,
    ...tableLines(runs),
    ...imageLines(runs),
    ...commands,
    '',
    '# The runs. A run that is missing was computed from other images, tables or settings than the ones here.',
    'status=0',
    ...(ids.length > 0
      ? [
          `for run in ${ids.join(' ')}; do`,
          '  [ -e "reproduced/$run/result.json" ] || { echo "missing: $run"; status=1; }',
          'done',
        ]
      : []),
    ...reportLines(report),
    'bench verify reproduced-report',
    '',
    '# The tables. Compute differs from machine to machine; lookups.csv is not in a compact report.',
    'for old in "$here"/*.csv; do',
    '  name=$(basename "$old")',
    '  case $name in compute.csv | lookups.csv) continue ;; esac',
    '  if diff "$old" "reproduced-report/$name"; then echo "$name: the same"; else echo "$name: differs"; status=1; fi',
    'done',
    'exit $status',
    '',
  ].join('\n')
}

/** The lines that install the program with its recorded packages, in the current folder. */
const PROGRAM_LINES = `# The program in that version, with the packages of package-lock.json; or the command in BENCH, if it is set.
program=$PWD/program/package
if [ -z "\${BENCH:-}" ] && [ ! -d "$program/node_modules" ]; then
  mkdir -p program
  (cd program && npm pack "nas-bench-harness@$VERSION" > /dev/null && tar -xzf "nas-bench-harness-$VERSION.tgz")
  cp "$here/package-lock.json" "$program/"
  (cd "$program" && npm pkg delete devDependencies && npm ci --ignore-scripts)
fi
bench() { if [ -n "\${BENCH:-}" ]; then $BENCH "$@"; else node "$program/dist/cli/main.js" "$@"; fi; }
found=$(bench --version)
[ "$found" = "$VERSION" ] || { echo "found nas-bench-harness $found, expected $VERSION" >&2; exit 2; }
`

/** Returns the lines that install the lookup tables of the runs where they are missing, and check their hashes. */
function tableLines(runs: readonly RunRecord[]): readonly string[] {
  const tables = new Map(
    runs.flatMap(({ manifest: { job } }) => (job.table ? [[contentName(job.table), job.table] as const] : [])),
  )
  if (tables.size === 0) return []
  return [
    '# The lookup tables, each with the SHA-256 of the file that the runs used.',
    'table() {',
    '  if ! bench tables info "$1" > /dev/null 2>&1; then',
    '    if [ -n "$TABLES" ] && [ -e "$TABLES/$1" ]; then bench tables import "$TABLES/$1" --as "$1"; else bench tables fetch "$1"; fi',
    '  fi',
    '  bench tables info "$1" --json | grep "$2" > /dev/null || echo "warning: found another table $1, expected SHA-256 $2" >&2',
    '}',
    ...[...tables.values()].map(({ name, sha256 }) => `table ${shellWord(name)} ${shellWord(sha256)}`),
    '',
  ]
}

/** Returns comments with the content hash of each dataset's images, which is part of the names of its runs. */
function imageLines(runs: readonly RunRecord[]): readonly string[] {
  const hashes = runs.flatMap(({ manifest: { job } }) =>
    job.dataset.contentHash === undefined
      ? []
      : [`# Images of ${oneLine(job.dataset.name)}: content hash ${job.dataset.contentHash}`],
  )
  return [...new Set(hashes)]
}

/** Returns the lines that write the report again, with the settings of the report beside the script. */
function reportLines({ title, published, mix, claims, preliminary = [] }: ReproducedReport): readonly string[] {
  const words = [
    ...['report', 'reproduced', '--folder', 'reproduced-report', '--compact', '--kit'],
    ...(title === undefined ? [] : ['--title', title]),
    ...(published === undefined ? [] : ['--published', published]),
    ...(mix ? ['--mix'] : []),
    ...(claims ? ['--claims', CLAIMS] : []),
  ]
  return [
    ...(claims ? [`cat > ${CLAIMS} <<'END_OF_CLAIMS'`, JSON.stringify(claims, null, 1), 'END_OF_CLAIMS'] : []),
    ...preliminary.map(({ name }) => `# The preliminary runs of ${oneLine(name)} are not repeated.`),
    benchCommand(...words),
  ]
}

const CLAIMS = 'claims.yaml'

/** Returns whether a job's algorithm or search space comes from a plugin. */
export const usesPlugin = ({ algorithm, spacePlugin }: Pick<Job, 'algorithm' | 'spacePlugin'>): boolean =>
  algorithm.plugin !== undefined || spacePlugin !== undefined

/** Returns why the script cannot repeat the runs of a job, as the end of a sentence; undefined if it can. */
export function whyNotRepeated({ imported, algorithm, spacePlugin, retraining }: Job): string | undefined {
  if (imported !== undefined) return 'was imported from another program'
  if (usesPlugin({ algorithm, spacePlugin })) return 'is of a plugin, which must be named with --plugin'
  if (retraining?.seeds !== undefined) {
    return `was trained in full with the seeds ${retraining.seeds.join(', ')}, which only an experiment file can name`
  }
  return undefined
}

/**
 * Returns one `bench run` command for each group of runs that differ only in their seeds. The commands name every
 * setting that is part of a run's identity, so that they make runs with the same ids.
 */
export function runCommands(runs: readonly RunRecord[]): readonly string[] {
  const once = [...new Map(runs.map((run) => [run.manifest.id, run])).values()]
  const groups = groupBy(once, ({ manifest: { job } }) => {
    const { seed: _, imported: __, ...rest } = job
    return contentName(rest)
  })
  return [...groups.values()].map((same) => {
    const command = commandOf(same.map(({ manifest }) => manifest.job))
    // Without this, a run that fails again would end the script.
    return same.some(hasFailed) && !command.startsWith('#') ? `${command} || true # a run of these failed` : command
  })
}

/** Names of the datasets that are built into the program, whose runs need no image folder. */
const BUILT_IN: ReadonlySet<string> = new Set(['shapes'])

function commandOf(jobs: readonly Job[]): string {
  const [job] = jobs
  const { algorithm, space, dataset, table, protocol, budgetSeconds, probes, retraining, executor, arithmetic } = job
  const why = whyNotRepeated(job)
  if (why !== undefined) {
    return `# ${algorithm.name}, seed ${jobs.map(({ seed }) => seed).join(', ')}, ${why}; its runs are not repeated here`
  }
  const options = [...flatten(algorithm.options)].flatMap(([key, value]) =>
    value === 'null' ? [] : ['--option', `${algorithm.name}.${key}=${value}`],
  )
  const seeds = jobs.map(({ seed }) => seed).sort((a, b) => a - b)
  const words = [
    ...['run', '--algo', algorithm.name, '--space', space, '--dataset', dataset.name],
    ...(table ? ['--table', table.name] : []),
    ...(retraining ? ['--evaluate', evaluateText(retraining)] : []),
    ...['--protocol', protocol.name, '--seeds', seeds.length === 1 ? `${seeds[0]},` : seeds.join(',')],
    ...(budgetSeconds === undefined ? [] : ['--budget', String(budgetSeconds)]),
    ...options,
    ...(protocol.metric === undefined || retraining !== undefined ? [] : ['--metric', protocol.metric]),
    ...probes.flatMap((probe) => ['--probe', probe]),
    ...(executor === undefined ? [] : ['--backend', executor.slice(executor.lastIndexOf('/') + 1)]),
    ...(arithmetic === 'fused' ? ['--fast-math'] : []),
    ...['--store', 'reproduced'],
  ]
  const readsImages = dataset.contentHash !== undefined && !BUILT_IN.has(dataset.name)
  return `${benchCommand(...words)}${readsImages ? ` --data "$IMAGES"/${shellWord(dataset.name)}` : ''}`
}

function evaluateText({ settings }: NonNullable<Job['retraining']>): string {
  const { preset, epochs, batchSize, network, data, metric } = settings
  const values = {
    ...{ preset, epochs, batchSize, channels: network.channels, layers: network.layers, family: network.family },
    ...(data.limit !== null && { limit: data.limit }),
    ...(data.imageSize !== null && { imageSize: data.imageSize }),
    ...(!network.auxiliary && { auxiliary: false }),
    ...(network.head !== undefined && { head: network.head }),
    ...(data.sampling !== undefined && { sampling: data.sampling }),
    ...(data.classWeights !== undefined && { classWeights: classWeightsText(data.classWeights) }),
    ...(metric !== undefined && { metric }),
    ...(data.brokenImages !== 'fail' && { brokenImages: data.brokenImages }),
  }
  return `retrain:${Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`
}
