/** The order of the passes. Each takes a graph and gives an equal one. */
import type { Graph } from '../graph.ts'
import { dropUnread } from './dropUnread.ts'
import { foldRelu } from './foldRelu.ts'
import { freezeActivations } from './freezeActivations.ts'
import { groupConvolutions } from './groupConvolutions.ts'
import { inlineCombines } from './inlineCombines.ts'

type Pass = (graph: Graph) => Graph

const live: readonly Pass[] = [inlineCombines, foldRelu, dropUnread, groupConvolutions]
const held: readonly Pass[] = [inlineCombines, freezeActivations, dropUnread, groupConvolutions]

/** @param activationMasks whether ReLUs and max poolings decide by their inputs or can be held */
export function rewrite(graph: Graph, activationMasks: 'live' | 'frozen' = 'live'): Graph {
  return (activationMasks === 'live' ? live : held).reduce((current, pass) => pass(current), graph)
}
