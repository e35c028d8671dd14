/**
 * Decides which architectures share a training: those that are the same network are trained once, as the one of lowest
 * index.
 */
import { BenchError } from '../core/errors.ts'
import type { Genotype, Numbering, SearchSpace } from '../core/space.ts'

/** The architectures of a space that are trained, and which others each of them stands for. */
export interface Sharing {
  /** Number of architectures in the space. */
  readonly count: number
  /** Indices of the architectures that are trained, ascending. */
  readonly trained: readonly number[]
  /** Returns the index of the architecture whose training this one shares. */
  servedBy(index: number): number
}

/** Returns the space's numbering. @throws BenchError `unsupported` if the space does not number its architectures */
export function numberingOf<G extends Genotype>({ name, numbering }: SearchSpace<G>): Numbering<G> {
  if (numbering !== undefined) return numbering
  throw new BenchError('unsupported', `space ${name} has too many architectures for a table of them all; try nb201`)
}

/**
 * Returns which architectures of a space share a training.
 * @param share false: none do. True: those that are the same network, if the space can tell which ones are
 */
export function sharing<G extends Genotype>(space: SearchSpace<G>, { share }: { readonly share: boolean }): Sharing {
  if (!share || space.functionOf === undefined) return noSharing(space)
  const known = sharings.get(space) ?? byFunction(space, space.functionOf)
  sharings.set(space, known)
  return known
}

/** Returns the architecture whose training this one shares. */
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

/** Cached results by space, since comparing all architectures of a space takes about a second. */
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
