/**
 * Counts the skip connections of an architecture, and derives architectures with a limited number of them (P-DARTS;
 * Chen, Xie, Wu, Tian: "Progressive Differentiable Architecture Search", ICCV 2019).
 */
import { BenchError } from '../../core/errors.ts'
import { type Matrix, map } from '../../core/mixing.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import type { RelaxedBilevel } from './bilevel.ts'
import { type SearchWithAlpha, searchWith } from './searchWith.ts'

const SKIP = 'skip_connect'

/**
 * Returns the edges of the space's first cell type (the normal cell) on which an architecture has a skip connection.
 */
export function skippedEdges(space: SearchSpace, genotype: Genotype): readonly number[] {
  const rows = space.oneHot(genotype)
  return space.edges.flatMap(({ cell, operations }, edge) =>
    cell === space.edges[0].cell && rows[edge][operations.indexOf(SKIP)] === 1 ? [edge] : [],
  )
}

/** Returns the largest number of skip connections that a normal cell of the space can have. */
export const possibleSkips = (space: SearchSpace): number =>
  skippedEdges(
    space,
    space.derive(space.edges.map(({ operations }) => operations.map((name) => Number(name === SKIP)))),
  ).length

/**
 * Checks that a limit on skip connections can change an architecture of the space.
 * @param what the limit as the user gave it, for the error message
 * @throws BenchError `bad-input` if no normal cell has more skip connections than `most`
 */
export function checkFewSkips(space: SearchSpace, most: number, what: string): void {
  const possible = possibleSkips(space)
  if (most < possible) return
  const found = possible === 0 ? 'none' : `at most ${pluralize(possible, 'skip connection')}`
  const remedy = possible === 0 ? 'leave it out' : `give at most ${possible - 1}, or leave it out`
  throw new BenchError('bad-input', `${what} limits nothing: a normal cell of ${space.name} has ${found}; ${remedy}`)
}

/**
 * Derives an architecture with at most `most` skip connections in its normal cell: the skip connection with the
 * smallest mixing weight gets weight 0, and the architecture is derived anew, until few enough are left.
 * @param threshold as in `SearchSpace.derive`
 */
export function deriveWithFewSkips(
  space: SearchSpace,
  { theta, edgeWeights }: { readonly theta: Matrix; readonly edgeWeights?: readonly number[] },
  most: number,
  threshold?: number,
): Genotype {
  const genotype = space.derive(theta, edgeWeights, threshold)
  const skipped = skippedEdges(space, genotype)
  const weight = (edge: number) => theta[edge][skipAt(space, edge)] * (edgeWeights?.[edge] ?? 1)
  const weakest = skipped.reduce((least, edge) => (weight(edge) < weight(least) ? edge : least), skipped[0])
  if (skipped.length <= most || weight(weakest) === 0) return genotype
  const fewer = map(theta, (value, edge, op) => (edge === weakest && op === skipAt(space, edge) ? 0 : value))
  return deriveWithFewSkips(space, { theta: fewer, edgeWeights }, most, threshold)
}

const skipAt = ({ edges }: SearchSpace, edge: number): number => edges[edge].operations.indexOf(SKIP)

/** Returns the search with another answer: at most `most` skip connections in the normal cell. */
export const withFewSkips = (space: SearchSpace, search: SearchWithAlpha, most: number): SearchWithAlpha =>
  searchWith(search, {
    genotype() {
      const { relaxation, parameters } = search.relaxed
      const { threshold } = (search.relaxed as Partial<RelaxedBilevel>).method ?? {}
      return deriveWithFewSkips(space, relaxation.relax(parameters()).mixing, most, threshold)
    },
  })
