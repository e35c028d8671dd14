/**
 * Reads the architecture that a user names on the command line: a published name, its text, or a file that contains one
 * of these.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { genotype as knownGenotype } from '../algorithms/references.ts'
import { BenchError } from '../core/errors.ts'
import type { Finder } from '../core/result.ts'
import { type DartsGenotype, parseCells } from '../spaces/darts/index.ts'
import { beyondLimit, limitOf } from '../system/limits.ts'
import { statIfThere } from '../system/readable.ts'

/**
 * Parses the architecture that the user names: a published name (`DRNAS`), a text in the literature's notation or JSON,
 * or a file with one of these (the `result.json` of a search, the folder of its run, or a log).
 * @throws BenchError `missing`, `unknown-name` or `bad-input` that says which part is wrong
 */
export const readGenotype = (argument: string): DartsGenotype => parseCells(genotypeText(argument))

/**
 * Returns the text of an architecture: the argument itself, or the content of the file that it names.
 * @throws BenchError `missing` if a path names no file, `bad-input` if the file is too long
 */
export function genotypeText(argument: string): string {
  const file = fileOf(argument)
  if (file !== undefined) return written(readBounded(file))
  if (/^[^(){}|]*(?:[/\\]|\.json$)/.test(argument)) {
    const expected = 'a file with a genotype, as result.json of a search, its text, or a published name'
    throw new BenchError('missing', `there is no file ${argument}; expected ${expected}`)
  }
  return argument
}

/**
 * Returns the path of the file that the argument names, or of `result.json` in the run's folder that it names;
 * undefined if there is neither.
 */
function fileOf(argument: string): string | undefined {
  const candidates = [argument, join(argument, 'result.json')]
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

/** Returns the search whose `result.json` or folder the argument names; undefined for other arguments. */
export function finderOf(argument: string): Finder | undefined {
  const file = fileOf(argument)
  if (file === undefined) return undefined
  try {
    const { id: run, ...search } = finderSchema.parse(JSON.parse(readBounded(file)))
    return { ...search, run }
  } catch {
    return undefined
  }
}
