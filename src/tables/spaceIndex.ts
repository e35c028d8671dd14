/** A search space as tables need it: its architecture strings and their numbering. */
import { BenchError } from '../core/errors.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { Table } from './table.ts'

/** Names and numbers of the architectures of a space. */
export interface SpaceIndex {
  readonly name: string
  /**
   * Number of architectures; null if the space has no numbering, so that rows are numbered in the order of the source.
   */
  readonly size: number | null
  /** Returns an architecture string in the space's spelling. @throws BenchError `bad-input` if it is malformed */
  canonical(arch: string): string
  /** Returns the index of an architecture string. @throws BenchError `bad-input` if it is malformed */
  indexOf(arch: string): number
  /** Returns the architecture string of an index. @throws BenchError `bad-input` outside 0 … size − 1 */
  at(index: number): string
}

/** Returns the index of an architecture; undefined if the table has no row for it. */
export function indexIn<G extends Genotype>(table: Table, space: SearchSpace<G>, genotype: G): number | undefined {
  // With a numbering, the column of architecture strings, the table's largest, need not be read.
  if (space.numbering === undefined) return table.find(space.format(genotype))
  const index = space.numbering.indexOf(genotype)
  return table.row(index) === undefined ? undefined : index
}

/** Returns the genotype of an architecture that has a row. With a numbering, its string need not be read. */
export function genotypeIn<G extends Genotype>(table: Table, space: SearchSpace<G>, index: number): G {
  return space.numbering?.at(index) ?? space.parse(table.arch(index) as string)
}

/** Returns the architecture strings and numbering of a space. */
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
