import { describe, expect, test } from 'vitest'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import type { Graph, Of, Operation } from '../../../src/engine/graph/graph.ts'
import { lower } from '../../../src/engine/graph/lower.ts'
import {
  dropUnread,
  foldRelu,
  groupConvolutions,
  inlineCombines,
  orderByDepth,
  rewrite,
} from '../../../src/engine/graph/rewrite.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

const NORM = { affine: false, track: false }
const SHAPE = { height: 4, width: 4, channels: 4 }

/** Returns the graph of a network whose features, and classifier input, are the value that `write` returns. */
function graphOf(write: (builder: NetworkBuilder) => number): Graph {
  const builder = new NetworkBuilder(SHAPE)
  const features = write(builder)
  const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
  return lower(builder.build({ name: 'test', heads: [{ logits, lossWeight: 1 }], features }))
}

const of = <K extends Operation['kind']>(graph: Graph, kind: K) =>
  graph.operations.filter((operation): operation is Of<K> => operation.kind === kind)

describe('inlining sums', () => {
  test('replaces the edges of a node by their terms, with multiplied coefficients', () => {
    const graph = graphOf((builder) => {
      const a = builder.relu(builder.input)
      const b = builder.conv(builder.input, 4, { kernel: 1 }, 'b')
      const edge = builder.mix([a, null, builder.batchNorm(b, NORM, 'norm')], [0, 1, 2], SHAPE)
      return builder.mix([edge, a], [3, 4], SHAPE)
    })
    const [node] = of(dropUnread(inlineCombines(graph)), 'combine')
    expect(node.terms.map(({ factors, norm }) => [factors, norm !== null])).toEqual([
      [[3, 0], false],
      [[3, 2], true],
      [[4], false],
    ])
  })

  test('keeps a sum that is read twice or normalised', () => {
    const graph = graphOf((builder) => {
      const sum = builder.sum([builder.input, builder.relu(builder.input)])
      const twice = builder.sum([sum, builder.relu(sum)])
      return builder.batchNorm(twice, NORM, 'norm')
    })
    expect(of(dropUnread(inlineCombines(graph)), 'combine').map(({ terms }) => terms.length)).toEqual([2, 2, 1])
  })

  test('removes a sum of zeros', () => {
    const graph = graphOf((builder) => builder.sum([builder.zeros(SHAPE), builder.relu(builder.input)]))
    expect(of(dropUnread(inlineCombines(graph)), 'combine').map(({ terms }) => terms.length)).toEqual([1])
  })
})

test('a ReLU is folded into the convolutions that read it, and stays for other readers', () => {
  const graph = graphOf((builder) => {
    const relu = builder.relu(builder.input)
    const conv = builder.conv(relu, 4, { kernel: 3, padding: 1 }, 'conv')
    return builder.sum([conv, builder.depthwiseConv(builder.relu(conv), { kernel: 3, padding: 1 }, 'deep'), relu])
  })
  const folded = dropUnread(foldRelu(graph))
  expect(of(folded, 'convolve').map(({ relu, filters }) => [filters[0].kind, relu])).toEqual([
    ['dense', true],
    ['depthwise', true],
    ['dense', false],
  ])
  expect(of(folded, 'relu')).toHaveLength(1)
})

test('convolutions of one input become one operation, those of its ReLU another', () => {
  const graph = graphOf((builder) => {
    const relu = builder.relu(builder.input)
    const convs = [builder.input, relu, relu].map((input, i) => builder.conv(input, 4, { kernel: 1 }, `conv${i}`))
    return builder.sum(convs)
  })
  const grouped = groupConvolutions(dropUnread(foldRelu(graph)))
  expect(of(grouped, 'convolve').map(({ relu, filters }) => [relu, filters.length])).toEqual([
    [false, 1],
    [true, 2],
    [false, 1],
  ])
})

test('a search cell becomes three groups of convolutions, three poolings and three nodes', () => {
  const build = (depth: number) =>
    nb201.supernet({ shape: { ...SHAPE, channels: 3, classes: 2 }, channels: 4, depth, batchNorm: NORM })
  const count = (depth: number) => {
    const { operations } = rewrite(lower(build(depth)))
    return (kind: Operation['kind']) => operations.filter((operation) => operation.kind === kind).length
  }
  const [one, two] = [count(1), count(2)]
  const perCell = (kind: Operation['kind']) => (two(kind) - one(kind)) / 3
  expect({
    convolve: perCell('convolve'),
    avgPool: perCell('avgPool'),
    combine: perCell('combine'),
    relu: perCell('relu'),
  }).toEqual({
    convolve: 3,
    avgPool: 3,
    combine: 3,
    relu: 0,
  })
})

test('operations are ordered by depth, after the operations they read, and else keep their order', () => {
  const builder = new NetworkBuilder({ height: 4, width: 4, channels: 4 })
  const branch = (depth: number): number =>
    depth === 0 ? builder.input : builder.conv(builder.relu(branch(depth - 1)), 4, { kernel: 1 }, `${depth}`)
  const features = builder.sum([branch(2), branch(1), branch(2)])
  const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
  const graph = lower(builder.build({ name: 'levels', heads: [{ logits, lossWeight: 1 }], features }))
  const kinds = orderByDepth(graph).operations.map(({ kind }) => kind)
  expect(kinds).toEqual([
    ...['relu', 'convolve', 'convolve', 'convolve', 'relu', 'relu', 'convolve', 'convolve'],
    ...['combine', 'globalMean', 'convolve', 'bias'],
  ])
})
