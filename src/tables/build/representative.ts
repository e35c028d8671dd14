/** One architecture for all that compute the same function: it is trained, the others share its numbers. */
import type { Genotype, SearchSpace } from '../../core/space.ts'

/** The architecture of the lowest number with this one's function; itself where the space tells no functions. */
export function representative<G extends Genotype>(space: SearchSpace<G>, genotype: G): G {
  const { numbering } = space
  if (numbering === undefined || space.functionOf === undefined) return genotype
  const name = space.functionOf(genotype)
  const own = numbering.indexOf(genotype)
  for (let index = 0; index < own; index++) {
    const other = numbering.at(index)
    if (space.functionOf(other) === name) return other
  }
  return genotype
}
