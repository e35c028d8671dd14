/**
 * A complete search space as a plugin: cells of three nodes and three edges with three operations, 27 architectures.
 *
 *     bench check plugin ./examples/space/tiny.ts
 *     bench tables build --plugin ./examples/space/tiny.ts --recipe ./examples/space/recipe.yaml --as tiny-shapes
 *     bench run --plugin ./examples/space/tiny.ts --space tiny --algo drnas --dataset shapes --seeds 2
 *
 * README.md beside this file says what each part is for.
 */
import {
  argmax,
  BenchError,
  coefficientLayout,
  type Drawing,
  definePlugin,
  type Edge,
  type EvaluationNetworkOptions,
  type Genotype,
  type Matrix,
  type Network,
  NetworkBuilder,
  type SearchSpace,
  type SupernetOptions,
  type ValueId,
} from 'nas-bench-harness'

const OPERATIONS = ['skip_connect', 'conv_3x3', 'avg_pool_3x3'] as const
type Operation = (typeof OPERATIONS)[number]

/** Node 0 is the input of the cell, node 2 its output; a node is the sum of its incoming edges. */
const EDGES: readonly Edge[] = [
  { cell: 'normal', from: 0, to: 1, operations: OPERATIONS },
  { cell: 'normal', from: 0, to: 2, operations: OPERATIONS },
  { cell: 'normal', from: 1, to: 2, operations: OPERATIONS },
]

interface TinyGenotype extends Genotype {
  readonly space: 'tiny'
  /** One operation for each edge, in the order of `EDGES`. */
  readonly operations: readonly Operation[]
}

const tinyGenotype = (operations: readonly Operation[]): TinyGenotype => ({ space: 'tiny', operations })

/** Writes an architecture as `conv_3x3+skip_connect+conv_3x3`. */
const format = ({ operations }: TinyGenotype): string => operations.join('+')

function parse(text: string): TinyGenotype {
  const names = text.trim().split('+')
  const operations = names.flatMap((name) => OPERATIONS.find((known) => known === name) ?? [])
  if (names.length === EDGES.length && operations.length === EDGES.length) return tinyGenotype(operations)
  const expected = `${EDGES.length} operations joined by "+", each one of ${OPERATIONS.join(', ')}`
  throw new BenchError('bad-input', `tiny architecture "${text.slice(0, 80)}": expected ${expected}`)
}

/** Decisions, for black-box search: the index of the operation of each edge. */
const encoding = {
  cardinalities: EDGES.map(() => OPERATIONS.length),
  encode: ({ operations }: TinyGenotype) => operations.map((operation) => OPERATIONS.indexOf(operation)),
  decode: (decisions: readonly number[]) => tinyGenotype(decisions.map((index) => OPERATIONS[index] as Operation)),
}

/** Numbers the 27 architectures, so that a table can hold all of them: the decisions as digits of base 3. */
const numbering = {
  count: OPERATIONS.length ** EDGES.length,
  indexOf: (genotype: TinyGenotype) =>
    encoding.encode(genotype).reduce((number, digit) => number * OPERATIONS.length + digit, 0),
  at(index: number): TinyGenotype {
    if (!Number.isInteger(index) || index < 0 || index >= numbering.count) {
      throw new BenchError('bad-input', `tiny has no architecture ${index}; indices are 0 to ${numbering.count - 1}`)
    }
    return encoding.decode(
      EDGES.map((_, edge) => Math.floor(index / OPERATIONS.length ** (EDGES.length - 1 - edge)) % OPERATIONS.length),
    )
  },
}

type BatchNorm = SupernetOptions['batchNorm']
const LEARNED: BatchNorm = { affine: true, track: true }

/** Writes one operation and returns its output, which has the shape of its input. */
function writeOperation(
  builder: NetworkBuilder,
  input: ValueId,
  operation: Operation,
  batchNorm: BatchNorm,
  name: string,
): ValueId {
  if (operation === 'skip_connect') return input
  if (operation === 'avg_pool_3x3') return builder.pool('avgPool', input, { kernel: 3, padding: 1 })
  const { channels } = builder.value(input)
  const convolved = builder.conv(builder.relu(input), channels, { kernel: 3, padding: 1 }, `${name}.conv`)
  return builder.batchNorm(convolved, batchNorm, `${name}.bn`)
}

/** Writes stem, `depth` cells and classifier around cells whose nodes `writeNode` computes. */
function writeNetwork(
  builder: NetworkBuilder,
  { shape, channels, depth }: Pick<EvaluationNetworkOptions, 'shape' | 'channels' | 'depth'>,
  writeNode: (node: number, nodes: readonly ValueId[], cell: string) => ValueId,
) {
  let x = builder.conv(builder.input, channels, { kernel: 3, stride: 2, padding: 1 }, 'stem.conv') // [H/2, W/2, C]
  x = builder.batchNorm(x, LEARNED, 'stem.bn')
  for (let cell = 0; cell < depth; cell++) {
    const nodes = [x]
    for (const node of [1, 2]) nodes.push(writeNode(node, nodes, `cell${cell}`))
    x = nodes[2] as ValueId
  }
  const features = builder.relu(x)
  const logits = builder.linear(builder.globalMean(features), shape.classes, 'classifier')
  return { heads: [{ logits, lossWeight: 1 }], features }
}

const incoming = (node: number) => EDGES.flatMap((edge, index) => (edge.to === node ? [{ ...edge, index }] : []))

/** The supernet: each node is the sum over its edges of all operations, weighted by the mixing weights. */
function supernet(options: SupernetOptions): Network {
  const layout = coefficientLayout(EDGES.map(({ operations }) => operations.length))
  const builder = new NetworkBuilder(options.shape)
  const parts = writeNetwork(builder, options, (node, nodes, cell) => {
    const terms = incoming(node).flatMap(({ from, index }) =>
      OPERATIONS.map((operation, op) => ({
        output: writeOperation(
          builder,
          nodes[from] as ValueId,
          operation,
          options.batchNorm,
          `${cell}.edge${from}-${node}.${operation}`,
        ),
        coefficient: layout.op(index, op),
      })),
    )
    return builder.mix(
      terms.map(({ output }) => output),
      terms.map(({ coefficient }) => coefficient),
      builder.value(nodes[0] as ValueId),
    )
  })
  return builder.build({ name: 'tiny search network', ...parts, coefficientCount: layout.count })
}

/** The network of one architecture, trained from scratch. */
function network({ operations }: TinyGenotype, options: EvaluationNetworkOptions): Network {
  const builder = new NetworkBuilder(options.shape)
  const parts = writeNetwork(builder, options, (node, nodes, cell) =>
    builder.sum(
      incoming(node).map(({ from, index }) => {
        const operation = operations[index] as Operation
        return writeOperation(
          builder,
          nodes[from] as ValueId,
          operation,
          LEARNED,
          `${cell}.edge${from}-${node}.${operation}`,
        )
      }),
    ),
  )
  return builder.build({ name: 'tiny network', ...parts })
}

/** Discretises mixing weights: the operation of largest weight on each edge. */
const derive = (theta: Matrix): TinyGenotype => tinyGenotype(theta.map((row) => OPERATIONS[argmax(row)] as Operation))

const oneHot = ({ operations }: TinyGenotype): Matrix =>
  operations.map((chosen) => OPERATIONS.map((operation) => Number(operation === chosen)))

/** Draws the cell: one line of text per edge, which is enough for three edges. */
function draw({ operations }: TinyGenotype, title: string): readonly Drawing[] {
  const lines = [title, ...EDGES.map(({ from, to }, edge) => `${from} → ${to}: ${operations[edge]}`)]
  const shapes = lines.map((text, line) => ({
    ...({ kind: 'text', align: 'left', colour: 'ink', size: 11 } as const),
    ...{ x: 0, y: 10 + 18 * line, text },
  }))
  return [{ kind: 'drawing', title, width: 220, height: 18 * lines.length + 4, shapes }]
}

const tiny: SearchSpace<TinyGenotype> = {
  name: 'tiny',
  description: 'Example: 3 nodes, 3 edges with 3 operations, 27 architectures',
  edges: EDGES,
  ...{ encoding, parse, format, derive, oneHot, supernet, network },
  numbering,
  draw,
  evaluations: { shapes: { channels: 8, depth: 2, shape: { height: 16, width: 16, channels: 3, classes: 10 } } },
  family: { name: 'tiny', parse, format, network },
}

export default definePlugin({ name: 'tiny space', spaces: [tiny] })
