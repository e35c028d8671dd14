/** Where gradients flow on the way back through a graph. */
import { type Graph, inputsOf, type Of, type Operation, outputsOf, rootsOf } from './graph.ts'

/**
 * How often each value's gradient may be added to. A root counts once more: its producer runs, and reads the gradient,
 * even where all other readers are skipped.
 *
 * @param ofConvolution how often that adds
 */
export function countContributions(
  { operations, values, network }: Graph,
  ofConvolution: (convolution: Of<'convolve'>, index: number) => number,
): number[] {
  const counts = values.map(() => 0)
  operations.forEach((operation, index) => {
    const own = operation.kind === 'convolve' ? ofConvolution(operation, index) : 1
    for (const input of inputsOf(operation)) counts[input] += own
  })
  for (const root of rootsOf(network)) counts[root]++
  return counts
}

/** Values that a parameter or a coefficient moves. */
export function findDifferentiable({ operations, values }: Graph): boolean[] {
  const moved = values.map(() => false)
  for (const operation of operations) {
    const learns = hasParameters(operation) || inputsOf(operation).some((input) => moved[input])
    for (const output of outputsOf(operation)) moved[output] = learns
  }
  return moved
}

function hasParameters(operation: Operation): boolean {
  if (operation.kind === 'combine') {
    return operation.terms.some(({ norm, factors }) => norm?.affine || factors.length > 0)
  }
  return operation.kind === 'convolve' || operation.kind === 'bias'
}
