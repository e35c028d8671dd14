/** How a graph becomes a static plan: one rule for each kind of operation, forward and back. */
import type { Graph, Of, Operation } from '../graph/graph.ts'

/** Emits the way back through an operation whose forward part stands. */
export type Backward = () => void

/** Emits the forward part of an operation. → what emits its way back; C is what the rules of one device share */
export type Rule<C, K extends Operation['kind']> = (context: C, operation: Of<K>, index: number) => Backward

export type Rules<C> = { readonly [K in Operation['kind']]: Rule<C, K> }

/** Emits the forward parts of all operations, in their order. → what emits the ways back, the last operation's first */
export function emitForward<C>(context: C, { operations }: Graph, rules: Rules<C>): Backward {
  const backwards = operations.map((operation, index) => {
    const rule = rules[operation.kind] as Rule<C, Operation['kind']>
    return rule(context, operation, index)
  })
  return () => {
    for (const backward of backwards.toReversed()) backward()
  }
}
