/** From mixing weights to an architecture. */
import { argmax, type Matrix } from '../../core/mixing.ts'
import type { Cell, CellInput, DartsCandidates, DartsGenotype } from './genotype.ts'
import { type CellName, choices, type DartsEdge, NODES } from './topology.ts'

/**
 * DARTS' rule (§2.4): every node keeps its two strongest predecessors, strongest first, each with its strongest
 * operation; the strength of an edge is the largest weight of an operation other than `none` on it, times the edge's
 * weight where there is one (PC-DARTS). Of equals the lower predecessor and the lower operation win.
 * @param theta 28 rows; @param edgeWeights 28
 */
export function derive(space: DartsCandidates, theta: Matrix, edgeWeights?: readonly number[]): DartsGenotype {
  const candidates = space.edges.map((edge, e) => strongestOperation(edge, theta[e], edgeWeights?.[e] ?? 1))
  const cell = (name: CellName): Cell =>
    NODES.flatMap((node) => {
      const incoming = candidates.filter(({ edge }) => edge.cell === name && edge.to === node)
      const strongestFirst = incoming.toSorted((a, b) => b.strength - a.strength)
      return strongestFirst.slice(0, 2).map(({ input }) => input)
    })
  return { space: space.name, normal: cell('normal'), reduce: cell('reduce') }
}

interface Candidate {
  readonly edge: DartsEdge
  readonly strength: number
  readonly input: CellInput
}

function strongestOperation(edge: DartsEdge, theta: readonly number[], edgeWeight: number): Candidate {
  const allowed = choices(edge)
  const weights = allowed.map((operation) => theta[edge.operations.indexOf(operation)] * edgeWeight)
  const best = argmax(weights)
  return { edge, strength: weights[best], input: { operation: allowed[best], from: edge.from } }
}

/** 1 at the operation of each edge that the genotype keeps, 0 elsewhere. [28][operations] */
export function oneHot(space: DartsCandidates, genotype: DartsGenotype): Matrix {
  return space.edges.map(({ cell, from, to, operations }) => {
    const at = 2 * (to - NODES[0])
    const kept = genotype[cell].slice(at, at + 2).find((input) => input.from === from)
    return operations.map((operation) => Number(operation === kept?.operation))
  })
}
