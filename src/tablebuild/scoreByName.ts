/**
 * Computes training-free scores of architectures. Spaces, scores, datasets and tables are given by the names that the
 * user types on the command line.
 */

import { parseQualifier } from '../core/metric.ts'
import { pluralize } from '../core/plainText.ts'
import { isAccuracy } from '../tables/columnNames.ts'
import { checkTableName } from '../tables/importTable.ts'
import { listTables, openManifest, openTable } from '../tables/openTable.ts'
import type { Table } from '../tables/table.ts'
import { userTables } from '../tables/tableFolders.ts'
import { chosenArchitectures } from './scoreArchitectures.ts'
import { checkChoice, openExecution, type ScoringChoice } from './scorers.ts'
import {
  type ScoredTask,
  type ScoreTableOptions,
  type ScoreTableResult,
  type ScoreTask,
  scoreTable,
} from './scoreTable.ts'
import { forkWorker } from './trainers.ts'

/** The options of `bench score` as the command line gives them. */
export interface NamedScoring
  extends ScoringChoice,
    Pick<ScoreTableOptions, 'name' | 'seeds' | 'share' | 'onProgress' | 'stopped'> {
  /**
   * Which architectures to score: a number of random ones, `all`, or the path of a file with one architecture string
   * per line.
   */
  readonly architectures: string
  /**
   * Name or path of the table whose columns, such as accuracies, are copied; absent: the only table of this search
   * space and dataset, if there is exactly one.
   */
  readonly table?: string
  /** Number of worker processes, each of which scores one network at a time. */
  readonly jobs: number
  /** Folder that the table of scores is written to; absent: the folder of the user's tables. */
  readonly folder?: string
  /** Called with messages to the user before the scoring begins. */
  readonly report?: (line: string) => void
}

/**
 * Scores architectures in worker processes, writes the table of scores, and opens it.
 * @throws BenchError for an error in names, sizes or architectures, before the first network is scored
 */
export async function scoreByName(request: NamedScoring): Promise<ScoreTableResult & { readonly table: Table }> {
  const { name, folder = userTables(), report, jobs } = request
  if (request.folder === undefined) await checkTableName(name)
  const { space, plugins, scores, dataset, data, channels, depth, imageSize, batchSize, initialisation, executor } =
    request
  const choice: ScoringChoice = {
    ...{ space, plugins, scores, dataset, batchSize, initialisation, executor },
    ...{ data, channels, depth, imageSize },
  }
  const checked = await checkChoice(choice, report)
  const architectures = chosenArchitectures(checked.space, request.architectures)
  const from = request.table === undefined ? await tableOf(checked.space.name, dataset, report) : request.table
  const table = from === undefined ? undefined : await openTable(from)
  const scoring = await openExecution(checked)
  const result = await scoreTable({
    ...{ name, folder, scoring, architectures },
    ...{ seeds: request.seeds, share: request.share, onProgress: request.onProgress, stopped: request.stopped },
    ...(table && { table }),
    workers: async () =>
      Array.from({ length: Math.max(1, Math.min(jobs, architectures.length)) }, () =>
        forkWorker<ScoringChoice, ScoreTask, ScoredTask>(
          'scoreWorker.js',
          choice,
          ({ arch, seed }) => `${arch}, seed ${seed}`,
        ),
      ),
  })
  return { ...result, table: await openTable(`${folder}/${name}.manifest.json`) }
}

/**
 * Returns the name of the only table that has accuracies of the search space on the dataset; undefined if no table or
 * several tables have them.
 */
async function tableOf(space: string, dataset: string, report?: (line: string) => void): Promise<string | undefined> {
  const found: string[] = []
  for (const name of await listTables()) {
    const manifest = await openManifest(name).catch(() => undefined)
    if (manifest?.space !== space || manifest.source.format === 'scored') continue
    const isOf = (column: string) => isAccuracy(column) && parseQualifier(column).dataset === dataset
    if (manifest.columns.some((column) => isOf(column.name))) found.push(name)
  }
  if (found.length > 1) {
    const several = `${pluralize(found.length, 'table')} have accuracies of ${dataset}: ${found.join(', ')}`
    report?.(`${several}; name one with --table to compare the scores with them`)
  }
  return found.length === 1 ? found[0] : undefined
}
