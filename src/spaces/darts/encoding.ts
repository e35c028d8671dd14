/** Architectures as tuples of decisions, for black-box search. */
import type { Encoding } from '../../core/space.ts'
import type { Cell, DartsCandidates, DartsGenotype } from './genotype.ts'
import { CELLS, type CellName, choices, type DartsEdge, NODES, rowOf } from './topology.ts'

/**
 * 22 decisions: for each node of the normal, then of the reduction cell, which two predecessors (not asked of node 2,
 * which has but two) and the operation on each, lower predecessor first. So the order in which a genotype lists the two
 * inputs of a node is not kept.
 * @param space all its edges have equally many operations to choose from
 */
export function encodingOf(space: DartsCandidates): Encoding<DartsGenotype> {
  const width = choices(space.edges[0]).length
  const edge = (cell: CellName, from: number, to: number): DartsEdge => space.edges[rowOf(cell, from, to)]

  const encodeCell = (name: CellName, cell: Cell) =>
    NODES.flatMap((node, i) => {
      const inputs = cell.slice(2 * i, 2 * i + 2).toSorted((a, b) => a.from - b.from)
      const pair = pairs(node).findIndex(([a, b]) => a === inputs[0].from && b === inputs[1].from)
      const operations = inputs.map(({ operation, from }) => choices(edge(name, from, node)).indexOf(operation))
      return node === 2 ? operations : [pair, ...operations]
    })

  const decodeCell = (name: CellName, decisions: Iterator<number, number>): Cell =>
    NODES.flatMap((node) => {
      const pair = node === 2 ? 0 : decisions.next().value
      return pairs(node)[pair].map((from) => ({
        operation: choices(edge(name, from, node))[decisions.next().value],
        from,
      }))
    })

  return {
    cardinalities: CELLS.flatMap(() =>
      NODES.flatMap((node) => (node === 2 ? [width, width] : [pairs(node).length, width, width])),
    ),
    encode: (genotype) => CELLS.flatMap((name) => encodeCell(name, genotype[name])),
    decode: (decisions) => {
      const next = decisions.values() as Iterator<number, number>
      return { space: space.name, normal: decodeCell('normal', next), reduce: decodeCell('reduce', next) }
    },
  }
}

/** Two different predecessors of a node, lower first. */
function pairs(node: number): [number, number][] {
  const predecessors = Array.from({ length: node }, (_, from) => from)
  return predecessors.flatMap((a) => predecessors.slice(a + 1).map((b): [number, number] => [a, b]))
}
