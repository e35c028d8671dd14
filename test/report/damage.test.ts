/**
 * Damaged records of stores and reports: each is read, or refused in one line that names the file, whatever is then
 * made of it. 12 copies of each file in the everyday run of the tests, six times as many in full; as many as are asked
 * for with
 *
 *     TMPDIR=/dev/shm MUTATIONS=10000 npx vitest run test/report/damage
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { builtins } from '../../src/builtins.ts'
import { BenchError } from '../../src/core/errors.ts'
import { Registry } from '../../src/core/plugin.ts'
import { random } from '../../src/core/random.ts'
import type { Job } from '../../src/core/result.ts'
import { COMPACT_RECORDS, readReport } from '../../src/report/committed/records.ts'
import { checkedFiles, reportFiles } from '../../src/report/committed/reportFiles.ts'
import { verifyRecords, verifyReport } from '../../src/report/committed/verify.ts'
import { figuresOf } from '../../src/report/content.ts'
import { renderTable } from '../../src/report/formats/renderTable.ts'
import { statusTable } from '../../src/report/listings/statusTable.ts'
import { renderFigure } from '../../src/report/pictures/picture.ts'
import { readRun, type WholeRun } from '../../src/report/runRecord.ts'
import { TrainingFolder } from '../../src/retrain/trainingFolder.ts'
import { runId } from '../../src/runner/plan/identity.ts'
import { readOrders } from '../../src/runner/slurm/arrays.ts'
import { storeStatus } from '../../src/runner/status.ts'
import { RunFolder } from '../../src/runner/store/runFolder.ts'
import { Store } from '../../src/runner/store/store.ts'
import { lockHolder } from '../../src/system/lock.ts'
import { Trainings } from '../../src/tablebuild/completing.ts'
import { damagedCopies, full } from '../support/full.ts'
import { jsonMutations, jsonReplacements, type Mutation } from '../support/jsonMutations.ts'
import { COPIES_BETWEEN_COLLECTIONS, endOfTurn, MOST_KEPT_MB, retainedMb } from '../support/retained.ts'
import { recipe as buildRecipe } from '../tablebuild/tinyBuild.ts'
import { temporaryFolder } from '../tables/temporaryFolder.ts'
import { askingRun, failedRun, fixtureRun, trainedRun } from './fixtureRuns.ts'

const COUNT = damagedCopies(12)
const MOST_CPU_SECONDS = 2
const MOST_RESIDENT_MB = 1200
const MOST_GROWTH_MB = 500

const root = temporaryFolder()
const references = new Set(['genotype', 'optimal', 'resnet'])

/** The runs as a store keeps them, named by their jobs. */
function writeStore(folder: string, runs: readonly WholeRun[]): void {
  for (const { manifest, epochs, result, failure } of runs) {
    const id = runId(manifest.job)
    const run = join(folder, id)
    mkdirSync(run, { recursive: true })
    const write = (name: string, content: string) => writeFileSync(join(run, name), content)
    write('run.json', JSON.stringify({ ...manifest, id }))
    write('epochs.jsonl', epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''))
    if (result) write('result.json', JSON.stringify({ ...result, id }))
    if (failure) write('failure.json', JSON.stringify({ ...failure, id }))
  }
}

const timing = { startedAt: '2000-01-01T00:00:00.000Z', finishedAt: '2000-01-01T00:01:00.000Z' }

const genotype = String(fixtureRun().result?.genotype)
const answers = [60, 72, 71].map((accuracyPct, i) => ({ genotype, accuracyPct, usedSeconds: 100 * (i + 1) }))

const CURVES = { trainLoss: [2, 1.5], trainAccuracyPct: [30, 40], testAccuracyPct: [35, 45] }

const stores: Readonly<Record<string, readonly WholeRun[]>> = {
  searches: [fixtureRun(), fixtureRun({ seed: 1 }), fixtureRun({ algorithm: 'darts-v1' }), failedRun({ seed: 2 })],
  questions: [askingRun(answers), askingRun(answers, { seed: 1 }), askingRun(answers, { algorithm: 'random' })],
  trainings: [
    trainedRun({ curves: [CURVES] }),
    trainedRun({ seed: 1 }),
    trainedRun({ genotype: 'DRNAS', accuracies: [96, 97] }),
  ],
}

/** Of many copies all are read, and one in so many is shown. */
const SHOWN_OF = 4
let shown = 0

/** Everything that is made of the runs of a store, without writing it. */
async function showAll(folder: string): Promise<void> {
  const store = new Store(folder)
  renderTable(statusTable(storeStatus(store)), 'text')
  const runs = store.runs().map(readRun)
  await verifyRecords(folder, runs)
  if (COUNT > 50 && shown++ % SHOWN_OF !== 0) return
  const space = known.spaceOf(runs[0].manifest.job.space)
  await checkedFiles(runs, recipe, { space, references })
  for (const { figure } of await figuresOf(runs, { space, references })) renderFigure(figure, 'svg')
}

const registry = new Registry().register(builtins)
const known = { spaceOf: (name: string) => registry.space(name), references }

const recipe = { schema: 1, title: 'damaged', published: 'none', mix: false } as const

/**
 * Tests that damage to a file is survived.
 * @param whole its content; @param place where it stands; @param read whatever reads it
 */
function survives(what: string, whole: () => unknown, place: () => string, read: () => Promise<unknown>): void {
  test(
    what,
    async () => {
      const path = place()
      const value = whole()
      await read()
      const isLong = COUNT > COPIES_BETWEEN_COLLECTIONS
      const keptBefore = isLong ? retainedMb() : 0
      const residentBefore = process.resourceUsage().maxRSS
      const { faults, refused, mostSeconds } = await survived(path, jsonMutations(value, COUNT, 11), read)
      const growthMb = Math.round((process.resourceUsage().maxRSS - residentBefore) / 1024)
      const keptMb = isLong ? Math.round(retainedMb() - keptBefore) : 0
      if (process.env.MUTATIONS !== undefined)
        console.log(what, { count: COUNT, refused, mostSeconds, growthMb, keptMb })
      expect(faults).toEqual([])
      expect(refused).toBeGreaterThan(COUNT / 3)
      expect(growthMb).toBeLessThan(MOST_GROWTH_MB)
      expect(keptMb).toBeLessThan(MOST_KEPT_MB)
    },
    20_000 + 500 * COUNT,
  )
}

/** Writes one damaged copy of a file after the other, and reads each; the file is as before afterwards. */
async function survived(path: string, copies: Iterable<Mutation>, read: () => Promise<unknown>) {
  const before = readFileSync(path)
  const faults: string[] = []
  let [made, refused, mostSeconds] = [0, 0, 0]
  try {
    for (const { text, what } of copies) {
      if (++made % COPIES_BETWEEN_COLLECTIONS === 0) retainedMb()
      writeFileSync(path, framed(path, text))
      const { fault, isRefused, seconds } = await judged(read, path)
      mostSeconds = Math.max(mostSeconds, seconds)
      if (isRefused) refused++
      if (fault !== undefined) faults.push(`${what}: ${fault}`)
      await endOfTurn()
    }
  } finally {
    writeFileSync(path, before)
  }
  return { faults, refused, mostSeconds }
}

/** Tests that null, in any place of a file, and names that every JavaScript object answers to are survived. */
function survivesEverywhere(what: string, whole: () => unknown, path: string, read: () => Promise<unknown>): void {
  test(`${what}, with null and JavaScript's own names in each place`, async () => {
    const { faults } = await survived(path, jsonReplacements(whole(), [null, [null], 'constructor', '__proto__']), read)
    expect(faults).toEqual([])
  })
}

/** Tests that a file with changed bytes, or cut short, is read or refused in one line. */
function survivesBytes(what: string, path: string, read: () => Promise<unknown>): void {
  test(what, async () => {
    const before = readFileSync(path)
    const stream = random(11, 'damage')
    const faults: string[] = []
    try {
      for (let i = 0; i < COUNT; i++) {
        const bytes = Buffer.from(before)
        bytes[stream.integer(bytes.length)] ^= 1 << stream.integer(8)
        writeFileSync(path, i % 2 === 0 ? bytes : bytes.subarray(0, stream.integer(bytes.length)))
        const { fault } = await judged(read, path)
        if (fault !== undefined) faults.push(fault)
      }
    } finally {
      writeFileSync(path, before)
    }
    expect(faults).toEqual([])
  })
}

/** The content of a file whose JSON was damaged; the entries of a list are the lines of a `.jsonl` file. */
function framed(path: string, text: string): string | Uint8Array {
  if (path.endsWith('.gz')) return gzipSync(framed(path.slice(0, -'.gz'.length), text))
  if (!path.endsWith('.jsonl')) return text
  try {
    return (JSON.parse(text) as unknown[]).map((row) => `${JSON.stringify(row)}\n`).join('')
  } catch {
    return text
  }
}

interface Judgement {
  readonly isRefused: boolean
  /** Of processor time. */
  readonly seconds: number
  readonly fault?: string
}

async function judged(read: () => Promise<unknown>, path: string): Promise<Judgement> {
  const before = process.cpuUsage()
  let fault: string | undefined
  let isRefused = false
  try {
    await read()
  } catch (error) {
    isRefused = true
    const { message, stack } = error as Error
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (!(error instanceof BenchError)) fault = `${stack?.split('\n').slice(0, 4).join(' | ')}`
    else if (/[\n\r]/.test(message)) fault = `more than one line: ${message}`
    // Of a whole record that does not fit the others, or this program, it is said what does not fit.
    else if (error.code === 'corrupt' && !message.includes(name)) fault = `does not name ${name}: ${message}`
  }
  const { user, system } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6
  return { isRefused, seconds, fault: fault ?? (seconds > MOST_CPU_SECONDS ? `took ${seconds} s` : undefined) }
}

for (const [name, runs] of Object.entries(stores)) {
  const folder = join(root, name)
  writeStore(folder, runs)
  const run = join(folder, runId(runs[0].manifest.job))
  const json = (file: string) => () => JSON.parse(readFileSync(join(run, file), 'utf8'))
  const show = () => showAll(folder)
  survives(`run.json of ${name}`, json('run.json'), () => join(run, 'run.json'), show)
  survives(`result.json of ${name}`, json('result.json'), () => join(run, 'result.json'), show)
  for (const file of ['run.json', 'result.json']) {
    if (name !== 'questions' && !full) continue
    survivesEverywhere(`${file} of ${name}`, json(file), join(run, file), show)
  }
  if (runs[0].epochs.length === 0) continue
  const epochs = () => runs[0].epochs
  survives(`epochs.jsonl of ${name}`, epochs, () => join(run, 'epochs.jsonl'), show)
}

const failed = join(root, 'searches', runId(failedRun({ seed: 2 }).manifest.job), 'failure.json')
survives(
  'failure.json',
  () => JSON.parse(readFileSync(failed, 'utf8')),
  () => failed,
  () => showAll(join(root, 'searches')),
)

/** A file of its own, outside of a store. */
function survivesAlone(what: string, path: string, value: unknown, read: () => unknown): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, framed(path, JSON.stringify(value)))
  survives(
    what,
    () => value,
    () => path,
    async () => read(),
  )
}

const [first] = stores.trainings
const trained = first.manifest.job.retraining
const trainingEpoch = { epoch: 0, learningRate: 0.1, dropProbability: 0, trainLoss: 1, trainAccuracyPct: 50 }
survivesAlone(
  'result.json of a training',
  join(root, 'training/retrain-1/result.json'),
  {
    schema: 1,
    ...first.result?.trainings?.[0],
    id: 'retrain-1',
    job: {
      genotype: first.result?.genotype,
      dataset: { name: 'a', contentHash: 'b' },
      ...trained,
      seed: 0,
      executor: 'c',
    },
    ...{ parameters: 1, macs: 2, epochs: [{ ...trainingEpoch, testAccuracyPct: 60, testTop5AccuracyPct: 99 }] },
    timing: { ...timing, wallSeconds: 1, peakMemoryBytes: 2 },
  },
  () => new TrainingFolder(join(root, 'training'), 'retrain-1').result(),
)

const orders = join(root, 'orders')
survivesAlone(
  'orders.json',
  join(orders, 'orders.json'),
  {
    schema: 1,
    orders: [
      { store: '/s', jobs: [{ id: 'x', job: first.manifest.job }], plugins: ['./a.ts'], executor: { backend: 'wasm' } },
    ],
  },
  () => readOrders(orders).flatMap(({ jobs }) => jobs.map(({ job }: { job: Job }) => runId(job))),
)

const kept = new Trainings(buildRecipe, join(root, 'trained'))
const bySplit = { train: 1, 'x-valid': 2, 'x-test': 3 }
const seconds = { train: 1, valid: 2 }
const curves = { trainLoss: [1], trainAccuracyPct: [2] }
kept.write(genotype, [{ seed: 777, accuraciesPct: bySplit, losses: bySplit, curves, seconds }])
const keptFile = kept.path(genotype)
survives(
  'a file of kept trainings',
  () => JSON.parse(readFileSync(keptFile, 'utf8')),
  () => keptFile,
  async () => kept.read(genotype)?.map(({ accuraciesPct }) => accuraciesPct['x-valid'].toFixed(2)),
)

const lockFile = join(root, 'locked/x/lock')
const holder = {
  pid: 999_999,
  host: 'x',
  boot: 'y',
  pidNamespace: 'z',
  startedTicks: '1',
  token: 't',
  beat: '000000000000',
}
mkdirSync(join(lockFile, '..'), { recursive: true })
writeFileSync(lockFile, JSON.stringify(holder))
test('a damaged lock file counts as free or held, and never throws', async () => {
  for (const { text, what } of jsonMutations(holder, COUNT, 11)) {
    writeFileSync(lockFile, text)
    expect(() => [lockHolder(lockFile), new RunFolder(join(root, 'locked/x'), 'x').state()], what).not.toThrow()
  }
})

/** A report as it is committed, and what reads it. */
async function writeReport(name: string, runs: readonly WholeRun[], compact: boolean): Promise<string> {
  const folder = join(root, name)
  const space = registry.space('nb201')
  for (const [file, content] of await reportFiles(runs, recipe, { space, references }, { compact })) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), content)
  }
  return folder
}

const named = (runs: readonly WholeRun[]): readonly WholeRun[] =>
  runs.map(({ manifest, result, ...run }) => {
    const id = runId(manifest.job)
    return { ...run, manifest: { ...manifest, id }, ...(result && { result: { ...result, id } }) }
  })

for (const [name, runs, compact] of [
  ['a report', stores.searches.slice(0, 2), false],
  ['a compact report', stores.questions, true],
] as const) {
  const folder = await writeReport(name, named(runs), compact)
  const show = async () => {
    await readReport(folder, known.spaceOf)
    await verifyReport(folder, known)
  }
  const survivesIn = (file: string, value: () => unknown) =>
    survives(`${file} of ${name}`, value, () => join(folder, file), show)
  const json = (file: string) => () => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  survivesIn('report.json', json('report.json'))
  if (!compact) continue
  const lines = () =>
    gunzipSync(readFileSync(join(folder, COMPACT_RECORDS)))
      .toString()
      .trimEnd()
      .split('\n')
  survivesIn(COMPACT_RECORDS, () => lines().map((line) => JSON.parse(line)))
  survivesBytes(`the packed bytes of ${COMPACT_RECORDS}`, join(folder, COMPACT_RECORDS), show)
}

afterAll(() => expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(MOST_RESIDENT_MB))
