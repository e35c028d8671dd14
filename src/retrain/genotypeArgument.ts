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

/** Where an architecture that the user gives is looked up. */
export interface ArchitecturePlaces {
  /** Search spaces that try to parse the architecture; absent: the built-in ones. */
  readonly spaces?: readonly SearchSpace[]
  /** Folder of the store, in which a run can be given by its id; absent: only by its path. */
  readonly store?: string
}

/**
 * Returns the architecture that the user gives, and the search space that can parse it. The argument is a published
 * name (`DRNAS`), an architecture string in the literature's notation or JSON, an index in a numbered space (`6111`),
 * or a file with one of these (the `result.json` of a search, the folder of its run, or a log).
 * @throws BenchError `missing`, `unknown-name` or `bad-input` that says which part is wrong
 */
export const readArchitecture = (argument: string, { spaces, store }: ArchitecturePlaces = {}): ReadArchitecture =>
  parseArchitecture(genotypeText(argument, store), spaces)

/**
 * Returns the text that describes an architecture: the argument itself, or the content of the file or run that it
 * names.
 * @param store folder of the store, in which a run can be given by its id
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
 * Returns the path of the file that the argument names, or of `result.json` in the run that it names by path or, in a
 * store, by id; undefined if there is none.
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
 * @param store folder of the store, in which a run can be given by its id
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
