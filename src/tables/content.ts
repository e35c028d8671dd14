/** A table being made: what importers hand over and `writeTable` writes. */

import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { Source } from './manifest.ts'
import type { Recipe } from './recipe.ts'
import type { SpaceIndex } from './spaceIndex.ts'

export interface TableContent {
  /** Rows ascend by index. */
  readonly index: Int32Array
  /** Each row's architecture, in the space's own spelling. */
  readonly arch: readonly string[]
  readonly numbers: readonly NumbersContent[]
  readonly texts: readonly TextsContent[]
  readonly source: Source
  readonly notes: readonly string[]
  /** Of tables that were built here. */
  readonly recipe?: Recipe
}

export interface NumbersContent {
  readonly name: string
  /** One a row; NaN where the source has none. */
  readonly values: Float64Array
  /** Of a column of means: the seeds that were averaged. */
  readonly seeds?: readonly number[]
}

export interface TextsContent {
  readonly name: string
  readonly values: readonly (string | null)[]
}

/** What the importers need besides their source. */
export interface ImportContext {
  readonly space: SpaceIndex
  /** Accept fewer rows than the space has architectures. */
  readonly partial: boolean
}

/** @throws BenchError `bad-input` where a finite space's table lacks architectures and nobody asked for a part */
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
