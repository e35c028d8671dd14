/** The content of a table in memory, which importers and builds produce and `writeTable` writes. */
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { Source } from './manifest.ts'
import type { Recipe } from './recipe.ts'
import type { SpaceIndex } from './spaceIndex.ts'

/** All columns of a table, and what its manifest says about them. */
export interface TableContent {
  /** Index of each row's architecture, ascending. */
  readonly index: Int32Array
  /** Architecture string of each row, in the space's spelling. */
  readonly arch: readonly string[]
  readonly numbers: readonly NumbersContent[]
  readonly texts: readonly TextsContent[]
  readonly source: Source
  readonly notes: readonly string[]
  /** The recipe, for tables that were built by `bench tables build`. */
  readonly recipe?: Recipe
}

/** A column of numbers. */
export interface NumbersContent {
  readonly name: string
  /** One value per row; NaN if it is missing. */
  readonly values: Float64Array
  /** For a column of means: the training seeds that were averaged. */
  readonly seeds?: readonly number[]
}

/** A column of texts; null if the value is missing. */
export interface TextsContent {
  readonly name: string
  readonly values: readonly (string | null)[]
}

/** What every importer needs besides the source. */
export interface ImportContext {
  readonly space: SpaceIndex
  /** Whether to accept fewer rows than the space has architectures. */
  readonly partial: boolean
}

/** Checks that no architecture of an enumerable space is missing, unless `partial`. @throws BenchError `bad-input` */
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
