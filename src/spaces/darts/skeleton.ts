/**
 * The parts that the supernet and the evaluation networks of the DARTS space share: the stem, the sequence of cells,
 * and the heads.
 */
import { BenchError } from '../../core/errors.ts'
import type { Head, Value, ValueId } from '../../core/network.ts'
import type { BatchNormOptions, NetworkBuilder } from '../../core/networkBuilder.ts'
import type { EvaluationNetworkOptions } from '../../core/space.ts'
import { checkEven, factorisedReduce, type OperationStyle, reluConvBn } from './operations.ts'
import { type CellName, NODES, reductionCells } from './topology.ts'

const LEARNED: BatchNormOptions = { affine: true, track: true }
/** The CIFAR stem has this many times the channels of a node of the first cell. */
export const STEM_MULTIPLIER = 3
/** Weight of the auxiliary head's loss in the training loss. */
const AUXILIARY_WEIGHT = 0.4

/** The place of one cell in the network: its name, type, inputs and channels. */
export interface CellPlace {
  /** Name of the cell: `cell0`, `cell1`, … */
  readonly name: string
  /** Number of the cell in the network, from 0. */
  readonly position: number
  readonly type: CellName
  /** The inputs of the cell: the output of the cell before the previous one, and the output of the previous cell. */
  readonly inputs: readonly [ValueId, ValueId]
  /** Number of channels of each node of the cell; the output of the cell has four times as many. */
  readonly channels: number
  /**
   * Whether the cell before this one halved height and width, so that this cell's first input has twice the size of the
   * second.
   */
  readonly afterReduction: boolean
}

/** The size of a network of the DARTS space, the shape of its images, and whether it has an auxiliary head. */
interface SkeletonOptions
  extends Pick<EvaluationNetworkOptions, 'shape' | 'channels' | 'depth' | 'family' | 'auxiliary' | 'hiddenLayers'> {
  /** Number of output channels of the ImageNet stem; absent: `channels`, as in the first cell. */
  readonly stemChannels?: number
  /** Positions of the two reduction cells; absent: ⌊L/3⌋ and ⌊2L/3⌋, L = depth. */
  readonly reductions?: readonly number[]
}

/**
 * Adds stem, cells and classification heads to a network. Channels double at the reduction cells. The auxiliary head
 * takes the output of the second reduction cell.
 * @param writeCell adds one cell and returns its output
 */
export function writeSkeleton(
  builder: NetworkBuilder,
  {
    shape,
    channels,
    depth,
    family = 'cifar',
    auxiliary = false,
    stemChannels = channels,
    hiddenLayers,
    reductions = reductionCells(depth),
  }: SkeletonOptions,
  writeCell: (place: CellPlace) => ValueId,
): { readonly heads: readonly Head[]; readonly features: ValueId; readonly cells: readonly ValueId[] } {
  const outputs = [...(family === 'imagenet' ? imagenetStem(builder, stemChannels) : cifarStem(builder, channels))]
  const stems = outputs.length
  let width = channels
  let afterReduction = family === 'imagenet'
  for (let i = 0; i < depth; i++) {
    const reduces = reductions.includes(i)
    if (reduces) width *= 2
    const type = reduces ? 'reduce' : 'normal'
    const inputs = [outputs[stems + i - 2], outputs[stems + i - 1]] as const
    outputs.push(writeCell({ name: `cell${i}`, position: i, type, inputs, channels: width, afterReduction }))
    afterReduction = reduces
  }
  const features = outputs[outputs.length - 1]
  const auxiliaryHeads = auxiliary
    ? [auxiliaryHead(builder, outputs[stems + reductions[1]], shape.classes, family)]
    : []
  const logits = builder.classifier(builder.globalMean(features), shape.classes, hiddenLayers)
  return { heads: [{ logits, lossWeight: 1 }, ...auxiliaryHeads], features, cells: outputs.slice(stems - 1) }
}

/** Adds the stem for CIFAR images to a network. → both inputs of the first cell */
function cifarStem(builder: NetworkBuilder, channels: number): readonly [ValueId, ValueId] {
  const convolved = builder.conv(builder.input, STEM_MULTIPLIER * channels, { kernel: 3, padding: 1 }, 'stem.conv')
  const stem = builder.batchNorm(convolved, LEARNED, 'stem.bn')
  return [stem, stem]
}

/**
 * Adds the stem for ImageNet images to a network: three convolutions of stride 2. → the inputs of the first cell, of a
 * quarter and an eighth of the image's size
 */
function imagenetStem(builder: NetworkBuilder, channels: number): readonly [ValueId, ValueId] {
  const window = { kernel: 3, stride: 2, padding: 1 }
  let x = builder.conv(builder.input, Math.floor(channels / 2), window, 'stem0.conv1')
  x = builder.batchNorm(x, LEARNED, 'stem0.bn1')
  x = builder.conv(builder.relu(x), channels, window, 'stem0.conv2')
  const stem0 = builder.batchNorm(x, LEARNED, 'stem0.bn2')
  const stem1 = builder.batchNorm(
    builder.conv(builder.relu(stem0), channels, window, 'stem1.conv'),
    LEARNED,
    'stem1.bn',
  )
  return [stem0, stem1]
}

/**
 * Adds the auxiliary head to a network. On ImageNet it has no second batch norm, as in the papers' code and parameter
 * counts.
 */
function auxiliaryHead(builder: NetworkBuilder, input: ValueId, classes: number, family: 'cifar' | 'imagenet'): Head {
  checkAuxiliaryFits(builder.value(input), family)
  let x = builder.pool('avgPool', builder.relu(input), { kernel: 5, stride: family === 'cifar' ? 3 : 2 })
  x = builder.batchNorm(builder.conv(x, 128, { kernel: 1 }, 'auxiliary.conv1'), LEARNED, 'auxiliary.bn1')
  x = builder.conv(builder.relu(x), 768, { kernel: 2 }, 'auxiliary.conv2')
  if (family === 'cifar') x = builder.batchNorm(x, LEARNED, 'auxiliary.bn2')
  return { logits: builder.linear(builder.relu(x), classes, 'auxiliary.classifier'), lossWeight: AUXILIARY_WEIGHT }
}

/**
 * `least`: smallest height and width of the auxiliary head's input, whose pooling must leave 2×2 for the head's second
 * convolution. `times`: how many times larger height and width of the image are.
 */
const AUXILIARY_INPUT = { cifar: { least: 8, times: 4 }, imagenet: { least: 7, times: 32 } }

function checkAuxiliaryFits({ height, width }: Value, family: 'cifar' | 'imagenet'): void {
  const { least, times } = AUXILIARY_INPUT[family]
  if (Math.min(height, width) >= least) return
  throw new BenchError(
    'bad-input',
    `the auxiliary head needs ${least}×${least} values, and images of this size leave it ${height}×${width}; leave it out ` +
      `(--no-auxiliary, or auxiliary: false), or scale images to ${least * times} (--image-size ${least * times})`,
  )
}

/**
 * Adds a cell to a network: brings both inputs to the channels and size of the cell, computes the nodes in turn, and
 * concatenates them.
 * @param writeNode adds a node, given all earlier nodes, and returns its output; null for a node without inputs, which
 * the cell's output then lacks
 */
export function writeCellNodes<Node extends ValueId | null>(
  style: OperationStyle,
  { name, type, inputs, channels, afterReduction }: CellPlace,
  writeNode: (node: number, nodes: readonly (ValueId | Node)[]) => Node,
): ValueId {
  if (type === 'reduce') checkEven(style.builder, inputs[1], channels, name)
  const preprocess0 = afterReduction ? factorisedReduce : reluConvBn
  const nodes: (ValueId | Node)[] = [
    preprocess0(style, inputs[0], channels, `${name}.preprocess0`),
    reluConvBn(style, inputs[1], channels, `${name}.preprocess1`),
  ]
  for (const node of NODES) nodes.push(writeNode(node, nodes))
  const computed = nodes.slice(-NODES.length).filter((node) => node !== null)
  if (computed.length > 0) return style.builder.concat(computed) // [H, W, channels · number of nodes with inputs]
  return style.builder.zeros(nodeShape(style, { type, channels }, nodes[1] as ValueId))
}

/** Returns the tensor shape of the computed nodes of a cell, given the tensor of the cell's input node 1. */
export function nodeShape(
  { builder }: OperationStyle,
  { type, channels }: Pick<CellPlace, 'type' | 'channels'>,
  input: ValueId,
): Value {
  const { height, width } = builder.value(input)
  const stride = strideOf(type, 1)
  return { height: height / stride, width: width / stride, channels }
}

/** Returns the stride of an edge's operations: 2 in a reduction cell on edges that leave an input node, else 1. */
export const strideOf = (type: CellName, from: number): 1 | 2 => (type === 'reduce' && from < 2 ? 2 : 1)
