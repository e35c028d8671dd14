/**
 * conv(relu(x)) reads x and applies ReLU while it stages its input, so the rectified value is never stored and its mask
 * is recomputed from x on the way back.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Graph, Operation } from '../graph.ts'

export function foldRelu(graph: Graph): Graph {
  const rectified = new Map<ValueId, ValueId>()
  const operations = graph.operations.map((operation): Operation => {
    if (operation.kind === 'relu') rectified.set(operation.output, operation.input)
    if (operation.kind !== 'convolve') return operation
    const input = rectified.get(operation.input)
    return input === undefined ? operation : { ...operation, input, relu: true }
  })
  return { ...graph, operations }
}
