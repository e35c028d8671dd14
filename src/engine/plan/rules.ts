/** The frame in which a graph becomes a static plan: one lowering rule per kind of operation, forward and backward. */
import type { Graph, Of, Operation } from '../graph/graph.ts'

/** Emits the backward pass of one operation, whose forward pass has been emitted. */
export type Backward = () => void

/**
 * Emits the forward pass of one operation and returns what emits its backward pass.
 *
 * @typeParam C what the rules of one backend share
 */
export type Rule<C, K extends Operation['kind']> = (context: C, operation: Of<K>, index: number) => Backward

/** One rule for every kind of operation. */
export type Rules<C> = { readonly [K in Operation['kind']]: Rule<C, K> }

/** Emits the forward passes of all operations in order. → a function that emits the backward passes, last operation first */
export function emitForward<C>(context: C, { operations }: Graph, rules: Rules<C>): Backward {
  const backwards = operations.map((operation, index) => {
    const rule = rules[operation.kind] as Rule<C, Operation['kind']>
    return rule(context, operation, index)
  })
  return () => {
    for (const backward of backwards.toReversed()) backward()
  }
}
