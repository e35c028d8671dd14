/** Where gradients flow on the way back through a graph. */
import { type Graph, inputsOf, type Operation, outputsOf, rootsOf } from './graph.ts'

/**
 * How often each value's gradient may be added to. A root counts once more: its producer runs, and reads the gradient,
 * even where all other readers are skipped.
 *
 * @param throughRelu how often a convolution adds that reads its input through ReLU
 */
export function countContributions(
  { operations, values, network }: Graph,
  throughRelu: 'once' | 'for each filter',
): number[] {
  const counts = values.map(() => 0)
  for (const operation of operations) {
    const single = operation.kind !== 'convolve' || (operation.relu && throughRelu === 'once')
    for (const input of inputsOf(operation)) counts[input] += single ? 1 : operation.filters.length
  }
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
