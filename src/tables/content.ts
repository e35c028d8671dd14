/** Defines the content of a lookup table in memory. Imports and table builds produce it, and `writeTable` writes it. */
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { Source } from './manifest.ts'
import type { Recipe } from './recipe.ts'
import type { SpaceIndex } from './spaceIndex.ts'

/** All columns of a lookup table in memory, and the facts about the table for its manifest. */
export interface TableContent {
  /** For each row: index of its architecture in the search space, ascending. */
  readonly index: Int32Array
  /** For each row: architecture string, in the search space's canonical form. */
  readonly arch: readonly string[]
  readonly numbers: readonly NumbersContent[]
  readonly texts: readonly TextsContent[]
  readonly source: Source
  readonly notes: readonly string[]
  /** The settings of all trainings, for tables that were built by `bench tables build`. */
  readonly recipe?: Recipe
}

/** A numeric column of a table in memory. */
export interface NumbersContent {
  readonly name: string
  /** The column's value in each row of the table; NaN if the value is missing. */
  readonly values: Float64Array
  /** For a column of means over training seeds: the seeds that were averaged. */
  readonly seeds?: readonly number[]
}

/** A text column of a table in memory: one text for each row, null where it is missing. */
export interface TextsContent {
  readonly name: string
  readonly values: readonly (string | null)[]
}

/** What an import must know of the table: its search space, and whether it may be incomplete. */
export interface ImportContext {
  readonly space: SpaceIndex
  /** Whether the import accepts a source that lacks architectures of the search space. */
  readonly partial: boolean
}

/**
 * Checks that the imported source has every architecture of an enumerable search space, unless `partial` is set.
 * @throws BenchError `bad-input` if some are missing
 */
export function checkComplete(index: Int32Array, { space, partial }: ImportContext, source: string): void {
  if (index.length === 0) throw new BenchError('bad-input', `${source} holds no architecture`)
  if (partial || space.size === null || index.length === space.size) return
  const present = new Set(index)
  const absent = Array.from({ length: space.size }, (_, i) => i).filter((i) => !present.has(i))
  const some = absent.slice(0, 3).map((i) => `#${i}`)
  const rest = absent.length > 3 ? `, … (${absent.length})` : ''
  const found = `${source} holds ${pluralize(index.length, 'architecture')}, ${space.name} has ${space.size}`
  throw new BenchError('bad-input', `${found}; missing ${some.join(', ')}${rest}; --partial imports what is there`)
}
