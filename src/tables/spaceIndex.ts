/** A space's numbering in terms of architecture strings, as tables need it. */
import { BenchError } from '../core/errors.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import type { Table } from './table.ts'

export interface SpaceIndex {
  readonly name: string
  /** Number of architectures; null where the space numbers none: rows then count in the source's order. */
  readonly size: number | null
  /** The space's own spelling of an architecture. @throws BenchError `bad-input` where it is none of the space's */
  canonical(arch: string): string
  /** @throws BenchError `bad-input` where the text is none of the space's */
  indexOf(arch: string): number
  /** @throws BenchError `bad-input` outside 0 … size − 1 */
  at(index: number): string
}

/** The index of an architecture in a table of its space; undefined where the table has no row. */
export function indexIn<G extends Genotype>(table: Table, space: SearchSpace<G>, genotype: G): number | undefined {
  // The space's own number is found without reading the table's column of architectures, its largest.
  if (space.numbering === undefined) return table.find(space.format(genotype))
  const index = space.numbering.indexOf(genotype)
  return table.row(index) === undefined ? undefined : index
}

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
