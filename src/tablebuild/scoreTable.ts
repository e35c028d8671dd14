/**
 * Makes a lookup table of training-free scores: computes the scores that the table's journal lacks, and writes all
 * scores in the journal as columns, with their means over seeds and the scores that combine ranks.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isRankScore } from '../analysis/scores/index.ts'
import { midRanks } from '../analysis/statistics/ranks.ts'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { Score } from '../core/score.ts'
import type { SearchSpace } from '../core/space.ts'
import { makeFolder } from '../system/atomicFile.ts'
import { isAccuracy } from '../tables/columnNames.ts'
import type { NumbersContent } from '../tables/content.ts'
import type { Manifest } from '../tables/manifest.ts'
import { spaceIndex } from '../tables/spaceIndex.ts'
import type { Table } from '../tables/table.ts'
import { writeTable } from '../tables/writeTable.ts'
import type { BuildProgress } from './buildTable.ts'
import { type KnownColumn, type KnownRanks, ScoreJournal } from './scoreJournal.ts'
import type { Scoring } from './scorers.ts'
import { columnIdentity, columnName, rankColumnName, type ScoreColumn } from './scoreSetting.ts'
import { runAll, type Worker } from './trainers.ts'
import { sharing } from './trainingSet.ts'

/** A task for a worker: compute scores of one architecture with one seed. */
export interface ScoreTask {
  readonly arch: string
  readonly seed: number
  readonly scores: readonly string[]
}

export interface ScoredTask {
  /** The values of the task's scores, in their order. */
  readonly values: readonly number[]
  /** CPU seconds that the task took. */
  readonly seconds: number
}

/** Computes the scores of one architecture with one seed. */
export async function scoreTask({ score, named }: Scoring, { arch, seed, scores }: ScoreTask): Promise<ScoredTask> {
  const started = process.cpuUsage()
  const values = await score(arch, seed, scores.map(named) as Score[])
  const { user, system } = process.cpuUsage(started)
  return { values, seconds: (user + system) / 1e6 }
}

export interface ScoreTableOptions {
  readonly name: string
  readonly folder: string
  readonly scoring: Scoring
  /** Architecture strings in the search space's own form, without repetitions. */
  readonly architectures: readonly string[]
  readonly seeds: readonly number[]
  /**
   * Whether architectures that define the same network share one value of each score that depends on the network only.
   */
  readonly share: boolean
  /** Table whose columns, such as accuracies, are copied for the same architectures. */
  readonly table?: Table
  /** Opens the workers, each of which does one task at a time. They are closed at the end. */
  workers(): Promise<readonly Worker<ScoreTask, ScoredTask>[]>
  readonly onProgress: (progress: BuildProgress) => void
  /** Called before each task; if it returns true, the remaining tasks are left for the next command. */
  readonly stopped: () => boolean
}

export interface ScoreTableResult extends BuildProgress {
  readonly manifest: Manifest
  /** CPU seconds of all tasks of this command. */
  readonly seconds: number
  /** Names of the columns that this command requested. */
  readonly columns: readonly string[]
}

/**
 * Computes scores and writes the table. The scores of an architecture are written to the journal as soon as they are
 * computed, so the same command continues after an interruption, and another command adds columns or rows.
 * @throws BenchError `failed` if another process is scoring into the same table
 */
export async function scoreTable(options: ScoreTableOptions): Promise<ScoreTableResult> {
  const { name, folder, scoring, architectures, seeds } = options
  const journals = join(folder, `${name}.scores`)
  makeFolder(journals)
  const journal = await ScoreJournal.open(join(journals, 'scores.jsonl'))
  try {
    const columns = wantedColumns(scoring, seeds)
    const ranks = wantedRanks(scoring, seeds)
    journal.addRows(architectures)
    for (const column of columns) journal.addColumn(knownColumn(column, options))
    for (const rank of ranks) journal.addRanks(rank)
    const progress = await computeMissing(columns, journal, options)
    const manifest = write(journal, options)
    const asked = [
      ...columns.map(({ score, seed }) => columnName(score, scoring.setting, seed)),
      ...ranks.map((r) => r.name),
    ]
    return { ...progress, manifest, columns: [...new Set(asked)] }
  } finally {
    journal.close()
  }
}

/**
 * Returns the columns to compute: each score with each seed, but scores without random numbers with the first seed
 * only.
 */
function wantedColumns({ single }: Scoring, seeds: readonly number[]): ScoreColumn[] {
  return single.flatMap((score) =>
    (score.reads === 'architecture' ? seeds.slice(0, 1) : seeds).map((seed) => ({ score, seed })),
  )
}

function knownColumn(column: ScoreColumn, { scoring, share }: ScoreTableOptions): KnownColumn {
  const { score, seed } = column
  const { setting } = scoring
  const shared = share && score.layers === 'output' && scoring.space.trainingKey !== undefined
  const identity = columnIdentity(column, setting, scoring.originOf(score))
  return {
    identity: shared ? `${identity}-shared` : identity,
    name: columnName(score, setting, seed),
    mean: columnName(score, setting, 'mean'),
    seed,
    better: score.better,
    shared,
  }
}

function wantedRanks({ scores, setting, named }: Scoring, seeds: readonly number[]): KnownRanks[] {
  const seed = seeds.length > 1 ? 'mean' : seeds[0]
  return scores.filter(isRankScore).map((rank) => {
    const parts = rank.parts.map(named) as Score[]
    return {
      score: rank.name,
      name: rankColumnName(rank, parts, setting, seed),
      parts: parts.map((part) => columnName(part, setting, seed)),
    }
  })
}

/**
 * Returns a function from an architecture to the one whose scores it shares: the first that defines the same network.
 */
function sharedArchitecture(space: SearchSpace): (arch: string) => string {
  const { numbering, trainingKey } = space
  if (numbering !== undefined) {
    const { servedBy } = sharing(space, { share: true })
    return (arch) => space.format(numbering.at(servedBy(numbering.indexOf(space.parse(arch)))))
  }
  const first = new Map<string, string>()
  return (arch) => {
    const key = trainingKey?.(space.parse(arch)) ?? arch
    const known = first.get(key) ?? arch
    first.set(key, known)
    return known
  }
}

async function computeMissing(
  columns: readonly ScoreColumn[],
  journal: ScoreJournal,
  options: ScoreTableOptions,
): Promise<BuildProgress & { readonly seconds: number }> {
  const { scoring, architectures, seeds, workers, onProgress, stopped } = options
  const known = new Map(columns.map((column) => [column, knownColumn(column, options)]))
  const ownerOf = sharedArchitecture(scoring.space)
  const owners = [...known.values()].some(({ shared }) => shared) ? architectures.map(ownerOf) : architectures
  const tasks = new Map<string, { arch: string; seed: number; columns: Set<ScoreColumn> }>()
  let total = 0
  const add = (arch: string, column: ScoreColumn) => {
    const key = `${column.seed} ${arch}`
    const task = tasks.get(key) ?? { arch, seed: column.seed, columns: new Set() }
    if (!tasks.has(key)) total++
    tasks.set(key, task)
    if (journal.value(arch, (known.get(column) as KnownColumn).identity) === undefined) task.columns.add(column)
  }
  architectures.forEach((arch, i) => {
    for (const column of columns) add(known.get(column)?.shared ? owners[i] : arch, column)
  })
  // One seed after the other, so that an interrupted command leaves whole columns.
  const missing = [...tasks.values()]
    .filter((task) => task.columns.size > 0)
    .sort((a, b) => seeds.indexOf(a.seed) - seeds.indexOf(b.seed))
  const before = total - missing.length
  let [done, seconds] = [0, 0]
  const report = () => onProgress({ total, before, done })
  report()
  const open = missing.length === 0 || stopped() ? [] : await workers()
  const orders = missing.map((task) => ({ ...task, scores: [...task.columns].map(({ score }) => score.name) }))
  try {
    await runAll(
      orders,
      open.map((worker) => ({
        run: ({ arch, seed, scores }: (typeof orders)[number]) => worker.run({ arch, seed, scores }),
      })),
      stopped,
      (task, result) => {
        const identities = [...task.columns].map((column) => (known.get(column) as KnownColumn).identity)
        journal.addValues(task.arch, Object.fromEntries(identities.map((id, i) => [id, result.values[i]])))
        seconds += result.seconds
        done++
        report()
      },
    )
  } finally {
    for (const worker of open) worker.close()
  }
  return { total, before, done, seconds }
}

/** Writes the table with all columns in the journal. */
function write(journal: ScoreJournal, options: ScoreTableOptions): Manifest {
  const { name, folder, scoring, table } = options
  const { space } = scoring
  const { index, archs } = rowsOf(space, [...journal.rows])
  const single = singleColumns(journal, space, archs)
  const means = meanColumns(journal, single)
  const all = new Map([...single, ...means].map((column) => [column.name, column]))
  const ranks = rankColumns(journal, scoring, all)
  const own = new Set([...all.keys(), ...ranks.map((column) => column.name)])
  const copied = table === undefined ? [] : copiedColumns(table, space, archs, own)
  const described = JSON.stringify([...journal.columns.values()])
  return writeTable(folder, name, spaceIndex(space), {
    index,
    arch: archs,
    texts: [],
    numbers: [...copied, ...all.values(), ...ranks],
    source: {
      format: 'scored',
      name: 'bench score',
      sha256: createHash('sha256').update(described).digest('hex'),
    },
    notes: notesOf(options, copied.length),
  })
}

function notesOf({ scoring, table, share }: ScoreTableOptions, copied: number): string[] {
  const { dataset, network, batchSize, initialisation, executor } = scoring.setting
  const size = `C=${network.channels}, depth ${network.depth}, ${network.imageSize}×${network.imageSize} images`
  return [
    `training-free scores of untrained networks: ${size}, batches of ${batchSize} from ${dataset.name}, initialisation ${initialisation}, ${executor}`,
    ...(share && scoring.space.trainingKey
      ? ['architectures that are the same network share the scores that depend on nothing else']
      : []),
    ...(table === undefined ? [] : [`${pluralize(copied, 'column')} of table ${table.manifest.name} copied`]),
  ]
}

function rowsOf(space: SearchSpace, archs: readonly string[]): { index: Int32Array; archs: readonly string[] } {
  const { numbering } = space
  if (numbering === undefined) return { index: Int32Array.from(archs.keys()), archs }
  const indices = Int32Array.from(archs, (arch) => numbering.indexOf(space.parse(arch))).sort()
  return { index: indices, archs: Array.from(indices, (at) => space.format(numbering.at(at))) }
}

function singleColumns(journal: ScoreJournal, space: SearchSpace, archs: readonly string[]): NumbersContent[] {
  const ownerOf = sharedArchitecture(space)
  const columns = [...journal.columns.values()]
  const owners = columns.some(({ shared }) => shared) ? archs.map(ownerOf) : archs
  return columns.map(({ name, identity, shared }) => ({
    name,
    values: Float64Array.from(archs, (arch, row) => journal.value(shared ? owners[row] : arch, identity) ?? Number.NaN),
  }))
}

/**
 * Returns columns with the means over seeds, for scores with at least two seeds. A row that lacks a seed has no mean.
 */
function meanColumns(journal: ScoreJournal, single: readonly NumbersContent[]): NumbersContent[] {
  const groups = new Map<string, KnownColumn[]>()
  for (const column of journal.columns.values()) groups.set(column.mean, [...(groups.get(column.mean) ?? []), column])
  return [...groups].flatMap(([name, members]) => {
    if (members.length < 2) return []
    const columns = members.map((member) => single.find((column) => column.name === member.name) as NumbersContent)
    const values = columns[0].values.map(
      (_, row) => columns.reduce((sum, column) => sum + column.values[row], 0) / columns.length,
    )
    return [{ name, values, seeds: members.map(({ seed }) => seed) }]
  })
}

/** Returns the columns of scores that combine ranks. Ranks are taken among the rows that have all combined scores. */
function rankColumns(
  journal: ScoreJournal,
  { named }: Scoring,
  columns: ReadonlyMap<string, NumbersContent>,
): NumbersContent[] {
  const better = new Map(
    [...journal.columns.values()].flatMap((c) => [c.name, c.mean].map((n) => [n, c.better] as const)),
  )
  return [...journal.ranks.values()].flatMap(({ score, name, parts }) => {
    const rank = nameOrUndefined(() => named(score))
    const values = parts.map((part) => columns.get(part)?.values)
    if (rank === undefined || !isRankScore(rank) || values.some((column) => column === undefined)) return []
    const numbers = values as Float64Array[]
    const rows = Array.from(numbers[0].keys()).filter((row) => numbers.every((column) => !Number.isNaN(column[row])))
    const ranks = numbers.map((column, part) => {
      const sign = better.get(parts[part]) === 'lower' ? -1 : 1
      return midRanks(rows.map((row) => sign * column[row]))
    })
    const result = new Float64Array(numbers[0].length).fill(Number.NaN)
    rows.forEach((row, i) => {
      result[row] = rank.combine(
        ranks.map((of) => of[i]),
        rows.length,
      )
    })
    return [{ name, values: result }]
  })
}

/** Calls `find`, which looks up a score by name; returns undefined if its plugin is not loaded in this command. */
function nameOrUndefined<T>(find: () => T): T | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof BenchError && error.code === 'unknown-name') return undefined
    throw error
  }
}

function copiedColumns(
  table: Table,
  space: SearchSpace,
  archs: readonly string[],
  own: ReadonlySet<string>,
): NumbersContent[] {
  const { numbering } = space
  const rows = archs.map((arch) => {
    const index = numbering === undefined ? table.find(arch) : numbering.indexOf(space.parse(arch))
    return index === undefined ? undefined : table.row(index)
  })
  return table.manifest.columns.flatMap(({ name, type, seeds }) => {
    if (name === 'index' || type === 'utf8' || own.has(name)) return []
    const column = table.column(name)
    const values = Float64Array.from(rows, (row) => (row === undefined ? undefined : column.at(row)) ?? Number.NaN)
    return [{ name, values, ...(seeds && isAccuracy(name) && { seeds }) }]
  })
}
