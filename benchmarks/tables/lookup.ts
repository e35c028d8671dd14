/**
 * How long a table takes to open and to answer, and how much memory, beside nats_bench (pip) on the same records.
 *
 *     npm run build
 *     npx jiti benchmarks/tables/lookup.ts --records FOLDER [--python PYTHON --seconds 300]
 *
 * FOLDER is a release of NATS-Bench, or a part of one: architectures that it lacks get the records that it has in turn,
 * on both sides. nats_bench decompresses and unpickles a record at the first question about it and keeps it, so its
 * searches become faster one by one; it makes as many of the 500 as it begins within the seconds.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { importTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { writeTable } from '../../src/tables/writeTable.ts'

const ROUNDS = 7
const SCANNED = 200
const SEARCHES = 500
const AGAIN = 2000
const ROWS = 15_625

const { values: flags } = parseArgs({
  options: { records: { type: 'string' }, python: { type: 'string' }, seconds: { type: 'string', default: '300' } },
})
if (flags.records === undefined) throw new Error('name a release of NATS-Bench, or a part of one: --records FOLDER')
const here = fileURLToPath(new URL('.', import.meta.url))
const built = resolve(here, '../../dist')
const scratch = mkdtempSync(join(tmpdir(), 'lookup-'))

interface Answer {
  readonly open_seconds: number
  readonly task_seconds: number
  /** User and system time; ours alone. */
  readonly open_cpu_seconds: number
  readonly task_cpu_seconds: number
  readonly searches: readonly { readonly seconds: number; readonly queries: number }[]
  readonly peak_mb: number
}

try {
  const table = await wholeTable(flags.records)
  const ours = asker(process.execPath, [transpiled(join(here, 'ourLookup.ts')), built, table])
  const script = join(here, 'peers/nats_bench_lookup.py')
  const theirs = flags.python === undefined ? undefined : asker(flags.python, [script, wholeRelease(flags.records)])
  console.log(`${cpus()[0].model}, ${availableParallelism()} cores; Node ${process.versions.node}`)
  console.log(`${'seconds, or MB'.padEnd(44)} ${theirs ? 'ours       nats_bench  ratio' : 'ours'}`)

  const opened = rounds(() => ours('open'))
  const theirOpened = theirs && rounds(() => theirs('open'))
  line(
    `open and first answer, median of ${ROUNDS}`,
    median(opened, openSeconds),
    theirOpened && median(theirOpened, openSeconds),
  )
  line('processor time of that', median(opened, openCpuSeconds))
  line('memory then', median(opened, peakMb), theirOpened && median(theirOpened, peakMb))

  const scanned = ours('scan', SCANNED)
  const theirScanned = theirs?.('scan', SCANNED)
  line(`all numbers of ${SCANNED} rows`, scanned.task_seconds, theirScanned?.task_seconds)
  line('memory then', scanned.peak_mb, theirScanned?.peak_mb)
  const everything = ours('scan', ROWS)
  line(`all numbers of all ${ROWS} rows`, everything.task_seconds)
  line('memory then', everything.peak_mb)
  line('a million lookups', ours('million').task_seconds)

  const again = ours('again', AGAIN)
  const theirAgain = theirs?.('again', AGAIN)
  line('a question that was asked before, mean', perQuestion(again), theirAgain && perQuestion(theirAgain))

  const rea = ours('rea', SEARCHES)
  const theirRea = theirs?.('rea', SEARCHES, Number(flags.seconds))
  line(`${SEARCHES} searches by regularised evolution`, rea.task_seconds)
  line('processor time of that', rea.task_cpu_seconds)
  line('memory then', rea.peak_mb)
  if (theirRea !== undefined) {
    const made = theirRea.searches.length
    line(`the first ${made} of them`, seconds(rea.searches.slice(0, made)), seconds(theirRea.searches))
    line('memory then', rea.peak_mb, theirRea.peak_mb)
  }
  line('a search, median', median(rea.searches, searchSeconds), theirRea && median(theirRea.searches, searchSeconds))
  line('a question of these searches, mean', perQuestion(rea), theirRea && perQuestion(theirRea))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** The peer's number over ours, where both are there. */
function line(what: string, own: number, theirs?: number): void {
  const number = (value: number) => value.toPrecision(3).padStart(9)
  const beside = theirs === undefined ? '' : `  ${number(theirs)}  ${(theirs / own).toPrecision(3)}×`
  console.log(`${what.padEnd(44)} ${number(own)}${beside}`)
}

function openSeconds({ open_seconds }: Answer): number {
  return open_seconds
}

function openCpuSeconds({ open_cpu_seconds }: Answer): number {
  return open_cpu_seconds
}

function peakMb({ peak_mb }: Answer): number {
  return peak_mb
}

function searchSeconds({ seconds }: Answer['searches'][number]): number {
  return seconds
}

function seconds(searches: Answer['searches']): number {
  return searches.reduce((sum, search) => sum + search.seconds, 0)
}

function perQuestion({ searches }: Answer): number {
  return seconds(searches) / searches.reduce((sum, { queries }) => sum + queries, 0)
}

function median<T>(items: readonly T[], of: (item: T) => number): number {
  return items.map(of).sort((a, b) => a - b)[Math.floor(items.length / 2)]
}

function rounds(once: () => Answer): Answer[] {
  return Array.from({ length: ROUNDS }, once)
}

/** Each question to a process of its own. */
function asker(command: string, first: readonly string[]) {
  return (task: string, count = 0, limit = 0): Answer => {
    const args = [...first, task, String(count), String(limit)]
    const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
    return JSON.parse(stdout.trim().split('\n').at(-1) as string)
  }
}

/** Node 20 runs no TypeScript. */
function transpiled(path: string): string {
  const folder = join(scratch, 'script')
  const flags = '--module nodenext --target es2022 --skipLibCheck --types node --ignoreConfig'.split(' ')
  spawnSync(resolve(here, '../../node_modules/.bin/tsc'), [path, '--outDir', folder, ...flags])
  return join(folder, readdirSync(folder)[0])
}

/** Of which architecture each one has the record: its own where it is there. */
function recordOf(index: number, present: readonly number[]): number {
  return present.includes(index) ? index : present[index % present.length]
}

/** The records as a table with a row for every architecture. @returns its path */
async function wholeTable(records: string): Promise<string> {
  const space = spaceIndex(nb201)
  await importTable(records, { as: 'part', space, folder: scratch, partial: true, curves: false })
  const part = await openTable('part', { folders: [scratch] })
  const present = [...part.indices()]
  const index = Int32Array.from({ length: ROWS }, (_, i) => i)
  const names = part.manifest.columns.map(({ name }) => name).filter((name) => name !== 'index' && name !== 'arch')
  const rows = Array.from(index, (i) => part.row(recordOf(i, present)) as number)
  const numbers = names.map((name) => ({
    name,
    values: Float64Array.from(rows, (row) => part.column(name).at(row) ?? Number.NaN),
  }))
  const { source, notes } = part.manifest
  writeTable(scratch, 'whole', space, { index, arch: Array.from(index, space.at), numbers, texts: [], source, notes })
  return join(scratch, 'whole.arrow')
}

/** A folder in which every architecture has a record. */
function wholeRelease(records: string): string {
  const file = (index: number) => `${String(index).padStart(6, '0')}.pickle.pbz2`
  const names = readdirSync(records).filter((name) => /^\d{6}\.pickle\.pbz2$/.test(name))
  const present = names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
  const folder = join(scratch, 'release-simple')
  mkdirSync(folder)
  symlinkSync(resolve(records, 'meta.pickle.pbz2'), join(folder, 'meta.pickle.pbz2'))
  for (let index = 0; index < ROWS; index++) {
    symlinkSync(resolve(records, file(recordOf(index, present))), join(folder, file(index)))
  }
  return folder
}
