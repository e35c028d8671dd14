/**
 * Reads the architecture that a user gives on the command line: a published name, an architecture string, an index, or
 * a file or run that contains one of these.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { genotype as knownGenotype } from '../algorithms/references.ts'
import { BenchError } from '../core/errors.ts'
import { isFileName } from '../core/names.ts'
import type { Finder } from '../core/result.ts'
import type { SearchSpace } from '../core/space.ts'
import { parseArchitecture, type ReadArchitecture } from '../spaces/index.ts'
import { beyondLimit, limitOf } from '../system/limits.ts'
import { statIfThere } from '../system/readable.ts'
import { idInStore, noRunNamed } from './runIds.ts'

/** Where an architecture that the user gives is looked up. */
export interface ArchitecturePlaces {
  /** Search spaces that try to parse the architecture; absent: the built-in ones. */
  readonly spaces?: readonly SearchSpace[]
  /** Folder of the store, in which a run can be given by its id or the beginning of it; absent: only by its path. */
  readonly store?: string
}

/**
 * Returns the architecture that the user gives, and the search space that can parse it. The argument is a published
 * name (`DRNAS`), an architecture string in the literature's notation or JSON, an index in a numbered space (`6111`),
 * or a file with one of these (the `result.json` of a search, the folder of its run, or a log).
 * @throws BenchError `missing`, `unknown-name` or `bad-input` that says which part is wrong
 */
export function readArchitecture(argument: string, places: ArchitecturePlaces = {}): ReadArchitecture {
  const text = genotypeText(argument, places)
  try {
    return parseArchitecture(text, places.spaces)
  } catch (error) {
    if (text === argument || !(error instanceof BenchError)) throw error
    throw new BenchError(error.code, `${argument} holds no architecture: ${error.message}`, { cause: error })
  }
}

/** Returns whether the argument is an architecture that can be read, as by `readArchitecture`. */
export function isArchitecture(argument: string, places: ArchitecturePlaces = {}): boolean {
  try {
    readArchitecture(argument, places)
    return true
  } catch (error) {
    if (error instanceof BenchError) return false
    throw error
  }
}

/** Matches words that can only be the id of a run or the beginning of one, since they have a seed. */
const RUN_ID = /^[\w.-]+-seed\d/

/**
 * Returns the text that describes an architecture: the argument itself, or the content of the file or run that it
 * names.
 * @throws BenchError `missing` if a path or run id names nothing, `bad-input` if the file is too long
 */
export function genotypeText(argument: string, places: ArchitecturePlaces = {}): string {
  const file = fileOf(argument, places)
  if (file !== undefined) return written(readBounded(file))
  if (places.store !== undefined && RUN_ID.test(argument)) throw noRunNamed(argument, places.store)
  if (/^[^(){}|]*(?:[/\\]|\.json$)/.test(argument)) {
    const expected = 'a file with a genotype, as result.json of a search, its text, or a published name'
    throw new BenchError('missing', `there is no file ${argument}; expected ${expected}`)
  }
  return argument
}

const RESULT = 'result.json'

const isFile = (path: string): boolean => statIfThere(path)?.isFile() === true

/**
 * Returns the path of the file that the argument names, or of `result.json` in the run that it names by path or, in a
 * store, by its id or the beginning of it; undefined if there is none. What is an architecture itself names no run.
 * @throws BenchError `missing` if the run has no result, `bad-input` if several runs begin so
 */
function fileOf(argument: string, { spaces, store }: ArchitecturePlaces): string | undefined {
  const file = [argument, join(argument, RESULT)].find(isFile)
  if (file !== undefined || store === undefined || !isFileName(argument) || isArchitecture(argument, { spaces })) {
    return file
  }
  const id = idInStore(argument, store)
  if (id === undefined || isFile(join(store, id, RESULT))) return id && join(store, id, RESULT)
  throw new BenchError('missing', `run ${id} in the store ${store} has no ${RESULT} yet; finish it, or name another`)
}

function readBounded(file: string): string {
  const mebibytes = statSync(file).size / 2 ** 20
  if (mebibytes > limitOf('genotype-mib')) {
    throw beyondLimit('genotype-mib', `${file} has ${mebibytes.toFixed(1)} MiB`, 'copy the genotype out of it')
  }
  const text = readFileSync(file, 'utf8')
  if (!text.includes('\0') && text.trim() !== '') return text
  const found = text.trim() === '' ? 'is empty' : 'is not text'
  throw new BenchError('bad-input', `${file} ${found}; expected a file with a genotype, as result.json of a search`)
}

/** If the text is a JSON record, returns its field `genotype`; else the text itself. */
function written(text: string): string {
  try {
    const { genotype } = JSON.parse(text) as { readonly genotype?: unknown }
    return typeof genotype === 'string' ? genotype : text
  } catch {
    return text
  }
}

/** Schema of a search's `result.json`. It rejects the result of a full training, whose algorithm is `genotype`. */
const finderSchema = z.object({
  id: z.string(),
  algorithm: z.string().refine((name) => name !== knownGenotype.name),
  dataset: z.string(),
  seed: z.int(),
})

/**
 * Returns the search that produced an architecture, if the argument names its `result.json`, folder or id; else
 * undefined.
 */
export function finderOf(argument: string, places: ArchitecturePlaces = {}): Finder | undefined {
  const file = fileOf(argument, places)
  if (file === undefined) return undefined
  try {
    const { id: run, ...search } = finderSchema.parse(JSON.parse(readBounded(file)))
    return { ...search, run }
  } catch {
    return undefined
  }
}
