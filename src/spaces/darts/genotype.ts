/**
 * An architecture of the DARTS space: checking that a cell is one of the space, discretising mixing weights into an
 * architecture, and encoding an architecture as decisions for black-box search.
 */
import { BenchError } from '../../core/errors.ts'
import { argmax, type Matrix } from '../../core/mixing.ts'
import { nearestName } from '../../core/names.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Encoding, Genotype } from '../../core/space.ts'
import { CELLS, type CellName, type ChosenOperation, choices, type DartsEdge, NODES, rowOf } from './topology.ts'

/**
 * One of the two inputs of a node of a cell: `operation` applied to node `from`. With `none` the node lacks this input,
 * as in the sparse cells of Fair-DARTS; the cell's output lacks a node without inputs.
 */
export interface CellInput {
  readonly operation: ChosenOperation | 'none'
  readonly from: number
}

/**
 * A cell of the DARTS space as the list of its nodes' eight inputs: two for node 2, then two each for nodes 3, 4 and 5.
 */
export type Cell = readonly CellInput[]

/** An architecture of the DARTS space: its normal and its reduction cell. */
export interface DartsGenotype extends Genotype {
  readonly normal: Cell
  readonly reduce: Cell
}

/** An architecture of the DARTS space whose cells all differ, one for each position in the network (D-DARTS). */
export interface CellList extends Genotype {
  readonly cells: readonly Cell[]
  /** Positions of the two reduction cells in `cells`, from 0. */
  readonly reductions: readonly number[]
}

/** An architecture of the DARTS space: a normal and a reduction cell, or a list of cells. */
export type DartsArchitecture = DartsGenotype | CellList

/** Tells whether an architecture of the DARTS space is a list of cells. */
export const isCellList = (genotype: DartsArchitecture): genotype is CellList => 'cells' in genotype

/** Returns the type of a cell in a list of cells, by its position from 0. */
export const listedType = ({ reductions }: Pick<CellList, 'reductions'>, position: number): CellName =>
  reductions.includes(position) ? 'reduce' : 'normal'

/**
 * The candidate operations of a search space of the DARTS family: the space's name, and its edges with their
 * candidates.
 */
export interface DartsCandidates {
  readonly name: string
  readonly edges: readonly DartsEdge[]
}

/** The nodes whose concatenation is the output of a DARTS cell: 2 to 5. */
export const CONCAT: readonly number[] = NODES

/** A node's input as written in a genotype's text: [operation, predecessor node]; some codes add the mixing weight. */
type WrittenInput = readonly [operation: unknown, from: unknown, weight?: number]

/** The place of a written cell: its type, and its name in error messages, as `normal cell`. */
export interface CellLabel {
  readonly type: CellName
  readonly name: string
}

/**
 * Returns the cell that a genotype's text describes, after checking that it is a cell of the space.
 * @param written the eight inputs as one list, or as a list for each node
 * @throws BenchError `bad-input` that names cell and node, what was found there and what is allowed
 */
export function readCell(space: DartsCandidates, cell: CellLabel, written: unknown): Cell {
  if (!Array.isArray(written)) {
    throw invalid(space, cell, `expected a list of (operation, node) pairs, found ${JSON.stringify(written)}`)
  }
  const flat =
    written.length > 0 && written.every(isEdge) ? pairsOf(space, cell, written) : flattened(space, cell, written)
  if (flat.length !== 2 * NODES.length) {
    throw invalid(
      space,
      cell,
      `found ${pluralize(flat.length, 'input')}, expected ${2 * NODES.length}: two for each of nodes 2 to 5`,
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

/** An input as Fair-DARTS writes it: [operation, node that it enters, predecessor node]. */
type WrittenEdge = readonly [operation: unknown, to: number, from: number]

/**
 * Returns whether a written triple is an edge (operation, to, from), not an input with its weight (operation, from,
 * weight).
 */
const isEdge = (written: unknown): written is WrittenEdge =>
  Array.isArray(written) &&
  written.length === 3 &&
  NODES.some((node) => node === written[1]) &&
  Number.isInteger(written[2]) &&
  written[2] < written[1]

/** Returns the eight inputs of a cell written as edges, with `none` for the inputs that nodes lack. */
function pairsOf(space: DartsCandidates, cell: CellLabel, edges: readonly WrittenEdge[]): readonly unknown[] {
  return NODES.flatMap((node) => {
    const inputs = edges.filter(([, to]) => to === node).map(([operation, , from]) => ({ operation, from }))
    if (inputs.length > 2)
      throw invalid(space, cell, `node ${node}: found ${pluralize(inputs.length, 'input')}, expected at most two`)
    return withTwoInputs(inputs as unknown as readonly CellInput[]).map(({ operation, from }) => [operation, from])
  })
}

/** Returns the eight inputs of a written cell as one list, also if the text has a list for each node. */
function flattened(space: DartsCandidates, cell: CellLabel, written: readonly unknown[]): readonly unknown[] {
  const isNode = (item: unknown): item is readonly unknown[] => Array.isArray(item) && Array.isArray(item[0])
  if (written.length === 0 || !written.every(isNode)) return written
  written.forEach((inputs, i) => {
    if (inputs.length !== 2)
      throw invalid(space, cell, `node ${i + 2}: found ${pluralize(inputs.length, 'input')}, expected two`)
  })
  return written.flat()
}

function readInput(space: DartsCandidates, cell: CellLabel, node: number, written: unknown): CellInput {
  if (!isPair(written)) {
    throw invalid(space, cell, `node ${node}: expected (operation, node), found ${JSON.stringify(written)}`)
  }
  const [name, from] = written
  const edge = space.edges.find((edge) => edge.cell === cell.type && edge.to === node && edge.from === from)
  if (edge === undefined) {
    throw invalid(space, cell, `node ${node}: input from node ${JSON.stringify(from)}, expected 0 to ${node - 1}`)
  }
  const allowed = [...choices(edge), 'none' as const]
  const operation = allowed.find((known) => known === name)
  if (operation === undefined) throw unknownOperation(space, cell, edge, String(name), allowed)
  return { operation, from: edge.from }
}

const isPair = (written: unknown): written is WrittenInput =>
  Array.isArray(written) && (written.length === 2 || (written.length === 3 && typeof written[2] === 'number'))

function unknownOperation(
  space: DartsCandidates,
  cell: CellLabel,
  edge: DartsEdge,
  name: string,
  allowed: readonly string[],
): BenchError {
  const near = nearestName(name, allowed)
  const hint = near === undefined ? '' : `, did you mean "${near}"?`
  const problem = `edge ${edge.to}←${edge.from}: unknown operation "${name}"${hint}; allowed are ${allowed.join(', ')}`
  return invalid(space, cell, problem)
}

const invalid = (space: DartsCandidates, cell: CellLabel, problem: string) =>
  new BenchError('bad-input', `${space.name} genotype, ${cell.name}: ${problem}`)

/**
 * Discretises mixing weights by DARTS' rule (§2.4): every node keeps its two strongest edges, strongest first, each
 * with its strongest operation. The strength of an edge is the largest weight among its operations other than `none`,
 * times the weight of the edge in PC-DARTS. Ties go to the lower predecessor and to the lower operation.
 * @param theta mixing weights [28 edges][op]
 * @param edgeWeights PC-DARTS' edge weights, 28
 * @param threshold strength below which an edge is left out, so that its node has fewer than two inputs
 */
export function derive(
  space: DartsCandidates,
  theta: Matrix,
  edgeWeights?: readonly number[],
  threshold = Number.NEGATIVE_INFINITY,
): DartsGenotype {
  const candidates = space.edges.map((edge, e) => strongestOperation(edge, theta[e], edgeWeights?.[e] ?? 1))
  const cell = (name: CellName): Cell =>
    cellOf(
      candidates.filter(({ edge }) => edge.cell === name),
      threshold,
    )
  return { space: space.name, normal: cell('normal'), reduce: cell('reduce') }
}

/**
 * Derives a list of cells from a supernet in which each cell has its own mixing weights: every cell by the rule of
 * `derive`.
 * @throws BenchError `unsupported` if not exactly two of the cells are reduction cells
 */
export function deriveCells(
  space: DartsCandidates,
  mixings: readonly OwnMixing[],
  threshold = Number.NEGATIVE_INFINITY,
): CellList {
  const cells = mixings.map(({ edges, theta }) =>
    cellOf(
      edges.map((edge, row) => strongestOperation(space.edges[edge], theta[row], 1)),
      threshold,
    ),
  )
  const reductions = [...mixings.keys()].filter((cell) => space.edges[mixings[cell].edges[0]].cell === 'reduce')
  if (reductions.length === 2 && cells.length > 2) return { space: space.name, cells, reductions }
  throw new BenchError(
    'unsupported',
    `a list of ${pluralize(cells.length, 'cell')} has no normal cell; it must have at least 3 cells`,
  )
}

/** Mixing weights of one cell of a supernet: one row for each of `edges`, which are indices of edges of the space. */
export interface OwnMixing {
  readonly edges: readonly number[]
  readonly theta: Matrix
}

/** Returns the cell in which every node keeps its two strongest edges, if they reach the threshold. */
const cellOf = (candidates: readonly Candidate[], threshold: number): Cell =>
  NODES.flatMap((node) => {
    const incoming = candidates.filter(({ edge }) => edge.to === node)
    const strongestFirst = incoming.toSorted((a, b) => b.strength - a.strength)
    const kept = strongestFirst.slice(0, 2).filter(({ strength }) => strength >= threshold)
    return withTwoInputs(kept.map(({ input }) => input))
  })

/** Fills the inputs of a node up to two with `none` from the lowest predecessors that it has no input from. */
function withTwoInputs(inputs: readonly CellInput[]): readonly CellInput[] {
  const free = [0, 1].filter((node) => inputs.every(({ from }) => from !== node))
  return [...inputs, ...free.map((from) => ({ operation: 'none' as const, from }))].slice(0, 2)
}

/** An edge with its strongest operation: a candidate for the two inputs of the node that the edge ends in. */
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

/**
 * One-hot mixing weights [28][operations]: 1 at the operation of every edge that the genotype keeps, 0 elsewhere.
 * @throws BenchError `unsupported` for a list of cells
 */
export function oneHot(space: DartsCandidates, genotype: DartsArchitecture): Matrix {
  const { normal, reduce } = requirePair(genotype, 'has mixing weights for each cell, and none for all cells of a type')
  return space.edges.map((edge) => oneHotRow(edge, { normal, reduce }[edge.cell]))
}

/**
 * Returns the one-hot mixing weights of every cell of a list of cells, from which `deriveCells` makes the list again;
 * undefined for an architecture of two cells.
 */
export function oneHotCells(space: DartsCandidates, genotype: DartsArchitecture): NamedMixing[] | undefined {
  if (!isCellList(genotype)) return undefined
  return genotype.cells.map((cell, position) => {
    const type = listedType(genotype, position)
    const edges = [...space.edges.keys()].filter((edge) => space.edges[edge].cell === type)
    return { name: listedName(genotype, position), edges, theta: edges.map((e) => oneHotRow(space.edges[e], cell)) }
  })
}

/** Mixing weights of one cell of a list of cells, with the name of the cell. */
type NamedMixing = OwnMixing & { readonly name: string }

/** Returns the name of a cell in a list of cells, for pictures, listings and messages: `cell 2 (reduce)`. */
export const listedName = (list: Pick<CellList, 'reductions'>, position: number): string =>
  `cell ${position} (${listedType(list, position)})`

/** Returns 1 at the operation of the edge if the cell keeps the edge, 0 elsewhere. */
function oneHotRow({ from, to, operations }: DartsEdge, cell: Cell): number[] {
  const at = 2 * (to - NODES[0])
  const kept = cell.slice(at, at + 2).find((input) => input.from === from)
  return operations.map((operation) => Number(operation === kept?.operation && operation !== 'none'))
}

/** Returns an architecture of two cells unchanged. @throws BenchError `unsupported` for a list of cells */
function requirePair(genotype: DartsArchitecture, problem: string): DartsGenotype {
  if (!isCellList(genotype)) return genotype
  throw new BenchError(
    'unsupported',
    `a list of ${pluralize(genotype.cells.length, 'cell')} ${problem}; give an architecture of one normal and one reduction cell`,
  )
}

/**
 * Returns the encoding of a space's architectures as 22 categorical decisions, for black-box search. For each node of
 * the normal, then of the reduction cell, the decisions are: the pair of predecessors (node 2 has only one pair, so no
 * decision), and the operation on each predecessor, lower predecessor first. The order in which a genotype lists the
 * two inputs of a node is therefore lost.
 * @param space a space whose edges all have equally many operations
 */
export function encodingOf(space: DartsCandidates): Encoding<DartsArchitecture> {
  const width = choices(space.edges[0]).length
  const edge = (cell: CellName, from: number, to: number): DartsEdge => space.edges[rowOf(cell, from, to)]

  const encodeCell = (name: CellName, cell: Cell) =>
    NODES.flatMap((node, i) => {
      const inputs = cell.slice(2 * i, 2 * i + 2).toSorted((a, b) => a.from - b.from)
      const pair = pairs(node).findIndex(([a, b]) => a === inputs[0].from && b === inputs[1].from)
      const operations = inputs.map(({ operation, from }) => indexIn(choices(edge(name, from, node)), operation))
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
    encode: (genotype) => {
      const pair = requirePair(genotype, 'is not among the architectures that a black-box search encodes')
      return CELLS.flatMap((name) => encodeCell(name, pair[name]))
    },
    decode: (decisions) => {
      const next = decisions.values() as Iterator<number, number>
      return { space: space.name, normal: decodeCell('normal', next), reduce: decodeCell('reduce', next) }
    },
  }
}

/**
 * Returns the position of an input's operation among the candidates.
 * @throws BenchError `unsupported` for `none`, which the encoding lacks
 */
function indexIn(candidates: readonly ChosenOperation[], operation: CellInput['operation']): number {
  if (operation !== 'none') return candidates.indexOf(operation)
  throw new BenchError('unsupported', 'a black-box search cannot start at a cell in which a node lacks an input')
}

/** Returns all pairs of different predecessors of a node of a DARTS cell, the lower predecessor first. */
function pairs(node: number): [number, number][] {
  const predecessors = Array.from({ length: node }, (_, from) => from)
  return predecessors.flatMap((a) => predecessors.slice(a + 1).map((b): [number, number] => [a, b]))
}
