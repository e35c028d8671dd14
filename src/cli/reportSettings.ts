/** Reads the claims and settings with which a command reports runs: from experiment files, reports and `--claims`. */
import { join } from 'node:path'
import type { ReportRecipe } from '../report/committed/records.ts'
import type { Claims } from '../report/comparison/claims.ts'
import type { ExperimentFile } from '../runner/plan/experimentFile.ts'
import { readIfThere } from '../system/readable.ts'
import { isExperimentFile, REPORT } from './places.ts'
import { openRegistry } from './pluginRegistry.ts'

/**
 * Returns the claims with which a command compares its runs: those in the file that `--claims` names, else those of the
 * only experiment file or report among the command's arguments, if it has some.
 * @throws BenchError as `readClaims`
 */
export async function claimsFor(
  items: readonly string[],
  { claims: named, plugin = [] }: { readonly claims?: string | boolean; readonly plugin?: readonly string[] },
): Promise<Claims | undefined> {
  const [experiment, ...others] = items.filter(isExperimentFile)
  const path = typeof named === 'string' ? named : others.length > 0 ? undefined : await claimsOfExperiment(experiment)
  if (path === undefined) return (await recipeOf(items))?.claims
  const [{ readClaims }, { algorithms }] = await Promise.all([
    import('../report/comparison/claims.ts'),
    openRegistry(plugin),
  ])
  return readClaims(
    path,
    algorithms.map(({ name }) => name),
  )
}

/** Returns the settings of the report that a command's only argument names; undefined if it names something else. */
export async function recipeOf(items: readonly string[]): Promise<ReportRecipe | undefined> {
  const path = items.length === 1 ? join(items[0], REPORT) : undefined
  const text = path === undefined ? undefined : readIfThere(path)?.toString('utf8')
  if (path === undefined || text === undefined) return undefined
  const { parseRecipe } = await import('../report/committed/records.ts')
  return parseRecipe(text, path)
}

/** Title of a report that is given none. */
export const DEFAULT_TITLE = 'Architecture search'

/** What a table or report shows: its title, the published rows below it, and whether it may mix protocols. */
export type ShownSettings = Pick<ReportRecipe, 'title' | 'published' | 'mix'>

/**
 * Returns what a table or report shows: each setting as the user typed it, else as the report has it that is read or
 * written anew.
 */
export const shownSettings = (typed: Partial<ShownSettings>, earlier?: ReportRecipe): ShownSettings => ({
  title: typed.title ?? earlier?.title ?? DEFAULT_TITLE,
  published: typed.published ?? earlier?.published ?? 'auto',
  mix: typed.mix ?? earlier?.mix ?? false,
})

async function claimsOfExperiment(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : (await readExperiment(path)).claims
}

/** Reads the experiment file that an argument names, by its path or the name of one that comes with the package. */
export async function readExperiment(path: string): Promise<ExperimentFile> {
  const [{ experimentPath }, { readExperimentFile }] = await Promise.all([
    import('./resolveExperiment.ts'),
    import('../runner/plan/experimentFile.ts'),
  ])
  return readExperimentFile(experimentPath(path))
}
