/** An architecture as a user names it: a published name, its text, or a file that holds either. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import type { Finder } from '../core/result.ts'
import { type DartsGenotype, parseCells } from '../spaces/darts/index.ts'
import { beyondLimit, limitOf } from '../system/limits.ts'
import { statIfThere } from '../system/readable.ts'

/**
 * Reads a name (`DRNAS`), text in the literature's notation or JSON, or a file with one of these: the `result.json` of a
 * search, its folder, or a log.
 * @throws BenchError `missing`, `unknown-name` or `bad-input` that says which part is wrong
 */
export const readGenotype = (argument: string): DartsGenotype => parseCells(genotypeText(argument))

/**
 * The text of an architecture: what was typed, or what is in the file of that name.
 * @throws BenchError `missing` for a path where no file is, `bad-input` for a file that is too long
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

/** The file itself, or the result in the folder of a run. */
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

/** The text itself, or the field `genotype` of a record. */
function written(text: string): string {
  try {
    const { genotype } = JSON.parse(text) as { readonly genotype?: unknown }
    return typeof genotype === 'string' ? genotype : text
  } catch {
    return text
  }
}

/** Of the answer of a search; a full training of an architecture that was given found nothing. */
const finderSchema = z.object({
  id: z.string(),
  algorithm: z.string().refine((name) => name !== 'genotype'),
  dataset: z.string(),
  seed: z.int(),
})

/** The search whose `result.json`, or folder, is named; undefined for any other argument of `readGenotype`. */
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
