/**
 * ReLUs and max poolings become ones whose decisions can be held. They stay operations of their own, since what a
 * convolution applies to its input on the way leaves nothing to hold.
 */
import type { Graph, Operation } from '../graph.ts'

export function freezeActivations(graph: Graph): Graph {
  return { ...graph, operations: graph.operations.map(held) }
}

function held(operation: Operation): Operation {
  if (operation.kind === 'relu') return { ...operation, kind: 'frozenRelu' }
  return operation.kind === 'maxPool' ? { ...operation, kind: 'frozenMaxPool' } : operation
}
