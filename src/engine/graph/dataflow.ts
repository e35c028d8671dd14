/**
 * Analyses a graph of operations: how many operations read each value, and into which values gradients flow in the
 * backward pass.
 */
import type { ValueId } from '../../core/network.ts'
import { type Graph, inputsOf, type Of, type Operation, outputsOf, rootsOf } from './graph.ts'

/**
 * Returns for each value of the graph how often operations read it; values that the caller reads (logits, features,
 * observed activations) count once more.
 */
export function countReads({ operations, values, network }: Graph): number[] {
  const reads = values.map(() => 0)
  for (const operation of operations) for (const input of inputsOf(operation)) reads[input]++
  for (const root of rootsOf(network)) reads[root]++
  return reads
}

/**
 * Returns the outputs of dense convolutions that are read only once, by a weighted sum that batch-normalises them.
 */
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
 * Returns for each value of the graph how many kernel calls may add to its gradient in the backward pass. Values that
 * the caller reads (logits, features, observed activations) count once more, because the backward pass reads their
 * gradient even if all operations that read the value are skipped.
 *
 * @param ofConvolution returns how many kernel calls of a convolution add to the gradient of its input
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

/**
 * Returns for each value of the graph whether the backward pass needs its gradient: the value is observed, or depends
 * on a parameter, a mixing coefficient or an observed value.
 */
export function findDifferentiable({ operations, values, network }: Graph): boolean[] {
  const observed = new Set(network.observed)
  const depends = values.map((_, id) => observed.has(id))
  for (const operation of operations) {
    const learns = hasParameters(operation) || inputsOf(operation).some((input) => depends[input])
    for (const output of outputsOf(operation)) depends[output] ||= learns
  }
  return depends
}

/** Tells whether an operation has parameters or mixing coefficients. */
function hasParameters(operation: Operation): boolean {
  if (operation.kind === 'combine') {
    return operation.terms.some(({ norm, factors }) => norm?.affine || factors.length > 0)
  }
  return operation.kind === 'convolve' || operation.kind === 'bias'
}
