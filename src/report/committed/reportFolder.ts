/**
 * Writing a report into a folder. Nothing there is deleted or replaced but what an earlier `report.json` lists, and no
 * report is written where the runs that it shows are kept: a store has a folder `runs` of its own, and so has a report.
 */
import { lstatSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { runFiles } from '../../core/recordSchemas.ts'
import { writeAllAtomically } from '../../system/atomicFile.ts'
import { isThere, listIfThere, readIfThere } from '../../system/readable.ts'
import type { ContentOptions } from '../content.ts'
import type { WholeRun } from '../runRecord.ts'
import { computedFiles, parseRecipe, type ReportRecipe, reportFiles } from './committed.ts'
import { CONDENSED_FILES } from './condensed.ts'
import { RECIPE, readReport } from './records.ts'
import type { VerifyOptions } from './verifyReport.ts'

/** Where the runs of a report come from. */
export interface Source {
  readonly kind: 'store' | 'report'
  readonly folder: string
}

export interface ReportRequest {
  readonly folder: string
  readonly runs: readonly WholeRun[]
  readonly sources: readonly Source[]
  readonly recipe: Omit<ReportRecipe, 'runs' | 'files'>
  /** Settings that the user gave; the others of a report that is drawn again stay as they are. */
  readonly given: Partial<ReportRecipe>
  readonly compact: boolean
  readonly context: Pick<ContentOptions, 'space' | 'references'>
}

/**
 * Writes a report, or draws one again from its own records, which are then only read.
 * @throws BenchError `bad-input` where something in the folder would be lost, before anything is written
 */
export async function writeReport(request: ReportRequest, known: VerifyOptions): Promise<void> {
  const { folder, runs, sources, recipe, compact, context } = request
  if (isOwn(folder, sources)) return redraw(request, known)
  for (const source of sources) requireApart(folder, source)
  const earlier = earlierRecipe(folder)
  requireNoOtherRuns(folder, earlier)
  const files = await reportFiles(runs, recipe, context, compact)
  requireFree(folder, files.keys(), earlier)
  replaceFiles(folder, files, earlier)
}

/**
 * Writes all files of a report again but its records, as after a change of how tables and figures look.
 * @param changes to its recipe
 * @throws BenchError `missing` or `corrupt` where it cannot be recomputed
 */
export async function updateReport(
  folder: string,
  { spaceOf, references }: VerifyOptions,
  changes: Partial<ReportRecipe> = {},
): Promise<void> {
  const { recipe, runs, space } = await readReport(folder, spaceOf)
  const computed = await computedFiles(runs, { ...recipe, ...changes }, { space, references })
  const files = new Map([...computed].filter(([name]) => !isRecord(name, recipe)))
  requireFree(folder, files.keys(), recipe)
  replaceFiles(folder, files, recipe)
}

async function redraw({ folder, runs, given, compact }: ReportRequest, known: VerifyOptions): Promise<void> {
  const { recipe, runs: all } = await readReport(folder, known.spaceOf)
  const problem =
    runs.length < all.length
      ? `it would lose ${pluralize(all.length - runs.length, 'run')}`
      : compact && !isCompact(recipe)
        ? 'its records would be rewritten'
        : undefined
  if (problem === undefined) return updateReport(folder, known, given)
  const remedy = 'name another folder, or leave out what narrows the runs or changes how they are kept'
  throw new BenchError('bad-input', `${folder} is the report that the runs come from, and ${problem}; ${remedy}`)
}

const isOwn = (folder: string, sources: readonly Source[]): boolean =>
  sources.length === 1 && sources[0].kind === 'report' && realPlace(folder) === realPlace(sources[0].folder)

/** @throws BenchError `bad-input` where one lies in the other, or both are the same, by whatever names and links */
function requireApart(folder: string, source: Source): void {
  const origin = realPlace(source.folder)
  for (const place of [folder, join(folder, 'runs')].map(realPlace)) {
    const how =
      place === origin ? 'is' : isInside(place, origin) ? 'lies inside' : isInside(origin, place) ? 'contains' : ''
    if (how === '') continue
    const where = place === realPlace(folder) ? folder : `${join(folder, 'runs')}, where the report keeps its records,`
    const message = `${where} ${how} the ${source.kind} ${source.folder} that the runs come from; name another folder`
    throw new BenchError('bad-input', message)
  }
}

const isInside = (inner: string, outer: string): boolean => {
  const path = relative(outer, inner)
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`)
}

/** The path without links, as far as it is there. */
function realPlace(path: string): string {
  const whole = resolve(path)
  try {
    return realpathSync(whole)
  } catch {
    const parent = dirname(whole)
    return parent === whole ? whole : join(realPlace(parent), basename(whole))
  }
}

function earlierRecipe(folder: string): ReportRecipe | undefined {
  const path = join(folder, RECIPE)
  const text = readIfThere(path)?.toString('utf8')
  return text === undefined ? undefined : parseRecipe(text, path)
}

const RECORDS: ReadonlySet<string> = new Set(Object.keys(runFiles))

/** @throws BenchError `bad-input` for a run in the folder that no earlier report there lists, or that is being worked on */
function requireNoOtherRuns(folder: string, earlier: ReportRecipe | undefined): void {
  const refuse = (what: string): never => {
    throw new BenchError('bad-input', `${what}; name another folder for the report`)
  }
  if (isThere(join(folder, 'run.json'))) refuse(`${folder} is the folder of a run`)
  const listed = new Set(earlier?.runs)
  for (const entry of listIfThere(join(folder, 'runs')) ?? []) {
    const path = join(folder, 'runs', entry.name)
    const files = (listIfThere(path) ?? []).map(({ name }) => name)
    if (!files.includes('run.json')) continue
    if (!listed.has(entry.name)) refuse(`${path} is a run that no ${RECIPE} there lists`)
    if (entry.isSymbolicLink()) refuse(`${path} is a link to a run elsewhere`)
    const other = files.find((name) => !RECORDS.has(name) && !name.endsWith('.tmp'))
    if (other !== undefined) refuse(`${path} holds a ${other}, which is of a run and not of a report`)
  }
}

/** @throws BenchError `bad-input` for a file that would be replaced, and that no earlier report there lists */
function requireFree(folder: string, names: Iterable<string>, earlier: ReportRecipe | undefined): void {
  if (earlier !== undefined && earlier.files === undefined) return
  const own = new Set([...(earlier === undefined ? [] : [RECIPE]), ...listedFiles(earlier)])
  for (const name of names) {
    const path = join(folder, name)
    if (own.has(name) || lstatSync(path, { throwIfNoEntry: false }) === undefined) continue
    throw new BenchError('bad-input', `${path} is there, and no ${RECIPE} lists it; name another folder for the report`)
  }
}

/** What an earlier report consists of, but for `report.json` itself. */
function listedFiles(earlier: ReportRecipe | undefined): readonly string[] {
  if (earlier === undefined) return []
  const records = earlier.runs?.flatMap((id) => [...RECORDS].map((name) => `runs/${id}/${name}`)) ?? CONDENSED_FILES
  return [...(earlier.files ?? []), ...records]
}

/** Reports that list no runs are compact. */
const isCompact = ({ runs }: ReportRecipe): boolean => runs === undefined

const isRecord = (name: string, recipe: ReportRecipe): boolean =>
  name.startsWith('runs/') || (isCompact(recipe) && (CONDENSED_FILES as readonly string[]).includes(name))

/**
 * Puts the new files in the place of the earlier ones: everything is on the disk before anything is deleted, and
 * `report.json` comes first, so that wherever this stops it lists all that is there.
 */
function replaceFiles(
  folder: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  earlier: ReportRecipe | undefined,
): void {
  const at = (name: string) => resolve(join(folder, name))
  const names = [RECIPE, ...[...files.keys()].filter((name) => name !== RECIPE)]
  const stale = listedFiles(earlier).filter((name) => !files.has(name) && !(earlier && isKept(name, files, earlier)))
  writeAllAtomically(
    names.map((name) => ({ path: at(name), content: files.get(name) ?? '' })),
    () => {
      for (const name of stale) rmSync(at(name), { force: true })
      for (const run of new Set(stale.map(dirname))) if (run !== '.') removeIfEmpty(at(run))
    },
  )
}

/** Records of a report that is drawn again: it has none among the new files. */
const isKept = (name: string, files: ReadonlyMap<string, unknown>, earlier: ReportRecipe): boolean =>
  isRecord(name, earlier) && ![...files.keys()].some((file) => file.startsWith('runs/') || file === 'runs.csv')

/** A folder that holds anything else stays. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // It is not empty, or was not there.
  }
}
