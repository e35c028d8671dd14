/**
 * Reads the architecture that a user names on the command line: a published name, its text, its index, or a file or run
 * that contains one of these.
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

/** Where the architectures that a user names are looked for. */
export interface ArchitecturePlaces {
  /** Search spaces that may read the architecture; absent: the built-in ones. */
  readonly spaces?: readonly SearchSpace[]
  /** Folder of all runs, in which a run may be named by its id; absent: runs are named by their path. */
  readonly store?: string
}

/**
 * Returns the architecture that the user names, with the search space that reads it: a published name (`DRNAS`), a text
 * in the literature's notation or JSON, an index of a numbered space (`6111`), or a file with one of these (the
 * `result.json` of a search, the folder of its run, or a log).
 * @throws BenchError `missing`, `unknown-name` or `bad-input` that says which part is wrong
 */
export const readArchitecture = (argument: string, { spaces, store }: ArchitecturePlaces = {}): ReadArchitecture =>
  parseArchitecture(genotypeText(argument, store), spaces)

/**
 * Returns the text of an architecture: the argument itself, or the content of the file or run that it names.
 * @param store folder of all runs, in which a run may be named by its id
 * @throws BenchError `missing` if a path names no file, `bad-input` if the file is too long
 */
export function genotypeText(argument: string, store?: string): string {
  const file = fileOf(argument, store)
  if (file !== undefined) return written(readBounded(file))
  if (/^[^(){}|]*(?:[/\\]|\.json$)/.test(argument)) {
    const expected = 'a file with a genotype, as result.json of a search, its text, or a published name'
    throw new BenchError('missing', `there is no file ${argument}; expected ${expected}`)
  }
  return argument
}

/**
 * Returns the path of the file that the argument names, or of `result.json` in the run's folder that it names by path
 * or, in a store, by id; undefined if there is none.
 */
function fileOf(argument: string, store?: string): string | undefined {
  const candidates = [argument, join(argument, 'result.json')]
  if (store !== undefined && isFileName(argument)) candidates.push(join(store, argument, 'result.json'))
  return candidates.find((path) => statIfThere(path)?.isFile() === true)
}

function readBounded(file: string): string {
  const mebibytes = statSync(file).size / 2 ** 20
  if (mebibytes > limitOf('genotype-mib')) {
    throw beyondLimit('genotype-mib', `${file} has ${mebibytes.toFixed(1)} MiB`, 'copy the genotype out of it')
  }
  return readFileSync(file, 'utf8')
}

/** Returns the field `genotype` if the text is a JSON record, else the text itself. */
function written(text: string): string {
  try {
    const { genotype } = JSON.parse(text) as { readonly genotype?: unknown }
    return typeof genotype === 'string' ? genotype : text
  } catch {
    return text
  }
}

/**
 * Schema of the `result.json` of a search. The result of a full training, whose algorithm is `genotype`, does not
 * match.
 */
const finderSchema = z.object({
  id: z.string(),
  algorithm: z.string().refine((name) => name !== knownGenotype.name),
  dataset: z.string(),
  seed: z.int(),
})

/**
 * Returns the search whose `result.json`, folder or id the argument names; undefined for other arguments.
 * @param store folder of all runs, in which a run may be named by its id
 */
export function finderOf(argument: string, store?: string): Finder | undefined {
  const file = fileOf(argument, store)
  if (file === undefined) return undefined
  try {
    const { id: run, ...search } = finderSchema.parse(JSON.parse(readBounded(file)))
    return { ...search, run }
  } catch {
    return undefined
  }
}
