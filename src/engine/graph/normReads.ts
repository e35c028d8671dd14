/** Values that are read by a normalisation and nothing else. */
import type { ValueId } from '../../core/network.ts'
import { type Graph, inputsOf, rootsOf } from './graph.ts'

/** Outputs of dense convolutions that one normalised term reads, and nothing else. */
export function convolvedForOneNorm({ operations, network }: Graph): Set<ValueId> {
  const reads = new Map<ValueId, number>()
  const normalised = new Set<ValueId>()
  for (const operation of operations) {
    for (const input of inputsOf(operation)) reads.set(input, (reads.get(input) ?? 0) + 1)
    if (operation.kind !== 'combine') continue
    for (const { value, norm } of operation.terms) if (norm !== null) normalised.add(value)
  }
  for (const root of rootsOf(network)) normalised.delete(root)
  const convolved = operations.flatMap((operation) => (operation.kind === 'convolve' ? operation.filters : []))
  const outputs = convolved.filter(({ kind }) => kind === 'dense').map(({ output }) => output)
  return new Set(outputs.filter((output) => normalised.has(output) && reads.get(output) === 1))
}
