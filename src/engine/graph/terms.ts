/** The terms of all combines, one after the other, and the coefficients that weigh them. */
import type { CoefficientId } from '../../core/network.ts'
import type { Activity } from './activity.ts'
import type { Graph } from './graph.ts'

export interface PlannedTerm {
  readonly factors: readonly CoefficientId[]
  /** Number of its activity flag. */
  readonly flag: number
}

export function termsOf(graph: Graph, activity: Activity): PlannedTerm[] {
  return graph.operations.flatMap((operation, index) => {
    if (operation.kind !== 'combine') return []
    return operation.terms.map(({ factors }, part) => ({ factors, flag: activity.ofPart(index, part) }))
  })
}

/** Number of each operation's first term. */
export function firstTerms({ operations }: Graph): number[] {
  let count = 0
  return operations.map((operation) => {
    const first = count
    if (operation.kind === 'combine') count += operation.terms.length
    return first
  })
}

/** Π factors; the empty product is 1. */
export function weightOf({ factors }: PlannedTerm, coefficients: Float64Array | undefined): number {
  let product = 1
  if (coefficients !== undefined) for (const factor of factors) product *= coefficients[factor]
  return product
}

/**
 * ∂L/∂c_k = Σ over the terms with factor c_k of ∂L/∂(Π factors)·(Π of the other factors).
 *
 * @param gradientOf ∂L/∂(Π factors) of a term, by its number
 * @param flags the activity; absent: all is active
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
