/** An architecture as a user names it: a published name, its text, or a file that holds either. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { type DartsGenotype, darts } from '../spaces/darts/index.ts'

/**
 * Reads a name (`DRNAS`), text in the literature's notation or JSON, or a file with one of these, such as the `result.json`
 * of a search.
 * @throws BenchError `unknown-name` or `bad-input` that says which part is wrong
 */
export function readGenotype(argument: string): DartsGenotype {
  const isFile = existsSync(argument) && statSync(argument).isFile()
  return darts.parse(isFile ? written(readFileSync(argument, 'utf8')) : argument)
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
