/** An architecture of the DARTS space, and its validity. */
import { BenchError } from '../../core/errors.ts'
import { nearestName } from '../../core/names.ts'
import type { Genotype } from '../../core/space.ts'
import { type CellName, type ChosenOperation, choices, type DartsEdge, NODES } from './topology.ts'

/** One of the two inputs of a node: operation(value of node `from`). */
export interface CellInput {
  readonly operation: ChosenOperation
  readonly from: number
}

/** Two inputs for each of nodes 2 to 5, node after node. */
export type Cell = readonly CellInput[]

export interface DartsGenotype extends Genotype {
  readonly normal: Cell
  readonly reduce: Cell
}

/** A space's name and the candidate operations of its edges. */
export interface DartsCandidates {
  readonly name: string
  readonly edges: readonly DartsEdge[]
}

/** Computed nodes that make up a cell's output. */
export const CONCAT: readonly number[] = NODES

/** [operation, predecessor], as written in text; some authors' code writes a weight after them. */
type WrittenInput = readonly [operation: unknown, from: unknown, weight?: number]

/**
 * A cell from its written inputs, one list or a list for each node, each checked against the space.
 * @throws BenchError `bad-input` that names cell and node, what was found there and what is allowed
 */
export function readCell(space: DartsCandidates, cell: CellName, written: unknown): Cell {
  if (!Array.isArray(written)) {
    throw invalid(space, cell, `expected a list of (operation, node) pairs, found ${JSON.stringify(written)}`)
  }
  const flat = flattened(space, cell, written)
  if (flat.length !== 2 * NODES.length) {
    throw invalid(
      space,
      cell,
      `found ${flat.length} inputs, expected ${2 * NODES.length}: two for each of nodes 2 to 5`,
    )
  }
  const inputs = flat.map((input, i) => readInput(space, cell, NODES[i >> 1], input))
  for (const [i, node] of NODES.entries()) {
    if (inputs[2 * i].from === inputs[2 * i + 1].from) {
      throw invalid(space, cell, `node ${node}: both inputs come from node ${inputs[2 * i].from}; they must differ`)
    }
  }
  return inputs
}

/** The inputs of all nodes, where they are written node by node. */
function flattened(space: DartsCandidates, cell: CellName, written: readonly unknown[]): readonly unknown[] {
  const isNode = (item: unknown): item is readonly unknown[] => Array.isArray(item) && Array.isArray(item[0])
  if (written.length === 0 || !written.every(isNode)) return written
  written.forEach((inputs, i) => {
    if (inputs.length !== 2) throw invalid(space, cell, `node ${i + 2}: found ${inputs.length} inputs, expected two`)
  })
  return written.flat()
}

function readInput(space: DartsCandidates, cell: CellName, node: number, written: unknown): CellInput {
  if (!isPair(written)) {
    throw invalid(space, cell, `node ${node}: expected (operation, node), found ${JSON.stringify(written)}`)
  }
  const [name, from] = written
  const edge = space.edges.find((edge) => edge.cell === cell && edge.to === node && edge.from === from)
  if (edge === undefined) {
    throw invalid(space, cell, `node ${node}: input from node ${JSON.stringify(from)}, expected 0 to ${node - 1}`)
  }
  const allowed = choices(edge)
  const operation = allowed.find((known) => known === name)
  if (operation === undefined) throw unknownOperation(space, edge, String(name), allowed)
  return { operation, from: edge.from }
}

const isPair = (written: unknown): written is WrittenInput =>
  Array.isArray(written) && (written.length === 2 || (written.length === 3 && typeof written[2] === 'number'))

function unknownOperation(
  space: DartsCandidates,
  edge: DartsEdge,
  name: string,
  allowed: readonly string[],
): BenchError {
  const near = nearestName(name, allowed)
  const hint = near === undefined ? '' : `, did you mean "${near}"?`
  const problem = `edge ${edge.to}←${edge.from}: unknown operation "${name}"${hint}; allowed are ${allowed.join(', ')}`
  return invalid(space, edge.cell, problem)
}

const invalid = (space: DartsCandidates, cell: CellName, problem: string) =>
  new BenchError('bad-input', `${space.name} genotype, ${cell} cell: ${problem}`)
