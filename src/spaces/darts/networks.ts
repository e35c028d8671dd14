/**
 * The networks of the DARTS space: the supernet with shared weights, and the network of one architecture that is
 * trained from scratch.
 */
import { BenchError } from '../../core/errors.ts'
import { coefficientLayout } from '../../core/mixing.ts'
import type { Network, ValueId } from '../../core/network.ts'
import { NetworkBuilder } from '../../core/networkBuilder.ts'
import type { EvaluationNetworkOptions, SupernetOptions } from '../../core/space.ts'
import {
  checkPartialChannels,
  coefficientCount,
  type MixedEdge,
  type MixOptions,
  mixedNode,
  NO_PARTIAL_SKIP,
} from '../mixedNode.ts'
import { type Cell, type DartsArchitecture, type DartsCandidates, isCellList } from './genotype.ts'
import { type OperationStyle, writeOperation } from './operations.ts'
import { type CellPlace, nodeShape, STEM_MULTIPLIER, strideOf, writeCellNodes, writeSkeleton } from './skeleton.ts'
import { cellType, type DartsEdge, reductionCells } from './topology.ts'

/**
 * Builds the supernet of a space of the DARTS family. Every pooling is followed by a batch norm without scale and
 * shift, so that the outputs of operations are comparable. Like the CIFAR stem, the ImageNet stem has three times the
 * channels of the first cells (`yuhuixu1993/PC-DARTS` and `xiangning-chen/DrNAS`: model_search_imagenet.py).
 * @throws BenchError `unsupported` for dropped edges together with partial channels or edge weights
 */
export function supernet(space: DartsCandidates, options: SupernetOptions): Network {
  const { shape, channels, depth, partialChannels = 1, edgeNormalisation = false, batchNorm } = options
  const { auxiliarySkip = false, mixingPerCell = false, skipDropout = false } = options
  const dropPath = (options.dropPath ?? 0) > 0
  checkPartialChannels(channels, partialChannels)
  if (auxiliarySkip && partialChannels > 1) throw new BenchError('unsupported', NO_PARTIAL_SKIP)
  if (dropPath && skipDropout) throw new BenchError('unsupported', NO_TWO_DROPOUTS)
  if (dropPath && (partialChannels > 1 || edgeNormalisation)) throw new BenchError('unsupported', NO_DROP_PATH)
  const rows = mixingPerCell ? supernetCells(space, depth).flat() : [...space.edges.keys()]
  const layout = coefficientLayout(rows.map((edge) => space.edges[edge].operations.length))
  const mixing = { layout, partialChannels, edgeNormalisation, dropPath, auxiliarySkip, skipDropout }
  const builder = new NetworkBuilder(shape)
  const style = { builder, batchNorm, pooledBatchNorm: true }
  const skeleton = { ...options, stemChannels: STEM_MULTIPLIER * channels }
  const heads = writeSkeleton(builder, skeleton, (place) => {
    // The row of the mixing weights of an edge of the space, which are its own in every cell or shared by all.
    const rowOf = (edge: number) => (mixingPerCell ? place.position * CELL_EDGES + (edge % CELL_EDGES) : edge)
    return searchCell(style, space, { ...mixing, rowOf }, place)
  })
  const k = partialChannels > 1 ? ` k=${partialChannels}` : ''
  const name = `${space.name} search network, C=${channels} L=${depth}${k}`
  return builder.build({
    name,
    ...heads,
    coefficientCount: coefficientCount(layout, rows.length, auxiliarySkip),
  })
}

const NO_TWO_DROPOUTS =
  'network.dropPath drops whole edges, and this algorithm has a dropout of its own behind skip connections (P-DARTS); ' +
  'set network.dropPath to 0'

const NO_DROP_PATH =
  'network.dropPath: dropping edges of a search network is known without partial channels and edge weights only ' +
  '(RobustDARTS); leave it out, or take another algorithm'

/** Number of edges of a cell. */
const CELL_EDGES = 14

/**
 * Returns, for each cell of a supernet with `depth` cells, the indices of the space's edges that have the cell's type.
 */
export const supernetCells = ({ edges }: DartsCandidates, depth: number): readonly (readonly number[])[] =>
  Array.from({ length: depth }, (_, cell) =>
    [...edges.keys()].filter((edge) => edges[edge].cell === cellType(cell, depth)),
  )

/** Options of the mixed operations of a cell of a supernet. */
interface SearchMixing extends MixOptions {
  readonly auxiliarySkip: boolean
  readonly skipDropout: boolean
  /** Returns the row of the mixing weights for an edge of the space. */
  rowOf(edge: number): number
}

/** Adds a cell to the supernet under construction. → the cell's output */
function searchCell(style: OperationStyle, space: DartsCandidates, mixing: SearchMixing, place: CellPlace): ValueId {
  return writeCellNodes<ValueId>(style, place, (node, nodes) => {
    const edges = space.edges.flatMap((edge, index) =>
      edge.cell === place.type && edge.to === node
        ? [mixedEdge(style, edge, index, nodes[edge.from], mixing, place)]
        : [],
    )
    return mixedNode(style.builder, edges, nodeShape(style, place, nodes[1]), mixing)
  })
}

/**
 * Adds all candidate operations of an edge to the supernet; they see the first 1/k of the channels. The other channels
 * bypass them, pooled if the edge has stride 2.
 */
function mixedEdge(
  style: OperationStyle,
  { cell, from, to, operations }: DartsEdge,
  edge: number,
  input: ValueId,
  { partialChannels: k, auxiliarySkip, skipDropout, rowOf }: SearchMixing,
  place: CellPlace,
): MixedEdge {
  const { builder } = style
  const index = rowOf(edge)
  const stride = strideOf(cell, from)
  const write = (x: ValueId) =>
    operations.map((op) => {
      if (op === 'none') return null
      const output = writeOperation(style, x, op, stride, `${place.name}.edge${from}-${to}.${op}`)
      return skipDropout && output === x ? builder.dropPath(output) : output
    })
  const skip = () => writeOperation(style, input, 'skip_connect', stride, `${place.name}.edge${from}-${to}.auxiliary`)
  if (k === 1) return { index, operations: write(input), ...(auxiliarySkip && { auxiliary: skip() }) }

  const operated = place.channels / k
  const passing = builder.slice(input, operated, place.channels - operated)
  const bypass = stride === 1 ? passing : builder.pool('maxPool', passing, { kernel: 2, stride })
  return { index, operations: write(builder.slice(input, 0, operated)), bypass }
}

/**
 * Builds the network of one architecture, to be trained from scratch. Network weights have names like
 * `cell0.op3.sep_conv_3x3.dw1.weight`, where 3 is the position of the operation in the genotype's list. A list of cells
 * gives the cells of a network of its own depth; see `placedCells` for other depths.
 */
export function network(genotype: DartsArchitecture, options: EvaluationNetworkOptions): Network {
  const { shape, channels, depth, dropPath = false, pooledBatchNorm = false } = options
  const builder = new NetworkBuilder(shape)
  const style = { builder, batchNorm: { affine: true, track: true }, pooledBatchNorm }
  const { cells, reductions } = placedCells(genotype, depth)
  const heads = writeSkeleton(builder, { ...options, reductions }, (place) =>
    evaluationCell(style, cells[place.position], dropPath, place),
  )
  return builder.build({ name: `darts network, C=${channels} L=${depth}`, ...heads })
}

/**
 * Returns the cell at every position of a network, and the positions of its reduction cells. A list of cells whose
 * length is the depth is used as it is. For another depth, the two reduction cells divide both list and network into
 * thirds, and each third of the network repeats the normal cells of the list's same third (D-DARTS, derivation of
 * deeper architectures). If the list's third is empty, the nearest third before it is used, or else after it.
 */
function placedCells(
  genotype: DartsArchitecture,
  depth: number,
): { readonly cells: readonly Cell[]; readonly reductions: readonly number[] } {
  const reductions = reductionCells(depth)
  const positions = Array.from({ length: depth }, (_, position) => position)
  if (!isCellList(genotype)) return { cells: positions.map((at) => genotype[cellType(at, depth)]), reductions }
  if (depth === genotype.cells.length) return genotype
  const [first, second] = genotype.reductions
  const own = [
    genotype.cells.slice(0, first),
    genotype.cells.slice(first + 1, second),
    genotype.cells.slice(second + 1),
  ]
  const thirds = own.map((_, third) => own.slice(0, third + 1).findLast(hasCells) ?? own.find(hasCells) ?? [])
  const cells = positions.map((at) => {
    if (at === reductions[0]) return genotype.cells[first]
    if (at === reductions[1]) return genotype.cells[second]
    const third = reductions.filter((reduction) => reduction < at).length
    const begin = third === 0 ? 0 : reductions[third - 1] + 1
    return thirds[third][(at - begin) % thirds[third].length]
  })
  return { cells, reductions }
}

const hasCells = (cells: readonly Cell[]) => cells.length > 0

/**
 * Adds a cell to the network of one architecture. As in the code of Fair-DARTS, a node without inputs is left out of
 * the cell's output, and so is what would take it as an input. → the cell's output
 */
function evaluationCell(style: OperationStyle, cell: Cell, dropPath: boolean, place: CellPlace): ValueId {
  const { builder } = style
  return writeCellNodes<ValueId | null>(style, place, (node, nodes) => {
    const first = 2 * (node - 2)
    const terms = cell.slice(first, first + 2).flatMap(({ operation, from }, i) => {
      const input = nodes[from]
      if (operation === 'none' || input === null) return []
      const stride = strideOf(place.type, from)
      const name = `${place.name}.op${first + i}.${operation}`
      const output = writeOperation(style, input, operation, stride, name)
      const isIdentity = output === input
      return dropPath && !isIdentity ? builder.dropPath(output) : output
    })
    return terms.length > 0 ? builder.sum(terms) : null
  })
}
