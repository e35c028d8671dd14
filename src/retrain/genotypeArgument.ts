/** An architecture as a user names it: a published name, its text, or a file that holds either. */
import { readFileSync } from 'node:fs'
import { BenchError } from '../core/errors.ts'
import { statIfThere } from '../core/readable.ts'
import { type DartsGenotype, parseCells } from '../spaces/darts/index.ts'

/**
 * Reads a name (`DRNAS`), text in the literature's notation or JSON, or a file with one of these, such as the `result.json`
 * of a search.
 * @throws BenchError `missing`, `unknown-name` or `bad-input` that says which part is wrong
 */
export function readGenotype(argument: string): DartsGenotype {
  const isFile = statIfThere(argument)?.isFile() === true
  if (!isFile && /^[^(){}]*(?:[/\\]|\.json$)/.test(argument)) {
    const expected = 'a file with a genotype, as result.json of a search, its text, or a published name'
    throw new BenchError('missing', `there is no file ${argument}; expected ${expected}`)
  }
  return parseCells(isFile ? written(readFileSync(argument, 'utf8')) : argument)
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
