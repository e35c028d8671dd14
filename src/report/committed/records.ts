/** What a committed report is computed from. */
import { join } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import type { SearchSpace } from '../../core/space.ts'
import { Store } from '../../runner/store/store.ts'
import { isThere, readIfThere } from '../../system/readable.ts'
import { readRun, type WholeRun } from '../runRecord.ts'
import { inOrder, parseRecipe, type ReportRecipe } from './committed.ts'
import { condensedSpace, expand } from './condensed.ts'

export interface CommittedReport extends Records {
  readonly recipe: ReportRecipe
}

interface Records {
  /** In the order of the report. */
  readonly runs: readonly WholeRun[]
  /** That the runs search. */
  readonly space: SearchSpace
}

/** @throws BenchError `unknown-name` */
export type SpaceOf = (name: string) => SearchSpace | Promise<SearchSpace>

export const RECIPE = 'report.json'

/** @throws BenchError `missing`, or `corrupt` where its files do not belong together */
export async function readReport(folder: string, spaceOf: SpaceOf): Promise<CommittedReport> {
  const path = join(folder, RECIPE)
  const recipe = parseRecipe(requiredText(path), path)
  const { runs, space } = await recordsIn(folder, spaceOf)
  return { recipe, runs: inOrder(runs, recipe), space }
}

/** Kept as run folders or condensed. */
async function recordsIn(report: string, spaceOf: SpaceOf): Promise<Records> {
  if (isThere(join(report, 'runs.csv'))) {
    const text = (name: string) => requiredText(join(report, name))
    const files = { 'jobs.json': text('jobs.json'), 'runs.csv': text('runs.csv'), 'lookups.csv': text('lookups.csv') }
    const space = await spaceOf(condensedSpace(files))
    return { runs: expand(files, space), space }
  }
  const runs = new Store(join(report, 'runs')).runs().map(readRun)
  if (runs.length === 0) throw new BenchError('missing', `${report} has no records in runs/; it cannot be recomputed`)
  return { runs, space: await spaceOf(runs[0].manifest.job.space) }
}

function requiredText(path: string): string {
  const bytes = readIfThere(path)
  if (bytes !== undefined) return bytes.toString('utf8')
  throw new BenchError('missing', `${path} does not exist; without it the report cannot be recomputed`)
}
