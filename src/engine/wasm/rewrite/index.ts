/** The order of the passes. Each takes a graph and gives an equal one. */
import type { Graph } from '../graph.ts'
import { dropUnread } from './dropUnread.ts'
import { foldRelu } from './foldRelu.ts'
import { groupConvolutions } from './groupConvolutions.ts'
import { inlineCombines } from './inlineCombines.ts'

const passes: readonly ((graph: Graph) => Graph)[] = [inlineCombines, foldRelu, dropUnread, groupConvolutions]

export function rewrite(graph: Graph): Graph {
  return passes.reduce((current, pass) => pass(current), graph)
}
