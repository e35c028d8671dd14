/**
 * How long a table takes to open and to answer, and how much memory: medians over fresh processes, beside nats_bench on
 * the same kind of records where Python has it.
 *
 *     npm run build && bench tables import …/nb201.csv.gz --as nb201
 *     npx jiti benchmarks/tables/lookup.ts [--python PYTHON --records FOLDER]
 *
 * FOLDER is a release of NATS-Bench, or a part of one: what it lacks is linked to records that it has, so that the peer
 * does the work of a whole release. It decompresses and unpickles a record at the first question about it.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROUNDS = 7
const SCANNED = 200
const REA_RUNS = 3

const BARE =
  'const { user, system } = process.cpuUsage(); console.log(JSON.stringify({ process_seconds: (user + system) / 1e6 }))'

const { values: flags } = parseArgs({
  options: { table: { type: 'string', default: 'nb201' }, python: { type: 'string' }, records: { type: 'string' } },
})
const here = fileURLToPath(new URL('.', import.meta.url))
const built = resolve(here, '../../dist')

interface Answer {
  readonly open_seconds: number
  readonly task_seconds: number
  readonly queries: number | null
  readonly process_seconds?: number
  readonly peak_mb: number
}

function run(command: string, args: readonly string[]): Answer {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) as string)
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const rounds = (once: () => Answer): Answer[] => Array.from({ length: ROUNDS }, once)
const ours = (task: string, count = 0) =>
  run(process.execPath, [ourScript, built, flags.table as string, task, String(count)])
const seconds = (value: number) => (value < 1 ? `${(1000 * value).toFixed(1)} ms` : `${value.toFixed(2)} s`)

/** Node 20 runs no TypeScript. */
const scratch = mkdtempSync(join(tmpdir(), 'lookup-'))
const ourScript = transpiled(join(here, 'ourLookup.ts'))

function transpiled(path: string): string {
  const tsc = resolve(here, '../../node_modules/.bin/tsc')
  spawnSync(tsc, [
    path,
    '--outDir',
    scratch,
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--skipLibCheck',
    '--types',
    'node',
    '--ignoreConfig',
  ])
  const [script] = readdirSync(scratch)
  return join(scratch, script)
}

try {
  console.log(
    `${cpus()[0].model}, ${availableParallelism()} cores; Node ${process.versions.node}; median of ${ROUNDS} processes`,
  )
  const bare = median(
    rounds(() => run(process.execPath, ['-e', BARE])).map(({ process_seconds = 0 }) => process_seconds),
  )
  const open = rounds(() => ours('open'))
  const million = median(rounds(() => ours('million')).map(({ task_seconds }) => task_seconds))
  const openSeconds = median(open.map(({ open_seconds }) => open_seconds))
  const whole = median(open.map(({ process_seconds = 0 }) => process_seconds))
  const memory = median(open.map(({ peak_mb }) => peak_mb))
  const scan = ours('scan', SCANNED)
  const everything = ours('scan', 15_625)
  const rea = ours('rea', REA_RUNS)
  console.log(
    `open and first answer    ${seconds(openSeconds)} (processor time of the whole process ${seconds(whole)}, of which Node alone ${seconds(bare)})`,
  )
  console.log(`memory                   ${memory.toFixed(0)} MB`)
  console.log(`a million lookups        ${seconds(million)}`)
  console.log(`all numbers of all rows  ${seconds(everything.task_seconds)}`)
  console.log(`${REA_RUNS} runs of REA            ${seconds(rea.task_seconds)} (${rea.queries} queries)`)
  if (flags.python !== undefined && flags.records !== undefined) comparePeer(flags.python, wholeRelease(flags.records))

  function comparePeer(python: string, records: string): void {
    const peer = (task: string, count = 0) =>
      run(python, [join(here, 'peers/nats_bench_lookup.py'), records, task, String(count)])
    const peerOpen = rounds(() => peer('open'))
    const peerScan = peer('scan', SCANNED)
    const peerRea = peer('rea', REA_RUNS)
    const ratio = (theirs: number, own: number) => `${(theirs / own).toFixed(0)}×`
    const line = (what: string, theirs: number, own: number) =>
      console.log(`${what.padEnd(24)} ${seconds(theirs).padStart(9)}  ${ratio(theirs, own)} of ours`)
    console.log('\nnats_bench, fast mode')
    line('open and first answer', median(peerOpen.map(({ open_seconds }) => open_seconds)), openSeconds)
    const peerMemory = median(peerOpen.map(({ peak_mb }) => peak_mb))
    console.log(`memory then              ${peerMemory.toFixed(0)} MB  ${(peerMemory / memory).toFixed(1)}× of ours`)
    line(`all of ${SCANNED} rows`, peerScan.task_seconds, scan.task_seconds)
    console.log(
      `memory then              ${peerScan.peak_mb.toFixed(0)} MB  ${(peerScan.peak_mb / scan.peak_mb).toFixed(1)}× of ours`,
    )
    const perQuery = ({ task_seconds, queries }: Answer) => task_seconds / (queries ?? 1)
    line('a query of REA', perQuery(peerRea), perQuery(rea))
    console.log(
      `memory after ${REA_RUNS} runs      ${peerRea.peak_mb.toFixed(0)} MB  ${(peerRea.peak_mb / rea.peak_mb).toFixed(1)}× of ours`,
    )
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** A folder in which every architecture has a record. */
function wholeRelease(records: string): string {
  const present = readdirSync(records).filter((name) => /^\d{6}\.pickle\.pbz2$/.test(name))
  const folder = join(scratch, 'release-simple')
  spawnSync('mkdir', [folder])
  for (const name of readdirSync(records)) symlinkSync(resolve(records, name), join(folder, name))
  for (let index = 0; index < 15_625; index++) {
    const name = `${String(index).padStart(6, '0')}.pickle.pbz2`
    if (!present.includes(name)) symlinkSync(resolve(records, present[index % present.length]), join(folder, name))
  }
  return folder
}
