/**
 * Lists the terms of all weighted sums of a graph, computes their weights from the mixing coefficients, and the
 * gradient of the mixing coefficients from the gradients of the weights.
 */
import type { CoefficientId } from '../../core/network.ts'
import type { Activity } from './activity.ts'
import type { Graph } from './graph.ts'

/**
 * One term of a weighted sum, (product of its mixing coefficients `factors`)·value: what the host needs to compute its
 * weight.
 */
export interface PlannedTerm {
  readonly factors: readonly CoefficientId[]
  /** Position, in the activity flags, of the flag that tells whether the term is computed. */
  readonly flag: number
}

/** Returns the terms of all weighted sums of a graph, in the order of the operations. */
export function termsOf(graph: Graph, activity: Activity): PlannedTerm[] {
  return graph.operations.flatMap((operation, index) => {
    if (operation.kind !== 'combine') return []
    return operation.terms.map(({ factors }, part) => ({ factors, flag: activity.ofPart(index, part) }))
  })
}

/** Returns for each operation of a graph the position of its first term in the list that `termsOf` returns. */
export function firstTerms({ operations }: Graph): number[] {
  let count = 0
  return operations.map((operation) => {
    const first = count
    if (operation.kind === 'combine') count += operation.terms.length
    return first
  })
}

/** Returns the weight of a term of a weighted sum, the product of its mixing coefficients; an empty product is 1. */
export function weightOf({ factors }: PlannedTerm, coefficients: Float64Array | undefined): number {
  let product = 1
  if (coefficients !== undefined) for (const factor of factors) product *= coefficients[factor]
  return product
}

/**
 * Returns the gradient of the loss L with respect to all mixing coefficients c: ∂L/∂c_k = Σ, over the terms with c_k
 * among their factors, of ∂L/∂(Π factors)·(Π of the other factors).
 *
 * @param gradientOf returns ∂L/∂(Π factors) of the term at a position of `terms`
 * @param flags activity flags; undefined: every term is active
 */
export function coefficientGradient(
  terms: readonly PlannedTerm[],
  coefficients: Float64Array,
  flags: Uint8Array | undefined,
  gradientOf: (term: number) => number,
): Float64Array {
  const result = new Float64Array(coefficients.length)
  terms.forEach(({ factors, flag }, term) => {
    if (flags !== undefined && flags[flag] === 0) return
    const gradient = gradientOf(term)
    factors.forEach((factor, i) => {
      result[factor] += factors.reduce(
        (product, other, j) => (i === j ? product : product * coefficients[other]),
        gradient,
      )
    })
  })
  return result
}
