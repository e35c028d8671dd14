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

/** [operation, predecessor], as written in text. */
type WrittenInput = readonly [operation: unknown, from: unknown]

/**
 * A cell from its written inputs, each checked against the space.
 * @throws BenchError `bad-input` that names cell and node, what was found there and what is allowed
 */
export function readCell(space: DartsCandidates, cell: CellName, written: unknown): Cell {
  if (!Array.isArray(written)) {
    throw invalid(space, cell, `expected a list of (operation, node) pairs, found ${JSON.stringify(written)}`)
  }
  if (written.length !== 2 * NODES.length) {
    throw invalid(
      space,
      cell,
      `found ${written.length} inputs, expected ${2 * NODES.length}: two for each of nodes 2 to 5`,
    )
  }
  const inputs = written.map((input, i) => readInput(space, cell, NODES[i >> 1], input))
  for (const [i, node] of NODES.entries()) {
    if (inputs[2 * i].from === inputs[2 * i + 1].from) {
      throw invalid(space, cell, `node ${node}: both inputs come from node ${inputs[2 * i].from}; they must differ`)
    }
  }
  return inputs
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

const isPair = (written: unknown): written is WrittenInput => Array.isArray(written) && written.length === 2

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
