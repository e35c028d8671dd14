/**
 * Writes a report into a folder. Only files that an earlier `report.json` there lists are replaced or deleted. A report
 * and the store whose runs it shows must lie in separate folders, since both have a folder `runs`.
 */
import { lstatSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { RUN_FILES } from '../../core/recordSchemas.ts'
import { writeAllAtomically } from '../../system/atomicFile.ts'
import { isAbsence, isThere, listIfThere, readIfThere, unreadable } from '../../system/readable.ts'
import type { RunRecord } from '../runRecord.ts'
import { COMPACT_RECORDS, isCompact, parseRecipe, RECIPE, type ReportRecipe, readReport } from './records.ts'
import {
  computedFiles,
  isInForm,
  isKitFile,
  type ReportContext,
  type ReportFiles,
  type ReportForm,
  reportFiles,
} from './reportFiles.ts'
import type { VerifyOptions } from './verify.ts'

/** A folder from which runs of a report were read: a store or an earlier report. */
export interface Source {
  readonly kind: 'store' | 'report'
  readonly folder: string
}

export interface ReportRequest extends ReportForm {
  readonly folder: string
  readonly runs: readonly RunRecord[]
  readonly sources: readonly Source[]
  readonly recipe: Omit<ReportRecipe, 'runs' | 'files'>
  readonly context: ReportContext
}

/**
 * Writes a report into its folder. If the runs were read from that same folder, the tables, figures and page are
 * recomputed and the run records stay as they are.
 * @throws BenchError `bad-input`, before anything is written, if a file would be overwritten that no earlier report
 * wrote
 */
export async function writeReport(request: ReportRequest, known: VerifyOptions): Promise<void> {
  const { folder, runs, sources, recipe, context } = request
  if (isOwn(folder, sources)) return redraw(request, known)
  for (const source of sources) requireApart(folder, source)
  const earlier = earlierRecipe(folder)
  requireNoOtherRuns(folder, earlier)
  const files = await reportFiles(runs, recipe, context, request)
  requireFree(folder, files.keys(), earlier)
  replaceFiles(folder, files, earlier)
}

/**
 * Recomputes and rewrites the files that a report's `report.json` lists, except the run records. This is for a new
 * version of the program, whose tables and figures look different.
 * @param changes settings of `report.json` that are changed
 * @param form which files the report has from now on; absent: those that `report.json` lists
 * @throws BenchError `missing` or `corrupt` if the report cannot be recomputed
 */
export async function updateReport(
  folder: string,
  { spaceOf, references }: VerifyOptions,
  changes: Partial<ReportRecipe> = {},
  form?: ReportForm,
): Promise<void> {
  const { recipe, runs, space } = await readReport(folder, spaceOf)
  const isNew = (name: string) =>
    (changes.kit === true && isKitFile(name)) || (changes.claims !== undefined && name.startsWith('claims.'))
  const isWanted = (name: string) =>
    form ? isInForm(name, form) : recipe.files?.includes(name) !== false || isNew(name)
  const files = await computedFiles(runs, { ...recipe, ...changes }, { space, references }, isWanted)
  requireFree(folder, files.keys(), earlierRecipe(folder))
  replaceFiles(folder, files, recipe)
}

async function redraw(
  { folder, runs, recipe: settings, compact, figures }: ReportRequest,
  known: VerifyOptions,
): Promise<void> {
  const { recipe, runs: all } = await readReport(folder, known.spaceOf)
  const problem =
    runs.length < all.length
      ? `it would lose ${pluralize(all.length - runs.length, 'run')}`
      : compact && !isCompact(recipe)
        ? 'its records would be rewritten'
        : undefined
  if (problem === undefined) {
    return updateReport(folder, known, settings, figures && { compact: isCompact(recipe), figures })
  }
  const remedy = 'name another folder, or leave out what narrows the runs or changes how they are kept'
  throw new BenchError('bad-input', `${folder} is the report that the runs come from, and ${problem}; ${remedy}`)
}

/** Returns whether all runs of a report were read from the folder into which the report is written. */
const isOwn = (folder: string, sources: readonly Source[]): boolean =>
  sources.length === 1 && sources[0].kind === 'report' && realPlace(folder) === realPlace(sources[0].folder)

/**
 * Checks that the report's folder and a folder from which runs were read are separate, also after symbolic links are
 * resolved.
 * @throws BenchError `bad-input` if they are the same or one lies inside the other
 */
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

/** Returns the absolute path with symbolic links resolved. Its last folders need not exist. */
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

/** Names of the files of a run folder that a report copies. */
const COPIED_FILES: ReadonlySet<string> = new Set(RUN_FILES)

/**
 * Checks that the report's folder contains no run that does not belong to the report.
 * @throws BenchError `bad-input` if it contains a run that an earlier report there does not list, or a run in progress
 */
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
    const other = files.find((name) => !COPIED_FILES.has(name) && !name.endsWith('.tmp'))
    if (other !== undefined) refuse(`${path} holds a ${other}, which belongs to a run and not to a report`)
  }
}

/**
 * Checks that writing files with these names replaces only files of an earlier report.
 * @throws BenchError `bad-input` for a file that exists but that no earlier report in this folder lists
 */
function requireFree(folder: string, names: Iterable<string>, earlier: ReportRecipe | undefined): void {
  if (earlier !== undefined && earlier.files === undefined) return
  const own = new Set([...(earlier === undefined ? [] : [RECIPE]), ...listedFiles(earlier)])
  for (const name of names) {
    const path = join(folder, name)
    if (own.has(name) || !isTaken(path)) continue
    throw new BenchError('bad-input', `${path} is there, and no ${RECIPE} lists it; name another folder for the report`)
  }
}

/** Returns whether there is anything at a path, also a link that leads nowhere. */
function isTaken(path: string): boolean {
  try {
    return lstatSync(path) !== undefined
  } catch (error) {
    if (isAbsence(error)) return false
    throw unreadable(path, error)
  }
}

/** Returns the names of all files that the earlier report in the folder consists of, except `report.json`. */
function listedFiles(earlier: ReportRecipe | undefined): readonly string[] {
  if (earlier === undefined) return []
  const records = earlier.runs?.flatMap((id) => [...RUN_FILES].map((name) => `runs/${id}/${name}`))
  return [...(earlier.files ?? []), ...(records ?? [COMPACT_RECORDS])]
}

const isRecord = (name: string): boolean => name.startsWith('runs/') || name === COMPACT_RECORDS

/**
 * Replaces the files of an earlier report by the new ones. All new files are on disk before an old one is deleted, and
 * `report.json` is renamed first; so after an interruption `report.json` still lists all files that exist. If there are
 * no run records among the new files, the old records stay.
 */
function replaceFiles(folder: string, files: ReportFiles, earlier: ReportRecipe | undefined): void {
  const at = (name: string) => resolve(join(folder, name))
  const names = [RECIPE, ...[...files.keys()].filter((name) => name !== RECIPE)]
  const keepsRecords = ![...files.keys()].some(isRecord)
  const stale = listedFiles(earlier).filter((name) => !files.has(name) && !(keepsRecords && isRecord(name)))
  writeAllAtomically(
    names.map((name) => ({ path: at(name), content: files.get(name) ?? '' })),
    () => {
      for (const name of stale) rmSync(at(name), { force: true })
      for (const run of new Set(stale.map(dirname))) if (run !== '.') removeIfEmpty(at(run))
    },
  )
}

/** Removes a folder if it exists and is empty. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // The folder is not empty or does not exist.
  }
}
