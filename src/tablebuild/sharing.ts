/** Which architectures share a training: all that are one network are trained once, as the one of the lowest number. */
import { BenchError } from '../core/errors.ts'
import type { Genotype, Numbering, SearchSpace } from '../core/space.ts'

export interface Sharing {
  /** Of all architectures. */
  readonly count: number
  /** Indices of the architectures that are trained, ascending. */
  readonly trained: readonly number[]
  /** Index of the architecture whose training serves this one. */
  servedBy(index: number): number
}

/** @throws BenchError `unsupported` where the space does not number its architectures */
export function numberingOf<G extends Genotype>({ name, numbering }: SearchSpace<G>): Numbering<G> {
  if (numbering !== undefined) return numbering
  throw new BenchError('unsupported', `space ${name} has too many architectures for a table of them all; try nb201`)
}

/**
 * @param share one training for each of the space's functions; else, and where the space tells none apart, one for each
 * architecture
 */
export function sharing<G extends Genotype>(space: SearchSpace<G>, { share }: { readonly share: boolean }): Sharing {
  if (!share || space.functionOf === undefined) return noSharing(space)
  const known = sharings.get(space) ?? byFunction(space, space.functionOf)
  sharings.set(space, known)
  return known
}

/** The architecture that is trained in this one's place. */
export function representative<G extends Genotype>(
  space: SearchSpace<G>,
  genotype: G,
  recipe: { readonly share: boolean },
): G {
  const { indexOf, at } = numberingOf(space)
  return at(sharing(space, recipe).servedBy(indexOf(genotype)))
}

function noSharing<G extends Genotype>(space: SearchSpace<G>): Sharing {
  const { count } = numberingOf(space)
  return { count, trained: Array.from({ length: count }, (_, index) => index), servedBy: (index) => index }
}

/** Naming all functions of a space takes a second or so: once a process. */
const sharings = new WeakMap<object, Sharing>()

function byFunction<G extends Genotype>(space: SearchSpace<G>, functionOf: (genotype: G) => string): Sharing {
  const { count, at } = numberingOf(space)
  const first = new Map<string, number>()
  const servedBy = Int32Array.from({ length: count }, (_, index) => {
    const name = functionOf(at(index))
    const known = first.get(name) ?? index
    first.set(name, known)
    return known
  })
  return { count, trained: [...first.values()], servedBy: (index) => servedBy[index] }
}
