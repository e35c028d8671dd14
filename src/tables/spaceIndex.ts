/**
 * The part of a search space that lookup tables need: its architecture strings and the indices of its architectures.
 */
import { BenchError } from '../core/errors.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { Table } from './table.ts'

/** The name of a search space, and the conversion between its architecture strings and indices. */
export interface SpaceIndex {
  readonly name: string
  /**
   * Number of architectures in the search space. Null if the space does not number them; a table then numbers its rows
   * in the order of the imported file.
   */
  readonly size: number | null
  /**
   * Returns an architecture string in the search space's canonical form.
   * @throws BenchError `bad-input` if it is malformed
   */
  canonical(arch: string): string
  /**
   * Returns the index in the search space of the architecture with this string.
   * @throws BenchError `bad-input` if it is malformed
   */
  indexOf(arch: string): number
  /** Returns the string of the architecture with this index. @throws BenchError `bad-input` unless 0 ≤ index < size */
  at(index: number): string
}

/** Returns the index of a genotype; undefined if the table has no row for its architecture. */
export function indexIn<G extends Genotype>(table: Table, space: SearchSpace<G>, genotype: G): number | undefined {
  // With a numbering, the column of architecture strings, the table's largest, need not be read.
  if (space.numbering === undefined) return table.find(space.format(genotype))
  const index = space.numbering.indexOf(genotype)
  return table.row(index) === undefined ? undefined : index
}

/**
 * Returns the genotype of the architecture with this index, which must have a row in the table. If the search space
 * numbers its architectures, the table's string is not read.
 */
export function genotypeIn<G extends Genotype>(table: Table, space: SearchSpace<G>, index: number): G {
  return space.numbering?.at(index) ?? space.parse(table.arch(index) as string)
}

/** Returns the name, the architecture strings and the architecture indices of a search space. */
export function spaceIndex<G extends Genotype>(space: SearchSpace<G>): SpaceIndex {
  const { name, numbering } = space
  const numbered = () => {
    if (numbering !== undefined) return numbering
    throw new BenchError('unsupported', `space ${name} does not number its architectures; give architecture strings`)
  }
  return {
    name,
    size: numbering?.count ?? null,
    canonical: (arch) => space.format(space.parse(arch)),
    indexOf: (arch) => numbered().indexOf(space.parse(arch)),
    at: (index) => space.format(numbered().at(index)),
  }
}
