/**
 * The networks of NAS-Bench-201: the supernet with shared weights, and the network of one architecture. Both consist of
 * stem · N cells (C channels) · residual block · N cells (2C) · residual block · N cells (4C) · head.
 */
import { BenchError } from '../../core/errors.ts'
import { coefficientLayout } from '../../core/mixing.ts'
import type { Network, ValueId } from '../../core/network.ts'
import { type BatchNormOptions, NetworkBuilder } from '../../core/networkBuilder.ts'
import type { EvaluationNetworkOptions, SupernetOptions } from '../../core/space.ts'
import { checkPartialChannels, coefficientCount, type MixOptions, mixedNode, NO_PARTIAL_SKIP } from '../mixedNode.ts'
import type { Nb201Genotype } from './genotype.ts'
import { EDGES, edgesInto, NODES, OPERATIONS, type Operation } from './topology.ts'

/** Number of channels in each of the network's three stages, as a multiple of those of the first stage. */
const STAGES = [1, 2, 4]
const LEARNED: BatchNormOptions = { affine: true, track: true }

/**
 * Builds the supernet of NAS-Bench-201. Network weights have names like `cell0.edge0-1.nor_conv_3x3.conv.weight`;
 * residual blocks count as cells in this numbering.
 * @param operations the candidate operations of every edge
 * @throws BenchError `unsupported` for dropped edges
 */
export function supernet(options: SupernetOptions, operations: readonly Operation[] = OPERATIONS): Network {
  const { shape, channels, depth, partialChannels = 1, edgeNormalisation = false, batchNorm, dropPath = 0 } = options
  const { auxiliarySkip = false, mixingPerCell = false } = options
  checkPartialChannels(channels, partialChannels)
  if (auxiliarySkip && partialChannels > 1) throw new BenchError('unsupported', NO_PARTIAL_SKIP)
  if (dropPath > 0) throw new BenchError('unsupported', NO_DROP_PATH)
  const cells = mixingPerCell ? STAGES.length * depth : 1
  const layout = coefficientLayout(Array.from({ length: cells * EDGES.length }, () => operations.length))
  const mixing = { layout, partialChannels, edgeNormalisation }
  const builder = new NetworkBuilder(shape)
  const search = { builder, operations, mixing, batchNorm, auxiliarySkip }
  let row = 0
  const heads = skeleton(builder, options, (input, name) => {
    const output = searchCell(search, input, name, row)
    if (mixingPerCell) row += EDGES.length
    return output
  })
  return builder.build({
    name: `nb201 search network, C=${channels} N=${depth}${partialChannels > 1 ? ` k=${partialChannels}` : ''}`,
    ...heads,
    coefficientCount: coefficientCount(layout, cells * EDGES.length, auxiliarySkip),
  })
}

const NO_DROP_PATH =
  'network.dropPath: dropping edges of a search network is known on the DARTS space only (RobustDARTS); ' +
  'set it to 0, or take another protocol'

/**
 * Builds the network of one NAS-Bench-201 architecture, to be trained from scratch. Every batch norm learns scale and
 * shift. Operations whose input is a node of zeros are kept, with their weights.
 */
export function network(genotype: Nb201Genotype, options: EvaluationNetworkOptions): Network {
  const builder = new NetworkBuilder(options.shape)
  const heads = skeleton(builder, options, (input, name) => cell(builder, input, genotype, name))
  return builder.build({ name: `nb201 network, C=${options.channels} N=${options.depth}`, ...heads })
}

/**
 * Builds a network of stem, cells, residual blocks and head.
 * @param writeCell adds one cell to the network and returns its output
 */
function skeleton(
  builder: NetworkBuilder,
  {
    shape,
    channels,
    depth,
    hiddenLayers,
  }: Pick<EvaluationNetworkOptions, 'shape' | 'channels' | 'depth' | 'hiddenLayers'>,
  writeCell: (input: ValueId, name: string) => ValueId,
) {
  let x = builder.conv(builder.input, channels, { kernel: 3, padding: 1 }, 'stem.conv') // [H, W, C]
  x = builder.batchNorm(x, LEARNED, 'stem.bn')
  const outputs = [x]
  const add = (output: ValueId) => {
    outputs.push(output)
    return output
  }
  const name = () => `cell${outputs.length - 1}`
  for (const width of STAGES) {
    if (width > 1) x = add(residualBlock(builder, x, width * channels, name())) // halves H and W
    for (let i = 0; i < depth; i++) x = add(writeCell(x, name()))
  }
  const features = builder.relu(builder.batchNorm(x, LEARNED, 'lastact.bn')) // [H/4, W/4, 4C]
  const logits = builder.classifier(builder.globalMean(features), shape.classes, hiddenLayers)
  return { heads: [{ logits, lossWeight: 1 }], features, cells: outputs }
}

/** Adds a residual block to a network, conv_b(conv_a(x)) + downsample(x), which halves height and width. */
function residualBlock(builder: NetworkBuilder, input: ValueId, channels: number, name: string): ValueId {
  const a = reluConvBn(builder, input, channels, { kernel: 3, stride: 2 }, LEARNED, `${name}.conv_a`)
  const b = reluConvBn(builder, a, channels, { kernel: 3, stride: 1 }, LEARNED, `${name}.conv_b`)
  const pooled = builder.pool('avgPool', input, { kernel: 2, stride: 2 })
  return builder.sum([b, builder.conv(pooled, channels, { kernel: 1 }, `${name}.downsample.conv`)])
}

/** A supernet under construction, and what its cells have in common. */
interface Search {
  readonly builder: NetworkBuilder
  readonly operations: readonly Operation[]
  readonly mixing: MixOptions
  readonly batchNorm: BatchNormOptions
  readonly auxiliarySkip: boolean
}

/** Returns the indices of the edges of each cell of a supernet with `depth` cells per stage: all edges, in every cell. */
export const supernetCells = (depth: number): readonly (readonly number[])[] =>
  Array.from({ length: STAGES.length * depth }, () => EDGES.map((_, edge) => edge))

/**
 * Adds a cell to the supernet under construction. → the cell's output
 * @param row row of the mixing weights of the cell's first edge
 */
function searchCell(
  { builder, operations, mixing, batchNorm, auxiliarySkip }: Search,
  input: ValueId,
  name: string,
  row: number,
): ValueId {
  const shape = builder.value(input)
  const operated = shape.channels / mixing.partialChannels
  const partial = mixing.partialChannels > 1
  const nodes = [input]
  for (const node of NODES.slice(1)) {
    const edges = edgesInto(node).map(({ index, from }) => {
      const x = partial ? builder.slice(nodes[from], 0, operated) : nodes[from]
      const bypass = partial ? builder.slice(nodes[from], operated, shape.channels - operated) : undefined
      const write = (op: Operation) => operation(builder, x, op, batchNorm, `${name}.edge${from}-${node}`)
      const auxiliary = auxiliarySkip ? { auxiliary: nodes[from] } : {}
      return { index: row + index, bypass, operations: operations.map(write), ...auxiliary }
    })
    nodes.push(mixedNode(builder, edges, shape, mixing))
  }
  return nodes[nodes.length - 1]
}

/** Adds the cell of one architecture to its network. → the cell's output */
function cell(builder: NetworkBuilder, input: ValueId, { operations }: Nb201Genotype, name: string): ValueId {
  const nodes = [input]
  for (const node of NODES.slice(1)) {
    const terms = edgesInto(node).flatMap(
      ({ index, from }) =>
        operation(builder, nodes[from], operations[index], LEARNED, `${name}.edge${from}-${node}`) ?? [],
    )
    nodes.push(terms.length > 0 ? builder.sum(terms) : builder.zeros(builder.value(input)))
  }
  return nodes[nodes.length - 1]
}

/** Adds an operation to a network and returns its output, which has the shape of its input; null for `none`. */
function operation(
  builder: NetworkBuilder,
  input: ValueId,
  op: Operation,
  batchNorm: BatchNormOptions,
  edge: string,
): ValueId | null {
  const { channels } = builder.value(input)
  switch (op) {
    case 'none':
      return null
    case 'skip_connect':
      return input
    case 'nor_conv_1x1':
      return reluConvBn(builder, input, channels, { kernel: 1, stride: 1 }, batchNorm, `${edge}.${op}`)
    case 'nor_conv_3x3':
      return reluConvBn(builder, input, channels, { kernel: 3, stride: 1 }, batchNorm, `${edge}.${op}`)
    case 'avg_pool_3x3':
      return builder.pool('avgPool', input, { kernel: 3, padding: 1 })
  }
}

/** Adds ReLU, convolution and batch norm to a network. → their output */
function reluConvBn(
  builder: NetworkBuilder,
  input: ValueId,
  channels: number,
  { kernel, stride }: { readonly kernel: number; readonly stride: number },
  batchNorm: BatchNormOptions,
  name: string,
): ValueId {
  const window = { kernel, stride, padding: (kernel - 1) / 2 }
  const convolved = builder.conv(builder.relu(input), channels, window, `${name}.conv`)
  return builder.batchNorm(convolved, batchNorm, `${name}.bn`)
}
