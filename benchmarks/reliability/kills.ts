/**
 * Kills searches, full trainings, builds and imports of tables with SIGKILL, resumes them, and compares what they end
 * in with what an undisturbed run gives.
 *
 *     npm run build
 *     nice npx jiti benchmarks/reliability/kills.ts [--kills 100] [--seed 0] [--only search,retrain,build,import]
 *
 * The jobs are the smallest real ones. Most kills are in the middle of a random write, the others at another random
 * change of the file system, such as a rename (`test/support/killAtWrite.mjs`), or at a random time, of the command
 * with its workers. A job is killed up to six times before it may end. At the end its files must have the names and,
 * apart from measured times, the bits of those of the undisturbed run, and no lock, checkpoint or temporary file may be
 * left, in the store, the user's folder, the cache or the folder of temporary files.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type RandomStream, random } from '../../src/core/random.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { writePictures } from '../../test/retrain/tinyTraining.ts'
import { type Death, deathEnvironment } from '../../test/support/killed.ts'

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string', default: 'search,retrain,build,import' },
  },
})

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const FIXTURES = fileURLToPath(new URL('../../test/fixtures/pickles/nats.json', import.meta.url))
const MOST_KILLS = 6
/** Shares of the kills. A job that was killed before has less left to write, and often ends before its turn. */
const IN_WRITE = 0.75
const AT_CHANGE = 0.15
const scratch = mkdtempSync(join(tmpdir(), 'kills-'))

interface Work {
  /** After `bench`, in the job's folder. */
  readonly args: readonly string[]
  /** Whether a process of its own does the work, and writes. */
  readonly hasWorker: boolean
  prepare(folder: string): Promise<void> | void
}

const RECIPE = `space: nb201
dataset: shapes
executor: { backend: wasm, executor: static }
network: { channels: 4, depth: 1 }
batchSize: 20
training:
  epochs: 1
  sgd: { momentum: 0.9, nesterov: true, weightDecay: 0.0005, clipNorm: null }
  learningRate: 0.1
  learningRateMin: 0
data: { cropPadding: 0, flip: false, cutout: 0, imageSize: 8, limit: 40 }
share: true
seeds: [777, 888]
`

const works: Readonly<Record<string, Work>> = {
  search: {
    args: ['run', '--algo', 'drnas', '--protocol', 'micro:epochs=12,data.limit=256', '--seeds', '1', '--jobs', '1'],
    hasWorker: true,
    prepare: () => {},
  },
  retrain: {
    args: [
      'retrain',
      '--genotype',
      'DARTS_V2',
      '--dataset',
      'pictures',
      '--data',
      'pictures',
      '--preset',
      'trial',
    ].concat(['--channels', '4', '--layers', '3', '--batch-size', '4', '--epochs', '5', '--limit', '8', '--jobs', '1']),
    hasWorker: true,
    prepare: async (folder) => void (await writePictures(join(folder, 'pictures'), { side: 32 })),
  },
  build: {
    args: ['tables', 'build', '--recipe', './tiny.yaml', '--as', 'tiny', '--indices', '0-7', '--jobs', '1'],
    hasWorker: false,
    prepare: (folder) => writeFileSync(join(folder, 'tiny.yaml'), RECIPE),
  },
  import: {
    args: ['tables', 'import', 'release', '--as', 'released', '--partial', '--jobs', '1'],
    hasWorker: false,
    prepare(folder) {
      mkdirSync(join(folder, 'release'))
      const records: Readonly<Record<string, string>> = JSON.parse(readFileSync(FIXTURES, 'utf8'))
      for (const number of ['7', '9']) {
        writeFileSync(join(folder, `release/00000${number}.pickle.pbz2`), Buffer.from(records[number], 'base64'))
      }
    },
  },
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** @param killAfterMs of the command and all that it started */
function bench(folder: string, args: readonly string[], env: NodeJS.ProcessEnv, killAfterMs?: number): Promise<Ended> {
  const places = { NAS_BENCH_HOME: 'home', XDG_CACHE_HOME: 'cache', TMPDIR: 'temporary' }
  const own = Object.fromEntries(Object.entries(places).map(([name, place]) => [name, join(folder, place)]))
  mkdirSync(own.TMPDIR, { recursive: true })
  const child = spawn(process.execPath, [MAIN, ...args, '--quiet', '--json'], {
    cwd: folder,
    detached: true,
    env: { ...process.env, ...own, ...env },
  })
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), killAfterMs)
  if (killAfterMs === undefined) clearTimeout(timer)
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (said.stdout += text))
  child.stderr.on('data', (text) => (said.stderr += text))
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, ...said })
    })
  })
}

/** Every file below the folder that a job ends in, by its path in it: not what is kept to spare time. */
const resultsIn = (folder: string): string[] =>
  filesIn(folder).filter((file) => !/^(cache|home\/decoded|home\/hashes)\//.test(file))

const isLeftOver = (file: string): boolean => /^temporary\/|\.tmp$|(^|[/.])(lock|checkpoint)$|\.import\//.test(file)

/** Every file below the folder, by its path in it. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort()
}

/** Hash of what a job ended in, without the times that were measured. */
async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of resultsIn(folder)) hash.update(`${file}\n${await contentOf(join(folder, file))}\n`)
  return hash.digest('hex')
}

const MEASURED = new Set(['timing', 'seconds', 'wallSeconds', 'trainingMinutes', 'peakMemoryMB'])
const withoutMeasured = (text: string) =>
  JSON.stringify(JSON.parse(text, (key, value) => (MEASURED.has(key) ? 0 : value)))

async function contentOf(path: string): Promise<string> {
  const bytes = readFileSync(path)
  const isBuilt = path.includes('/tiny.')
  // Lines of a build: a hash of the line, which has seconds in it, and the record.
  if (path.endsWith('.jsonl'))
    return bytes
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => withoutMeasured(line.replace(/^[0-9a-f]{16} /, '')))
      .join('\n')
  if (path.endsWith('.json') && !isBuilt) return withoutMeasured(bytes.toString('utf8'))
  if (path.endsWith('/tiny.arrow')) return builtNumbers(path)
  if (isBuilt) return basenameOnly(path)
  return createHash('sha256').update(bytes).digest('hex')
}

/** Manifest and curves name hashes of files in which seconds are; their numbers are those of the journal. */
const basenameOnly = (path: string): string =>
  path
    .split('/')
    .at(-1)
    ?.replace(/[0-9a-f]{8}/, '') ?? ''

/** Columns of accuracies and sizes, not of seconds. */
async function builtNumbers(path: string): Promise<string> {
  const table = await openTable(path)
  const columns = table.manifest.columns.filter(({ name }) => !name.includes('seconds'))
  return columns.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n')
}

/** What a command printed, wherever it ran and however long it took. */
const printed = (stdout: string, folder: string): string => withoutMeasured(stdout.replaceAll(folder, ''))

interface Tally {
  kills: number
  inWrite: number
  atChange: number
  atTime: number
  jobs: number
  readonly wrong: string[]
}

/** One job, killed again and again, and then left alone. */
async function attempt(
  name: string,
  work: Work,
  reference: Reference,
  stream: RandomStream,
  tally: Tally,
  most: number,
) {
  const folder = mkdtempSync(join(scratch, `${name}-`))
  cpSync(reference.prepared, folder, { recursive: true })
  const log = join(scratch, `${name}.log`)
  const kills = Math.min(most, 1 + stream.integer(MOST_KILLS))
  const story: string[] = []
  for (let killed = 0; killed < kills; ) {
    rmSync(log, { force: true })
    const chance = stream.uniform()
    const inWrite = chance < IN_WRITE
    const within = chance < IN_WRITE + AT_CHANGE
    const death: Death = {
      within: folder,
      at: 1 + stream.integer(inWrite ? reference.writes : reference.changes),
      mode: inWrite ? 'write' : stream.uniform() < 0.5 ? 'before' : 'after',
      parent: work.hasWorker && stream.uniform() < 0.5,
      log,
    }
    const ended = within
      ? await bench(folder, work.args, deathEnvironment(death))
      : await bench(folder, work.args, {}, stream.uniform() * reference.milliseconds)
    const died = within ? /^died (\w+) (\w+)/m.exec(existsSync(log) ? readFileSync(log, 'utf8') : '') : null
    if (within ? died === null : ended.signal === null) {
      if (ended.code !== 0) tally.wrong.push(`${folder}: exit status ${ended.code}: ${ended.stderr}`)
      break
    }
    killed++
    tally.kills++
    story.push(died ? `${died[1]} ${died[2]} (${death.at})` : 'some time')
    if (died === null) tally.atTime++
    else if (died[1] === 'write') tally.inWrite++
    else tally.atChange++
  }
  const { code, stdout, stderr } = await bench(folder, work.args, {})
  const names = resultsIn(folder)
  const left = filesIn(folder).filter(isLeftOver)
  const problems = [
    ...(code === 0 ? [] : [`exit status ${code}: ${stderr}`]),
    ...(left.length === 0 ? [] : [`left behind: ${left}`]),
    ...(names.join() === reference.names.join() ? [] : [`files ${names}`]),
    ...(code !== 0 || (await hashOf(folder)) === reference.hash ? [] : ['other bits']),
    // A build prints how much of it was done before.
    ...(code !== 0 || name === 'build' || printed(stdout, folder) === reference.stdout
      ? []
      : [`another output: ${stdout}`]),
  ]
  tally.jobs++
  if (problems.length > 0) tally.wrong.push(`${folder} after ${story.join(', ')}: ${problems.join('; ')}`)
  else rmSync(folder, { recursive: true, force: true })
}

interface Reference {
  /** Folder in which the job was not begun yet. */
  readonly prepared: string
  readonly names: readonly string[]
  readonly hash: string
  readonly stdout: string
  /** Of the file system, by the process that makes most of them; and how many of these are writes. */
  readonly changes: number
  readonly writes: number
  readonly milliseconds: number
}

async function undisturbed(name: string, work: Work): Promise<Reference> {
  const prepared = join(scratch, `${name}-prepared`)
  const folder = mkdtempSync(join(scratch, `${name}-`))
  mkdirSync(prepared)
  await work.prepare(prepared)
  cpSync(prepared, folder, { recursive: true })
  const log = join(scratch, `${name}-changes`)
  const begun = performance.now()
  const { code, stdout, stderr } = await bench(folder, work.args, deathEnvironment({ within: folder, log }))
  if (code !== 0) throw new Error(`${name} fails by itself: ${stderr}`)
  const milliseconds = performance.now() - begun
  const counts = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
  const [changes, writes] = counts.reduce((most, next) => (next[0] > most[0] ? next : most))
  return {
    prepared,
    names: resultsIn(folder),
    hash: await hashOf(folder),
    stdout: printed(stdout, folder),
    changes,
    writes,
    milliseconds,
  }
}

console.log('job       kills  in a write  at another change  at some time  ended jobs  wrong')
let isWrong = false
for (const name of flags.only.split(',')) {
  const work = works[name]
  const reference = await undisturbed(name, work)
  const again = await undisturbedAgain(name, work, reference)
  if (again !== undefined) throw new Error(`${name} gives other bits when nothing disturbs it: ${again}`)
  const stream = random(Number(flags.seed), 'kills', name)
  const tally: Tally = { kills: 0, inWrite: 0, atChange: 0, atTime: 0, jobs: 0, wrong: [] }
  while (tally.kills < Number(flags.kills)) {
    await attempt(name, work, reference, stream, tally, Number(flags.kills) - tally.kills)
  }
  const { kills, inWrite, atChange, atTime, jobs, wrong } = tally
  const cells = [
    String(kills).padStart(5),
    String(inWrite).padStart(10),
    String(atChange).padStart(17),
    String(atTime).padStart(12),
    String(jobs).padStart(10),
    String(wrong.length).padStart(5),
  ]
  console.log(`${name.padEnd(8)}  ${cells.join('  ')}`)
  for (const each of wrong) console.log(`  ${each.slice(0, 1000)}`)
  isWrong ||= wrong.length > 0
}
if (isWrong) process.exitCode = 1
else rmSync(scratch, { recursive: true, force: true })

/** What measured times would change must not be part of the hash. */
async function undisturbedAgain(name: string, work: Work, reference: Reference): Promise<string | undefined> {
  const folder = mkdtempSync(join(scratch, `${name}-again-`))
  cpSync(reference.prepared, folder, { recursive: true })
  const { code } = await bench(folder, work.args, {})
  if (code === 0 && (await hashOf(folder)) === reference.hash) return undefined
  return `${folder} (${statSync(folder).size})`
}
