/**
 * Parts of searches in stages after which every edge keeps fewer operations (P-DARTS, progressive DrNAS): the first epoch
 * of each stage, and the operations that are left. DropNAS, too, computes a softmax over a part of the operations.
 */
import { type Matrix, map, type Relaxation, softmax, softmaxGradient } from '../../core/mixing.ts'
import { requireAllFinite } from '../../core/numbers.ts'

/** For each edge and operation, whether the operation is left in the search: [edge][op]. */
export type Mask = readonly (readonly boolean[])[]

/** The softmax over the operations that are left on each edge; the others have weight 0 and are not computed. */
export const maskedSoftmax = (mask: Mask): Relaxation => ({
  stochastic: false,
  relax(alpha) {
    const theta = map(alpha, (a, edge, op) => (mask[edge][op] ? a : Number.NEGATIVE_INFINITY)).map(softmax)
    return {
      mixing: { theta, active: mask },
      pullback: (gradient) => theta.map((row, edge) => softmaxGradient(row, gradient.theta[edge])),
    }
  },
})

/**
 * Returns the mask with only the operations of largest α among those that are left on each edge; ties go to the lower
 * index.
 * @param kept returns how many of the operations that are left on an edge it keeps
 * @throws NotFiniteError if an α is not finite
 */
export const keepStrongest = (alpha: Matrix, mask: Mask, kept: (left: number) => number): Mask =>
  alpha.map((row, edge) => {
    requireAllFinite(row, 'an architecture parameter')
    const left = [...row.keys()].filter((op) => mask[edge][op])
    const strongest = left.toSorted((a, b) => row[b] - row[a]).slice(0, kept(left.length))
    return row.map((_, op) => strongest.includes(op))
  })

/** Returns the first epoch (0-based) of each stage of a search; stages have equally many epochs, up to rounding. */
export const stageBegins = (stages: number, epochs: number): number[] =>
  Array.from({ length: stages }, (_, stage) => Math.round((stage * epochs) / stages))
