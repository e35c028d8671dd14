/** Which operations read a value of a graph, and where gradients flow in its backward pass. */
import type { ValueId } from '../../core/network.ts'
import { type Graph, inputsOf, type Of, type Operation, outputsOf, rootsOf } from './graph.ts'

/** Counts how often each value is read; a logit or feature output counts once more. */
export function countReads({ operations, values, network }: Graph): number[] {
  const reads = values.map(() => 0)
  for (const operation of operations) for (const input of inputsOf(operation)) reads[input]++
  for (const root of rootsOf(network)) reads[root]++
  return reads
}

/** Finds the outputs of dense convolutions whose only reader is one normalised term. */
export function convolvedForOneNorm(graph: Graph): Set<ValueId> {
  const reads = countReads(graph)
  const normalised = new Set<ValueId>()
  const convolved: ValueId[] = []
  for (const operation of graph.operations) {
    if (operation.kind === 'combine') {
      for (const { value, norm } of operation.terms) if (norm !== null) normalised.add(value)
    } else if (operation.kind === 'convolve') {
      for (const { kind, output } of operation.filters) if (kind === 'dense') convolved.push(output)
    }
  }
  return new Set(convolved.filter((output) => normalised.has(output) && reads[output] === 1))
}

/**
 * Counts how many operations may add to the gradient of each value. A logit or feature output counts once more: the
 * operation that computes it runs and reads the gradient even where all its other readers are skipped.
 *
 * @param ofConvolution how many of the dispatches or calls of a convolution add to the gradient of its input
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

/** Tells for each value whether it depends on a parameter or a mixing coefficient, so that its gradient is needed. */
export function findDifferentiable({ operations, values }: Graph): boolean[] {
  const depends = values.map(() => false)
  for (const operation of operations) {
    const learns = hasParameters(operation) || inputsOf(operation).some((input) => depends[input])
    for (const output of outputsOf(operation)) depends[output] = learns
  }
  return depends
}

function hasParameters(operation: Operation): boolean {
  if (operation.kind === 'combine') {
    return operation.terms.some(({ norm, factors }) => norm?.affine || factors.length > 0)
  }
  return operation.kind === 'convolve' || operation.kind === 'bias'
}
