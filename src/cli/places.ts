/** Finds the sources of runs that a command's arguments name: stores, run folders, report folders, experiment files, run ids. */
import { basename, dirname, extname, join, resolve } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { isFileName, unknownName } from '../core/names.ts'
import { idInStore } from '../retrain/runIds.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import { DEFAULT_STORE, Store } from '../runner/store/store.ts'
import { isThere, namesIfThere, statIfThere } from '../system/readable.ts'

/** A source of runs that an argument names: an experiment file, a single run, a report folder or a store. */
export type Place =
  | { readonly kind: 'experiment'; readonly path: string }
  | { readonly kind: 'run'; readonly run: RunFolder }
  | { readonly kind: 'report'; readonly folder: string }
  | { readonly kind: 'store'; readonly store: Store }

/**
 * Returns the sources of runs that a command's argument names: an experiment file, a run, a report or a store by its
 * path, or a run by its id or the beginning of it. A folder of reports stands for every report in it.
 *
 * @param store path of the store in which run ids are looked up
 * @throws BenchError `bad-input` for any other file, `unknown-name` for an id that is not in the store
 */
export function placesOf(item: string, store: string | undefined): readonly Place[] {
  if (isExperimentFile(item)) return [{ kind: 'experiment', path: item }]
  const found = item === '' ? undefined : statIfThere(item)
  if (found?.isDirectory()) return placesIn(item)
  if (found !== undefined) {
    const expected = 'expected an experiment file (.yaml), a store, a run folder, a report folder or a run id'
    throw new BenchError('bad-input', `${item} is a file that holds no runs; ${expected}`)
  }
  return [{ kind: 'run', run: runNamed(item, new Store(store)) }]
}

/** Returns whether an argument names an experiment file: its ending is .yaml or .yml. */
export const isExperimentFile = (item: string): boolean => ['.yaml', '.yml'].includes(extname(item))

function placesIn(folder: string): readonly Place[] {
  const path = resolve(folder)
  if (isThere(join(path, RUN))) return [{ kind: 'run', run: new Store(dirname(path)).run(basename(path)) }]
  if (isThere(join(path, REPORT))) return [{ kind: 'report', folder }]
  const reports = (namesIfThere(path) ?? [])
    .filter((name) => !RUN_NAME.test(name) && isThere(join(path, name, REPORT)))
    .sort()
    .map((name): Place => ({ kind: 'report', folder: join(folder, name) }))
  const store = new Store(folder)
  return reports.length > 0 && store.runs().length === 0 ? reports : [{ kind: 'store', store }, ...reports]
}

/**
 * Matches the names of run folders, so that the search for reports in a folder need not open them: a store may have
 * thousands.
 */
const RUN_NAME = /-[0-9a-f]{16}$/

/** Name of the file that marks a folder as a run. */
const RUN = 'run.json'
/** Name of the file that marks a folder as a report. */
export const REPORT = 'report.json'

/**
 * Returns the run of a store with that id, or with the only id that begins so.
 * @throws BenchError `unknown-name` if the store has none, `bad-input` if several ids begin so
 */
function runNamed(name: string, store: Store): RunFolder {
  const id = isFileName(name) ? idInStore(name, store.folder) : undefined
  if (id !== undefined && store.run(id).exists()) return store.run(id)
  const known = isThere(store.folder) ? store.runs().map((each) => each.id) : []
  if (known.length === 0) {
    const expected = 'expected a store, a run, a report or an experiment file (.yaml)'
    throw new BenchError('unknown-name', `there is no ${name}, and no run in the store ${store.folder}; ${expected}`)
  }
  throw unknownName(`path or run of ${store.folder}`, name, known)
}

/** Returns the sources of runs that `--store` names: a store, which need not exist yet, or a run or report. */
export function placesOfStore(store: string = DEFAULT_STORE): readonly Place[] {
  return isThere(store) ? placesOf(store, undefined) : [{ kind: 'store', store: new Store(store) }]
}

/** Returns the sources of runs that a command's arguments name; without arguments those that `--store` names. */
export const selectedPlaces = (items: readonly string[], store: string | undefined): readonly Place[] =>
  items.length === 0 ? placesOfStore(store) : items.flatMap((item) => placesOf(item, store))

/** Returns the name of a source of runs without its folder: `nb201-laptop`. */
export function nameOfPlace(place: Place): string {
  if (place.kind === 'experiment') return basename(place.path, extname(place.path))
  if (place.kind === 'report') return basename(resolve(place.folder))
  return basename(resolve(place.kind === 'run' ? place.run.path : place.store.folder))
}
